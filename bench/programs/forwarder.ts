// A yardstick: the least that any proxy does. Hands the bytes of each client to a connection of its
// own at the server, and back; knows no frames.
//
//   deno run -A bench/programs/forwarder.ts SERVER_PORT

import { listenTcp } from "@maple/box/internal";

const [serverPort] = Deno.args.map(Number);
const hostname = "127.0.0.1";
const BUFFER_BYTES = 16 * 1024;

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) break;
    for (let at = 0; at < count;) {
      at += await to.write(buffer.subarray(at, count));
    }
  }
  await to.closeWrite();
}

async function forward(client: Deno.TcpConn): Promise<void> {
  using near = client;
  try {
    using far = await Deno.connect({ hostname, port: serverPort! });
    near.setNoDelay(true);
    far.setNoDelay(true);
    await Promise.all([copy(near, far), copy(far, near)]);
  } catch {
    // The clients leave as they like.
  }
}

const listener = listenTcp("clients", hostname, 0);
console.log(`ready 127.0.0.1:${listener.addr.port}`);
for await (const client of listener) forward(client);
