// The chat of examples/chat/: the same handlers on one haven server, on several processes of one,
// and on workers behind a gateway, with the same clients.

import { assertEquals, assertMatch } from "@std/assert";
import { Box, type BoxFields, RET, TcpClient } from "@maple/box";
import { Haven } from "@maple/haven";
import { testClient } from "@maple/haven/testing";
import { Worker } from "@maple/worker";
import { Cmd, registerChat, Ret } from "../../examples/chat/chat_handlers.ts";
import { eventually } from "../helpers/eventually.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { pathOf } from "../helpers/paths.ts";
import { PERMISSIONS, runArgs } from "../helpers/permissions.ts";
import { startProcess } from "../helpers/process.ts";
import { PATIENCE_MS } from "../helpers/within.ts";
import { HavenProcess } from "./haven_process.ts";

const HAVEN = pathOf("../../examples/chat/chat_haven.ts");
const WORKER = pathOf("../../examples/chat/chat_worker.ts");
const CLIENT = pathOf("../../examples/chat/chat_client.ts");
const TICK = ["--tick", "0.2"];

/** What the script needs of a client. */
interface ChatClient extends AsyncDisposable {
  request(data: { cmd: number; body?: unknown }): Promise<Box>;
  on(cmd: number, handler: (box: Box) => void): () => void;
  readonly closed: boolean;
  read(): Promise<unknown>;
}

/** Somebody who listens. */
class Listener {
  readonly heard: string[] = [];
  times = 0;
  readonly client: ChatClient;
  gone = false;

  constructor(client: ChatClient) {
    this.client = client;
    client.on(Cmd.HEAR, (box) => this.heard.push(box.text()));
    client.on(Cmd.TIME, () => this.times++);
    // Keeps it reading to the end.
    client.read().then(() => this.gone = true, () => {});
  }

  async ask(cmd: number, body?: unknown): Promise<number> {
    return (await this.client.request({ cmd, body })).ret;
  }

  /** Waits until it has heard a line. */
  hears(line: string): Promise<void> {
    return eventually(() => this.heard.includes(line), {
      what: `"${line}" among ${JSON.stringify(this.heard)}`,
    });
  }
}

/** What three people do; the same wherever the chat runs. */
async function play(connect: () => Promise<ChatClient>): Promise<void> {
  const people: Listener[] = [];
  for (let i = 0; i < 3; i++) people.push(new Listener(await connect()));
  const [host, ann, bob] = people as [Listener, Listener, Listener];
  await using _end = new AsyncDisposableStack();
  for (const { client } of people) _end.use(client);

  assertEquals(await ann.ask(Cmd.SAY, "too early"), Ret.LOGIN_FIRST);
  assertEquals(await ann.ask(Cmd.LOGIN, "no JSON"), RET.BAD_REQUEST);
  for (const [uid, one] of [[1, host], [2, ann], [3, bob]] as const) {
    assertEquals(await one.ask(Cmd.LOGIN, { uid }), 0);
    await host.hears(`user ${uid} is here`);
  }
  assertEquals(await ann.ask(Cmd.SAY, "hello"), 0);
  for (const one of people) await one.hears("user 2: hello");
  // All are told the time.
  for (const one of people) await eventually(() => one.times > 0);
  assertEquals(await ann.ask(Cmd.KICK, { uid: 3 }), Ret.NOT_THE_HOST);
  assertEquals(await host.ask(Cmd.KICK, { uid: 3 }), 0);
  await eventually(() => bob.gone);
  for (const one of [host, ann]) await one.hears("user 3 is gone");
  assertEquals(await ann.ask(Cmd.LEAVE), 0);
  await host.hears("user 2 has left");
  assertEquals(await host.ask(Cmd.SAY, "all alone"), 0);
  await host.hears("user 1: all alone");
  assertEquals(await ann.ask(Cmd.SAY, "again"), Ret.LOGIN_FIRST);
  assertEquals(ann.heard.includes("user 1: all alone"), false);
  // Whoever comes in elsewhere is here.
  assertEquals(await ann.ask(Cmd.LOGIN, { uid: 1 }), 0);
  await ann.hears("user 1 is here");
  // Another process hears of it a moment later.
  await eventually(async () =>
    await host.ask(Cmd.SAY, "who am I?") === Ret.LOGIN_FIRST
  );
  await ann.client[Symbol.asyncDispose]();
}

async function connectTo(port: number): Promise<ChatClient> {
  const client = new TcpClient(Box, "127.0.0.1", port, {
    timeout: PATIENCE_MS / 1000,
  });
  await client.connect();
  return client as unknown as ChatClient;
}

Deno.test("the chat on Haven", async () => {
  await using server = await HavenProcess.run([HAVEN, "--port", "0", ...TICK]);
  await play(() => connectTo(server.port));
  assertEquals(/ERROR/.test(server.stderr), false, server.stderr);
});

Deno.test({
  name: "the chat on GHaven with two processes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const flags = ["--port", "0", "--workers", "2", ...TICK];
    await using server = await HavenProcess.run([HAVEN, ...flags], {
      permissions: PERMISSIONS.ghaven,
    });
    // Wherever the system puts the clients.
    for (let round = 0; round < 3; round++) {
      await play(() => connectTo(server.port));
    }
    assertEquals(/ERROR/.test(server.stderr), false, server.stderr);
  },
});

Deno.test("the chat on a gateway with workers, and its own client", async () => {
  await using gateway = await startGatewayProcess();
  const port = ["--port", String(gateway.innerPort)];
  await using worker = await startProcess(Deno.execPath(), {
    args: [...runArgs("worker"), WORKER, ...port, ...TICK],
    ready: /^maple worker ready workers=2 /,
  });
  await play(() => connectTo(gateway.outerPort));
  assertEquals(/ERROR/.test(worker.stderr), false, worker.stderr);
  const client = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-net", CLIENT, "--uid", "7"],
      ...["--port", String(gateway.outerPort)],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = client.stdin.getWriter();
  await writer.write(new TextEncoder().encode("hello\n/kick 7\n"));
  await writer.close();
  const { code, stdout, stderr } = await client.output();
  const said = new TextDecoder().decode(stdout);
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertMatch(said, /user 7 is here\n[^]*user 7: hello\n[^]*refused: 2\n/);
});

const kinds = {
  Haven: (logger: LogCollector) =>
    new Haven<BoxFields, { user: string }>(Box, { logger }),
  Worker: (logger: LogCollector) =>
    new Worker<BoxFields, { user: string }>(Box, { logger }),
};

for (const [kind, make] of Object.entries(kinds)) {
  Deno.test(`the chat in memory, on a ${kind}`, async () => {
    const log = new LogCollector();
    await using app = make(log);
    registerChat(app, { tickSeconds: 0.05 });
    await play(() => Promise.resolve(testClient(app) as unknown as ChatClient));
    assertEquals(log.complaints.length, 1);
    assertMatch(log.complaints[0]!, /^WARN .*no sense: Cannot read the body/);
  });
}
