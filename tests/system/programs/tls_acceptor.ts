// A listener for TLS, looked after every 0.2 s, in a process that uses up its file descriptors when
// a line comes on stdin, and gives them back with the next. It tells of each connection.

import {
  acceptAll,
  createLogger,
  readCertificates,
  TlsListener,
} from "@maple/box/internal";

const [cert, key] = Deno.args as [string, string];
const listener = await TlsListener.open(
  { what: "clients", hostname: "127.0.0.1", port: 0 },
  {
    certificates: readCertificates([cert], [key]),
    protocols: [],
    acceptWatch: 0.2,
  },
);
// Whatever needs descriptors when it is first used has to have them before.
Deno.addSignalListener("SIGTERM", () => Deno.exit());
console.log(`ready ${listener.addr.port}`);
acceptAll(listener, createLogger({ role: "test" }), (conn) => {
  console.log("let in");
  conn.close();
});
const line = new Uint8Array(100);
await Deno.stdin.read(line);
const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(await Deno.open(import.meta.filename!));
} catch {
  // There are no more.
}
console.log("used up");
await Deno.stdin.read(line);
// What has come meanwhile is looked at.
for (let i = 0; i < 20; i++) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
for (const file of files) file.close();
console.log("free");
