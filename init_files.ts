// The files of a new project. They use no template strings, so that they stand here as they are.

/** The files of a project by name, but for deno.json, which depends on where maple is. */
export const FILES: Readonly<Record<string, string>> = {
  "gateway.json": `{
  "outerPort": 29000,
  "innerPort": 28000,
  "wsPort": 29001
}
`,
  "worker.ts":
    `// What the server does. Save this file while clients are connected: they stay.

import { Box } from "@maple/box";
import { Worker } from "@maple/worker";
import config from "./gateway.json" with { type: "json" };

/** The commands that clients and this worker speak. */
export const Cmd = { LOGIN: 1, SAY: 2, NEWS: 100 } as const;

/** The worker with its handlers, not yet attached to a gateway. */
export function createApp(): Worker {
  const app = new Worker(Box);

  const tellAll = (body: string) =>
    app.writeToUsers([[[-1], { cmd: Cmd.NEWS, body }]]);

  app.route(Cmd.LOGIN, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    request.loginClient(uid);
    tellAll("user " + uid + " is here");
    return { ret: 0 };
  });

  app.route(Cmd.SAY, (request) => {
    if (request.uid === 0) return { ret: 1, body: "log in first" };
    tellAll("user " + request.uid + ": " + request.box.text());
    return { ret: 0 };
  });

  app.closeClient((request) => {
    if (request.uid !== 0) tellAll("user " + request.uid + " is gone");
  });

  return app;
}

if (import.meta.main) {
  await createApp().run("127.0.0.1", config.innerPort, { workers: 1 });
}
`,
  "worker_test.ts": `import { assertEquals } from "@std/assert";
import { testClient } from "@maple/haven/testing";
import { Cmd, createApp } from "./worker.ts";

Deno.test("what a user says is heard by all", async () => {
  await using app = createApp();
  const ann = testClient(app);
  const bob = testClient(app);
  await ann.request({ cmd: Cmd.LOGIN, body: { uid: 1 } });
  await bob.request({ cmd: Cmd.LOGIN, body: { uid: 2 } });
  await ann.request({ cmd: Cmd.SAY, body: "hello" });

  for (const news of ["user 2 is here", "user 1: hello"]) {
    assertEquals((await bob.read())?.text(), news);
  }
});

Deno.test("who has not logged in may not speak", async () => {
  await using app = createApp();
  const { ret } = await testClient(app).request({ cmd: Cmd.SAY, body: "hi" });
  assertEquals(ret, 1);
});
`,
  "index.html": `<!DOCTYPE html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>maple</title>
  <form><input placeholder="say something" autofocus></form>
  <ul></ul>
  <script type="module">
  import { Box, Client } from "./client.js";

  // The commands of worker.ts, and the wsPort of gateway.json.
  const [LOGIN, SAY, NEWS] = [1, 2, 100];
  const server = "ws://" + location.hostname + ":29001/";
  const uid = Math.ceil(Math.random() * 1e6);

  function show(text) {
    const line = document.createElement("li");
    line.textContent = text;
    document.querySelector("ul").prepend(line);
  }

  const client = new Client(Box);
  // Whenever it has connected, after a loss too.
  client.onConnect((session) => session.request({ cmd: LOGIN, body: { uid } }));
  client.onStateChange((state) => show("(" + state + ")"));
  client.on(NEWS, (box) => show(box.text()));

  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    const input = event.target.firstElementChild;
    client.request({ cmd: SAY, body: input.value })
      .catch((error) => show("not sent: " + error.message));
    input.value = "";
  };

  await client.connect(server);
  </script>
</html>
`,
  "dev.ts":
    `// The gateway and the worker as they run in production, and the page. When a source is saved, the
// worker goes on with the new code; if that does not come up, the old one stays.
//
//   deno task dev [PORT OF THE PAGE]

const HERE = import.meta.dirname!;
let ending = false;

function deno(args: string[], stdout: "inherit" | "piped" = "inherit") {
  return new Deno.Command(Deno.execPath(), {
    args,
    cwd: HERE,
    stdin: "null",
    stdout,
  }).spawn();
}

function send(signal: Deno.Signal, child: Deno.ChildProcess): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended just now.
  }
}

// The client for browsers, as one file.
const client = import.meta.resolve("@maple/box/client");
const build = deno(
  ["bundle", "--quiet", "--platform=browser", client],
  "piped",
);
const script = await new Response(build.stdout).bytes();
if (!(await build.status).success) Deno.exit(1);

function servePage(port: number): Deno.HttpServer {
  try {
    return Deno.serve({
      hostname: "127.0.0.1",
      port,
      onListen: ({ port }) =>
        console.log("page at http://127.0.0.1:" + port + "/"),
    }, givePage);
  } catch (error) {
    const { message } = error as Error;
    console.error("dev: no page at this port, name another one: " + message);
    Deno.exit(1);
  }
}

async function givePage({ url }: Request): Promise<Response> {
  const { pathname } = new URL(url);
  if (pathname === "/client.js") return answer(script, "text/javascript");
  if (pathname !== "/") return new Response("not here\\n", { status: 404 });
  return answer(await Deno.readFile(HERE + "/index.html"), "text/html");
}

function answer(body: Uint8Array<ArrayBuffer>, type: string): Response {
  const headers = { "content-type": type + "; charset=utf-8" };
  return new Response(body, { headers });
}

const server = servePage(Number(Deno.args[0] ?? 8000));
const program = import.meta.resolve("@maple/gateway");
const gateway = deno(
  ["run", "-A", program, "--config", "gateway.json"],
  "piped",
);
// It says that it is ready, and no more.
const said = gateway.stdout.pipeThrough(new TextDecoderStream()).getReader();
const { value: ready } = await said.read();
if (ready === undefined) Deno.exit((await gateway.status).code);
console.log(ready.trim());
let works = true;
let worker = startWorker();

function startWorker(): Deno.ChildProcess {
  works = true;
  const child = deno(["run", "-A", "worker.ts"]);
  child.status.then(({ signal }) => {
    works = false;
    if (ending) return;
    // Saved before it could listen.
    if (signal === "SIGHUP") worker = startWorker();
    else console.log("The worker has ended: save a file to start it again.");
  });
  return child;
}

let timer: ReturnType<typeof setTimeout> | undefined;
const watcher = Deno.watchFs(HERE);

async function reloadOnSave(): Promise<void> {
  for await (const { kind, paths } of watcher) {
    const isSource = paths.some((path) => /(?<!_test)\\.ts$/.test(path));
    if (kind === "access" || !isSource) continue;
    // An editor may write several times for one save.
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (works) send("SIGHUP", worker);
      else worker = startWorker();
    }, 100);
  }
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  watcher.close();
  clearTimeout(timer);
  // It finishes what it holds; the gateway is there until then.
  send("SIGTERM", worker);
  await worker.status;
  send("SIGTERM", gateway);
}

Deno.addSignalListener("SIGINT", end);
Deno.addSignalListener("SIGTERM", end);
reloadOnSave();
const { code } = await gateway.status;
await end();
await server.shutdown();
Deno.exit(code);
`,
};
