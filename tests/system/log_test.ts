// What is in the logs of real processes, and what must never be in them: a client's data.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box, type BoxFields, RET, TaskCmd, TcpClient } from "@maple/box";
import {
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { type Address, RawPeer } from "../helpers/raw_peer.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import { LogCmd } from "./programs/log_worker.ts";
import { WorkerProcess } from "./worker_process.ts";

const LOG_WORKER = pathOf("../system/programs/log_worker.ts");
const SECRET = "swordfish";

interface Line {
  readonly time: string;
  readonly level: string;
  readonly role: string;
  readonly pid: number;
  readonly conn?: number;
  readonly message: string;
}

// Every line must be JSON.
function linesOf(stderr: string): Line[] {
  return stderr.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

async function line(
  process: { readonly stderr: string },
  message: RegExp,
): Promise<Line> {
  const find = () =>
    linesOf(process.stderr).find((line) => message.test(line.message));
  await eventually(() => find() !== undefined, {
    timeout: 30_000,
    what: `a line that matches ${message}`,
  }).catch((error) => {
    throw new Error(`${error.message}; the log:\n${process.stderr}`);
  });
  return find()!;
}

async function connect(
  { hostname, port }: Address,
): Promise<TcpClient<BoxFields>> {
  const client = new TcpClient(Box, hostname, port, { timeout: 10 });
  await client.connect();
  return client;
}

// What SECRET may look like in a log.
function traces(): string[] {
  const hex = (separator: string) =>
    Array.from(
      new TextEncoder().encode(SECRET.slice(0, 5)),
      (byte) => byte.toString(16),
    ).join(separator);
  const numbers = new TextEncoder().encode(SECRET.slice(0, 5)).join(", ");
  return [SECRET, SECRET.slice(0, 5), hex(" "), hex(""), numbers];
}

async function misbehave({ outer, inner }: GatewayProcess): Promise<void> {
  const bytes = new TextEncoder().encode(SECRET.repeat(20));
  // Clients: no frame at all, a wrong length, too long a frame, one that ends in its middle.
  const good = new Box({ cmd: 1, body: bytes }).pack();
  const shortLength = good.slice();
  new DataView(shortLength.buffer).setInt32(8, 5);
  const longLength = good.slice();
  new DataView(longLength.buffer).setInt32(8, 2 ** 30);
  for (const broken of [bytes, shortLength, longLength]) {
    await using peer = await RawPeer.connect(Box, outer);
    await peer.sendBytes(broken);
    await peer.closedByPeer();
  }
  {
    await using peer = await RawPeer.connect(Box, outer);
    await peer.sendBytes(good.subarray(0, 60));
  }
  // The inner port: no frame, bodies that are none, an unknown command.
  {
    await using peer = await RawWorker.attach(inner);
    await peer.sendBytes(bytes);
    await peer.closedByPeer();
  }
  await using trigger = await RawWorker.attach(inner);
  for (
    const cmd of [
      TaskCmd.WRITE_TO_USERS,
      TaskCmd.CLOSE_USERS,
      TaskCmd.WRITE_TO_WORKER,
      999,
    ]
  ) await trigger.send({ cmd, body: bytes });
  await trigger.endWriting();
  await trigger.closedByPeer();
}

Deno.test("logs at INFO and above hold nothing of a body, in gateway, master and worker", async () => {
  await using gateway = await startGatewayProcess(["--log-format", "json"]);
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: LOG_WORKER,
    workers: 1,
    logFormat: "json",
    workTimeout: 0.05,
  });
  await misbehave(gateway);
  {
    await using client = await connect(gateway.outer);
    const answers: Record<number, number> = {};
    for (const cmd of [...Object.values(LogCmd), 77]) {
      await client.write({ cmd, body: `${SECRET} ${SECRET}` });
      answers[cmd] = (await client.read())!.ret;
    }
    assertEquals(answers, {
      [LogCmd.ECHO]: 0,
      [LogCmd.THROW]: RET.INTERNAL,
      [LogCmd.BOX_JSON]: RET.BAD_REQUEST,
      [LogCmd.JSON_PARSE]: RET.INTERNAL,
      [LogCmd.THROW_BOX]: RET.INTERNAL,
      [LogCmd.REJECT]: RET.BAD_REQUEST,
      [LogCmd.HOOK]: 0,
      [LogCmd.SLOW]: 0,
      [LogCmd.BAD_ANSWER]: RET.INTERNAL,
      77: RET.INVALID_CMD,
    });
  }
  // All of it was told, with the connection where there is one.
  const seen: [{ readonly stderr: string }, RegExp, boolean][] = [
    [gateway.process, /magic number \(first bytes: 73 77 6f 72\)$/, true],
    [gateway.process, /length field is smaller than the header$/, true],
    [gateway.process, /1073741824 bytes are above the limit/, true],
    [gateway.process, /trigger .* closed: Received bytes are no Task/, false],
    [gateway.process, /sent command 230, which is ignored/, false],
    [gateway.process, /sent command 250, which is ignored/, false],
    [gateway.process, /sent the unknown command 999/, false],
    [worker, /a task is dropped, its body is no box/, false],
    [worker, /threw: Error: the handler is broken\n\s+at /, true],
    [worker, /makes no sense: Cannot read the body as JSON/, true],
    [worker, /threw: SyntaxError: the text is not valid JSON/, true],
    [worker, /threw: Error: with a box/, true],
    [worker, /Hook afterRequest threw: Cannot read the body/, true],
    [worker, /takes longer than 0\.05 s/, true],
    [worker, /threw: HavenError: .* not one whole frame/, true],
    [worker, /No route for WorkerRequest \{ cmd: 77 \}/, true],
    [worker, /Hook closeClient threw: Error: the client of uid 0/, true],
  ];
  for (const [process, message, hasConn] of seen) {
    const { conn } = await line(process, message);
    assertEquals([message, conn !== undefined], [message, hasConn]);
  }
  // The gateway and the worker call a connection by the same number.
  const { conn } = await line(worker, /No route for/);
  assertEquals(conn, (await line(worker, /handler is broken/)).conn);
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
  gateway.process.kill("SIGTERM");
  assertEquals((await gateway.process.finished()).code, 0);
  const log = gateway.process.stderr + worker.stderr;
  for (const trace of traces()) {
    // The four bytes in place of a magic number are all that is ever shown.
    assert(!log.toLowerCase().includes(trace), `"${trace}" is in:\n${log}`);
  }
  const roles = new Map(linesOf(log).map(({ role, pid }) => [role, pid]));
  assertEquals(roles.get("gateway"), gateway.process.pid);
  assertEquals(roles.get("master"), worker.pid);
  const { message } = await line(worker, /^worker 1 \(pid \d+\) started$/);
  assertEquals(message, `worker 1 (pid ${roles.get("worker-1")}) started`);
});

Deno.test("the gateway program with --log-format json writes one object a line, to a file too", async () => {
  const directory = await Deno.makeTempDir({ prefix: "maple-test-" });
  try {
    const file = `${directory}/gateway.log`;
    await using gateway = await startGatewayProcess([
      ...["--log-format", "json", "--log-level", "DEBUG", "--log-file", file],
      // Nobody works on the news of the client.
      ...["--drain-timeout", "0"],
    ]);
    const client = await connect(gateway.outer);
    const log = {
      get stderr() {
        return Deno.readTextFileSync(file);
      },
    };
    const connected = await line(log, /^client 1 at .* connected over tcp$/);
    client.close();
    const { time, ...rest } = connected;
    assertMatch(time, /^[\d-]{10}T[\d:]{8}\.\d{3}[+-]\d\d:\d\d$/);
    assertEquals(rest, {
      level: "DEBUG",
      role: "gateway",
      pid: gateway.process.pid,
      conn: 1,
      message: connected.message,
    });
    gateway.process.kill("SIGTERM");
    assertEquals((await gateway.process.finished()).code, 0);
    assertEquals(linesOf(log.stderr).at(-1)?.message, "closed");
    assertEquals(gateway.process.stderr, "");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
