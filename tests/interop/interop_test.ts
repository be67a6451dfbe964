// Our gateway with workers, clients and triggers of another make: the Python ones beside this file, which speak the wire as the originals did.

import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertObjectMatch,
} from "@std/assert";
import { Box, RET } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import {
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import {
  type RunningProcess,
  runProcess,
  startProcess,
} from "../helpers/process.ts";

const PYTHON = "python3";

async function whyNoPython(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command(PYTHON, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? undefined : `${PYTHON} --version fails`;
  } catch (error) {
    return `${PYTHON} cannot be run: ${(error as Error).message}`;
  }
}

const noPython = await whyNoPython();
if (noPython) console.log(`tests/interop is skipped: ${noPython}`);

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `interop: ${name}`, ignore: !!noPython, fn });
}

function script(name: string): string {
  return pathOf(`../interop/${name}.py`);
}

type Fields = Record<string, unknown>;

// A worker that asks once after connecting and once after each task.
class PythonWorker implements AsyncDisposable {
  constructor(readonly process: RunningProcess) {}

  static async start(
    gateway: GatewayProcess,
    ...flags: string[]
  ): Promise<PythonWorker> {
    return new PythonWorker(
      await startProcess(PYTHON, {
        args: [script("worker"), "--port", `${gateway.innerPort}`, ...flags],
        ready: /^worker ready$/,
      }),
    );
  }

  // The next event of this kind.
  async event(kind: string): Promise<Fields> {
    const match = await this.process.line(
      new RegExp(`^\\{"event": "${kind}",.*$`),
    );
    return JSON.parse(match[0]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

class PythonClient implements AsyncDisposable {
  readonly #process: RunningProcess;

  constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(
    { outer }: GatewayProcess,
    host = outer.hostname,
  ): Promise<PythonClient> {
    return new PythonClient(
      await startProcess(PYTHON, {
        args: [script("client"), "--host", host, "--port", `${outer.port}`],
      }),
    );
  }

  async do(op: Fields): Promise<Fields> {
    await this.#process.write(JSON.stringify(op));
    const [line] = await this.#process.line(/^\{.*$/);
    const result = JSON.parse(line!);
    if ("error" in result) throw new Error(`client: ${result.error}`);
    return result;
  }

  // The body may be an object, for the worker's commands that take arguments.
  send(cmd: number, body: string | Fields = "", more: Fields = {}) {
    return this.do({
      op: "send",
      cmd,
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...more,
    });
  }

  read(): Promise<Fields> {
    return this.do({ op: "recv", timeout: 10 });
  }

  async call(
    cmd: number,
    body: string | Fields = "",
    more: Fields = {},
  ): Promise<Fields> {
    await this.send(cmd, body, more);
    return await this.read();
  }

  // What its next request's task looks like to the worker, and the JSON that this came in.
  async header(): Promise<[Fields, string]> {
    const text = String((await this.call(HEADER)).body);
    return [JSON.parse(text), text];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

async function trigger(
  gateway: GatewayProcess,
  ...args: string[]
): Promise<void> {
  const { code, stderr } = await runProcess(PYTHON, {
    args: [script("trigger"), "--port", `${gateway.innerPort}`, ...args],
  });
  assertEquals([code, stderr], [0, ""]);
}

// The commands of worker.py.
const [ECHO, LOGIN, LOGOUT, TO_USERS, CLOSE, CLOSE_USERS, TO_WORKER, CLEAR] = [
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
];
const [SLEEP, HEADER, UNKNOWN] = [9, 10, 99];
const CLOSED = { closed: true, reset: false, unread: 0 };

test("a request is answered with the bytes and numbers it came with", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  const body_hex = "00ff7978aecf0a0d80";
  const reply = await client.call(ECHO, "", { sn: 7, ret: 5, body_hex });
  assertObjectMatch(reply, { cmd: ECHO, sn: 7, ret: 0, body_hex });
  for (const size of [0, 1, 100_000]) {
    const body = "m".repeat(size);
    assertObjectMatch(await client.call(ECHO, body, { sn: -1 }), {
      body,
      sn: -1,
      packet_len: 24 + size,
    });
  }
});

test("a worker learns of clients that come and go, and who they are", async () => {
  await using gateway = await startGatewayProcess(["--node-id", "6"]);
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  const created = await worker.event("created");
  assertObjectMatch(created, {
    cmd: 15,
    flags: 0,
    node_id: 6,
    uid: 0,
    userdata: 0,
    custom: 0,
    client_ip: "127.0.0.1",
  });
  const { tag, conn_id } = created;
  assertGreater(Number(tag), 0);
  const [header] = await client.header();
  assertObjectMatch(header, {
    cmd: 10,
    flags: 0,
    node_id: 6,
    tag,
    conn_id,
    client_ip: "127.0.0.1",
  });
  await client.call(LOGIN, { uid: 7, userdata: 3 });
  await client.do({ op: "close" });
  assertObjectMatch(await worker.event("closed"), {
    cmd: 20,
    tag,
    conn_id,
    uid: 7,
    userdata: 3,
  });
});

test("a client over IPv6 is told as one", async () => {
  if (!Deno.networkInterfaces().some((it) => it.address === "::1")) {
    console.log("there is no IPv6 here");
    return;
  }
  await using gateway = await startGatewayProcess(["--outer-host", "::1"]);
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway, "::1");
  assertObjectMatch((await client.header())[0], { flags: 2, client_ip: "::1" });
});

test("login and logout, with every bit of uid and userdata", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  // As text: JSON.parse() would round them.
  await client.call(
    LOGIN,
    '{"uid": 9223372036854775807, "userdata": -9223372036854775807}',
  );
  const [, text] = await client.header();
  assertMatch(text, /"uid": 9223372036854775807,/);
  assertMatch(text, /"userdata": -9223372036854775807,/);
  await client.call(LOGOUT);
  assertObjectMatch((await client.header())[0], { uid: 0, userdata: 0 });
});

test("a login moves from another connection", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using a = await PythonClient.start(gateway);
  await using b = await PythonClient.start(gateway);
  await a.call(LOGIN, { uid: 5, userdata: 1 });
  await b.call(LOGIN, { uid: 5, userdata: 2 });
  assertObjectMatch((await a.header())[0], { uid: 0, userdata: 0 });
  assertObjectMatch((await b.header())[0], { uid: 5, userdata: 2 });
});

test("a worker's message reaches users by uid, special uid and mask", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using a = await PythonClient.start(gateway);
  await using b = await PythonClient.start(gateway);
  await using c = await PythonClient.start(gateway);
  await a.call(LOGIN, { uid: 1, userdata: 1 });
  await b.call(LOGIN, { uid: 2, userdata: 3 });
  // Somebody who has no message of his own waiting sends; the answer comes last.
  const messages: Fields[] = [
    { uids: [1, 2], body: "both" },
    { uids: [-1], userdata: 2, body: "masked" },
    { uids: [-2], exclude: [1], body: "all but 1" },
    { uids: [-3], body: "not logged in" },
    { uids: [-2], body: "end", cmd: 77 },
  ];
  const own: string[] = [];
  for (const message of messages) {
    await c.send(TO_USERS, message, { sn: 5 });
    for (;;) {
      const { cmd, body, sn } = await c.read();
      if (cmd === TO_USERS && sn === 5) break;
      own.push(String(body));
    }
  }
  const readToEnd = async (client: PythonClient) => {
    const texts: string[] = [];
    for (;;) {
      const { cmd, body } = await client.read();
      if (cmd === 77) return texts;
      texts.push(String(body));
    }
  };
  assertEquals(await readToEnd(a), ["both"]);
  assertEquals(await readToEnd(b), ["both", "masked", "all but 1"]);
  assertEquals(own, ["all but 1", "not logged in", "end"]);
});

test("a client is closed after its answer", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  assertObjectMatch(await client.call(CLOSE, "", { sn: 3 }), { sn: 3 });
  assertEquals(await client.read(), CLOSED);
});

test("users are closed by a worker", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using a = await PythonClient.start(gateway);
  await using b = await PythonClient.start(gateway);
  await using c = await PythonClient.start(gateway);
  await a.call(LOGIN, { uid: 1, userdata: 1 });
  await b.call(LOGIN, { uid: 2, userdata: 1 });
  const body = { uids: [-2], userdata: 1, exclude: [2] };
  assertObjectMatch(await c.call(CLOSE_USERS, body), { cmd: CLOSE_USERS });
  assertEquals(await a.read(), CLOSED);
  assertObjectMatch((await b.header())[0], { uid: 2 });
});

test("a worker's task for a worker comes flagged inner, with what it was given", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  const fields = { uid: -5, userdata: 1, custom: 4611686018427388 };
  const reply = await client.call(TO_WORKER, { body: "hi", ...fields });
  const what = JSON.parse(String(reply.body));
  assertObjectMatch(what, { inner: true, body: "hi", flags: 1, ...fields });
  assertObjectMatch(await worker.event("inner"), { body: "hi", ...fields });
});

for (const order of ["client", "none"]) {
  test(`requests that wait are cleared, order ${order}`, async () => {
    await using gateway = await startGatewayProcess(["--order", order]);
    await using _worker = await PythonWorker.start(gateway);
    await using client = await PythonClient.start(gateway);
    const frames = [[CLEAR, 1], [ECHO, 2], [ECHO, 3]].map(([cmd, sn]) =>
      new Box({ cmd: cmd!, sn: sn! }).pack().toHex()
    );
    await client.do({ op: "send_raw", hex: frames.join("") });
    assertObjectMatch(await client.read(), { sn: 1 });
    assertObjectMatch(await client.call(ECHO, "", { sn: 4 }), { sn: 4 });
  });
}

test("an unknown command is answered as the originals did", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  assertObjectMatch(await client.call(UNKNOWN, "", { sn: 2 }), {
    cmd: UNKNOWN,
    sn: 2,
    ret: RET.INVALID_CMD,
  });
});

test("a client's answers come in order from several workers", async () => {
  await using gateway = await startGatewayProcess();
  await using _1 = await PythonWorker.start(gateway);
  await using _2 = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  for (const [sn, ms] of [30, 0, 20, 0, 10, 0].entries()) {
    await client.send(SLEEP, `${ms}`, { sn });
  }
  const order = [];
  for (let i = 0; i < 6; i++) order.push((await client.read()).sn);
  assertEquals(order, [0, 1, 2, 3, 4, 5]);
});

test("a frame of a client that is none closes it, and no other", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using good = await PythonClient.start(gateway);
  await using bad = await PythonClient.start(gateway);
  await bad.do({ op: "send_raw", hex: "00".repeat(24) });
  assertObjectMatch(await bad.read(), { closed: true });
  assertObjectMatch(await good.call(ECHO, "fine"), { body: "fine" });
});

test("a trigger gives a worker a task", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  await trigger(
    gateway,
    ...["write-to-worker", "--cmd", "3", "--body", "hi", "--uid", "7"],
    ...["--userdata", "5", "--custom", "-9"],
  );
  assertObjectMatch(await worker.event("inner"), {
    inner: true,
    box_cmd: 3,
    body: "hi",
    uid: 7,
    userdata: 5,
    custom: -9,
  });
});

for (const packed of [[], ["--packed"]]) {
  const how = packed.length ? "packed" : "unpacked";
  test(`a trigger writes to users and closes them, lists ${how}`, async () => {
    await using gateway = await startGatewayProcess();
    await using _worker = await PythonWorker.start(gateway);
    await using a = await PythonClient.start(gateway);
    await using b = await PythonClient.start(gateway);
    await using c = await PythonClient.start(gateway);
    await a.call(LOGIN, { uid: 1, userdata: 1 });
    await b.call(LOGIN, { uid: 2, userdata: 3 });
    await c.call(ECHO);
    const write = (body: string, ...flags: string[]) =>
      trigger(
        gateway,
        ...["write-to-users", ...packed, "--cmd", "8", "--body", body],
        ...flags,
      );
    await write("to 1 and 2", "--uids", "1,2,300");
    await write("masked", "--uids", "-1", "--userdata", "2");
    await write("all but 2", "--uids", "-2", "--exclude", "2");
    assertObjectMatch(await a.read(), { cmd: 8, body: "to 1 and 2" });
    assertObjectMatch(await a.read(), { cmd: 8, body: "all but 2" });
    assertObjectMatch(await b.read(), { cmd: 8, body: "to 1 and 2" });
    assertObjectMatch(await b.read(), { cmd: 8, body: "masked" });
    assertObjectMatch(await c.read(), { cmd: 8, body: "all but 2" });
    await trigger(
      gateway,
      ...["close-users", ...packed, "--uids", "-1", "--exclude", "2"],
    );
    assertEquals(await a.read(), CLOSED);
    await trigger(gateway, "close-users", ...packed, "--uids", "-3,2");
    assertEquals(await b.read(), CLOSED);
    assertEquals(await c.read(), CLOSED);
  });
}

test("a worker that leaves after its task was answered leaves nothing to answer again", async () => {
  await using gateway = await startGatewayProcess();
  // CREATED and one request.
  await using first = await PythonWorker.start(
    gateway,
    "--count-of-tasks",
    "2",
  );
  await using client = await PythonClient.start(gateway);
  await first.event("created");
  assertObjectMatch(await client.call(ECHO, "one", { sn: 1 }), { sn: 1 });
  assertEquals((await first.process.finished()).code, 0);
  await client.send(ECHO, "two", { sn: 2 });
  await using _second = await PythonWorker.start(gateway);
  assertObjectMatch(await client.read(), { sn: 2 });
  assertObjectMatch(await client.call(ECHO, "three", { sn: 3 }), { sn: 3 });
});

test("a worker at TERM finishes the task in hand; what waits goes to the next", async () => {
  await using gateway = await startGatewayProcess();
  await using first = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  await first.event("created");
  await client.send(SLEEP, "300", { sn: 1 });
  await client.send(ECHO, "two", { sn: 2 });
  first.process.kill("SIGTERM");
  assertEquals((await first.process.finished()).code, 0);
  await using _second = await PythonWorker.start(gateway);
  assertObjectMatch(await client.read(), { sn: 1 });
  assertObjectMatch(await client.read(), { sn: 2 });
  assertObjectMatch(await client.call(ECHO, "three", { sn: 3 }), { sn: 3 });
});

// Kills workers that hold a task until as many have been lost.
async function loseWorkers(
  gateway: GatewayProcess,
  count: number,
): Promise<void> {
  const told = (pattern: RegExp) =>
    gateway.process.stderr.match(pattern)?.length ?? 0;
  const ended = () => told(/ worker \S+ closed: /g);
  const lost = () => told(/ worker \S+ closed: .* that it held /g);
  const wanted = lost() + count;
  while (lost() < wanted) {
    const before = ended();
    const worker = await PythonWorker.start(gateway);
    await worker[Symbol.asyncDispose]();
    await eventually(() => ended() > before);
  }
}

test("a task of a killed worker goes to another, and after two is given up", async () => {
  await using gateway = await startGatewayProcess(["--log-level", "DEBUG"]);
  await using client = await PythonClient.start(gateway);
  await using first = await PythonWorker.start(
    gateway,
    "--count-of-tasks",
    "1",
  );
  await first.process.finished();
  for (const survives of [true, false]) {
    await client.send(SLEEP, survives ? "500" : "60000", { sn: 1 });
    await loseWorkers(gateway, survives ? 1 : 2);
    await using _last = await PythonWorker.start(gateway);
    assertObjectMatch(
      await client.read(),
      survives ? { sn: 1, ret: 0 } : { sn: 1, ret: RET.WORKER_LOST },
    );
    assertObjectMatch(await client.call(ECHO, "", { sn: 2 }), { sn: 2 });
  }
});

test("a gateway at TERM lets a worker finish, answers, and closes all", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  await worker.event("created");
  await client.send(SLEEP, "300", { sn: 1 });
  await client.send(ECHO, "", { sn: 2 });
  // The gateway has both when it has served a third, of another client.
  await using other = await PythonClient.start(gateway);
  await other.send(ECHO, "", { sn: 3 });
  assertObjectMatch(await other.read(), { sn: 3 });
  gateway.process.kill("SIGTERM");
  assertObjectMatch(await client.read(), { sn: 1 });
  assertObjectMatch(await client.read(), { sn: 2 });
  assertEquals(await client.read(), CLOSED);
  assertEquals((await gateway.process.finished()).code, 0);
  assertEquals((await worker.process.finished()).code, 0);
  assert(worker.process.stdout.length > 0);
});
