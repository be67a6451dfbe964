// The gateway as a program that takes the place of another: what its user sees.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Box, Client, TaskCmd, TcpClient } from "@maple/box";
import { Trigger } from "@maple/trigger";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { eventually } from "../helpers/eventually.ts";
import { canServeTls, localCertificate } from "../helpers/certificates.ts";
import { freePort } from "../helpers/free_port.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_MAIN,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { handoverTest as test } from "../helpers/handover_test_case.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import { RequestLoad } from "./request_load.ts";
import { WorkerProcess } from "./worker_process.ts";

const EPOLL = ["--io", "epoll"];

async function report(port: number): Promise<GatewayReport> {
  return await (await fetch(`http://127.0.0.1:${port}/stats.json`)).json();
}

test("a gateway that is started with the path of one that runs takes its place: clients, workers, figures and ports go on", async (path) => {
  const metrics = freePort();
  const flags = [
    ...EPOLL,
    ...["--handover", path, "--metrics", `${metrics}`],
  ];
  await using first = await startGatewayProcess(flags);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  await using _worker = await WorkerProcess.start(first.inner);
  await using load = await RequestLoad.start(first.outer, 50);
  await eventually(() => load.answered > 500);
  await using trigger = new Trigger(Box, "127.0.0.1", first.innerPort);
  await trigger.writeToUsers([[[-1], { cmd: 9, body: "x" }]]);
  const before = await report(metrics);
  const check = await runProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", GATEWAY_MAIN, ...flags, "--check"],
      ...["--conns-max", "777"],
    ],
  });
  assertEquals(check.code, 0, check.stderr);
  assertMatch(check.stdout[0]!, /^gateway \S+, process \d+, generation 1$/);
  assertMatch(check.stdout[1]!, /^takes: 50 clients, 3? ?/);
  assertStringIncludes(check.stdout.at(-1)!, "connsMax 10000 -> 777");
  assertStringIncludes(check.stdout.at(-1)!, "changes: ");

  await using second = await startGatewayProcess(flags);
  assertEquals(
    [second.outerPort, second.innerPort],
    [first.outerPort, first.innerPort],
  );
  const { code } = await first.process.finished();
  assertEquals(code, 0, first.process.stderr);
  assertStringIncludes(first.process.stderr, "has taken this one's place");
  const answered = load.answered;
  await eventually(() => load.answered > answered + 500);
  const after = await report(metrics);
  assertEquals(after.startedAt, before.startedAt);
  assertEquals([before.stats.generation, after.stats.generation], [1, 2]);
  assert(after.stats.pid !== before.stats.pid);
  assert(after.stats.clientFrames > before.stats.clientFrames);
  assert(after.stats.uptime > before.stats.uptime);
  assertEquals(after.stats.clientsAccepted, 50);
  assertEquals(after.stats.clients, 50);
  assertEquals(after.stats.handovers, 1);
  assert(after.stats.handoverPause < 5);
  const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`))
    .text();
  assertMatch(text, /^maple_gateway_handovers_total 1$/m);
  assertMatch(text, /^maple_gateway_handover_pause_seconds_count 1$/m);
  // The charts go on: what the first one has shown is among it.
  await using events = await firstEvent(metrics);
  const { points } = JSON.parse(/^data: (.*)$/m.exec(events.text)![1]!);
  assert(Date.parse(before.time) > points[0].time, "the first second is there");
  await trigger.writeToUsers([[[-1], { cmd: 9, body: "y" }]]);
  await load.stop();
  second.process.kill("SIGTERM");
  assertEquals((await second.process.finished()).code, 0);
  assertEquals(
    await Deno.stat(path).then(() => "there", () => "removed"),
    "removed",
  );
});

async function firstEvent(
  port: number,
): Promise<AsyncDisposable & { text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/events`);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (!/^data: .*\n/m.test(text)) text += (await reader.read()).value;
  return { text, [Symbol.asyncDispose]: () => reader.cancel() };
}

test("a worker of the original system, which asks for one task at a time, does not notice either", async (path) => {
  const flags = [...EPOLL, "--handover", path];
  await using first = await startGatewayProcess(flags);
  await using worker = await RawWorker.attach(first.inner);
  await using client = new TcpClient(Box, "127.0.0.1", first.outerPort, {
    timeout: 20,
  });
  await client.connect();
  await worker.ask();
  await worker.expect(TaskCmd.CLIENT_CREATED);
  for (let sn = 1; sn <= 3; sn++) await client.write({ cmd: 1, sn });
  await worker.ask();
  const task = await worker.expect(TaskCmd.CLIENT_REQ);
  // It holds this one while the gateway is replaced, and twice at that.
  await using second = await startGatewayProcess(flags);
  await using third = await startGatewayProcess(flags);
  assertEquals((await first.process.finished()).code, 0);
  assertEquals((await second.process.finished()).code, 0);
  await worker.answer(task, "first");
  assertEquals((await client.read())?.text(), "first");
  for (const sn of [2, 3]) {
    await worker.ask();
    const next = await worker.expect(TaskCmd.CLIENT_REQ);
    assertEquals(next.tag, task.tag);
    await worker.answer(next, `${sn}`);
    assertEquals((await client.read())?.text(), `${sn}`);
  }
  assertEquals(third.process.stderr.match(/WARN|ERROR/), null);
});

/** A gateway with ports for TLS, and what connects with it. */
async function withTls(path: string): Promise<{
  flags: string[];
  connect: () => Promise<RawPeer>;
  tlsPort: number;
  wssPort: number;
  authority: string;
}> {
  const { cert, key, authority } = await localCertificate();
  const [tlsPort, wssPort] = [freePort(), freePort()];
  return {
    flags: [
      ...EPOLL,
      ...["--handover", path, "--tls-port", `${tlsPort}`],
      ...["--wss-port", `${wssPort}`, "--move-cmd", `${MOVE_CMD}`],
      ...["--tls-cert", cert, "--tls-key", key],
    ],
    connect: async () =>
      new RawPeer(
        await Deno.connectTls({
          hostname: "localhost",
          port: tlsPort,
          caCerts: [authority],
        }),
        Box,
      ),
    tlsPort,
    wssPort,
    authority,
  };
}

const MOVE_CMD = 77;

test(
  "clients over TLS that ends in the gateway stay as all others do, through the process before, which ends when they have left",
  async (path) => {
    const { flags, connect } = await withTls(path);
    await using first = await startGatewayProcess(flags);
    await using worker = await RawWorker.attach(first.inner);
    const ask = async (peer: RawPeer, sn: number) => {
      await peer.sendBytes(
        new Box({ cmd: 1, sn, body: "x".repeat(sn) }).pack(),
      );
    };
    const answerNext = async () => {
      await worker.ask();
      const task = await worker.expect(TaskCmd.CLIENT_REQ);
      await worker.answer(task, task.body);
    };
    const expectAnswer = async (peer: RawPeer, sn: number) => {
      const frame = await peer.nextFrame();
      assertEquals(frame && Box.fromFrame(frame).sn, sn);
    };
    const secured = await connect();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    const silent = await connect();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await ask(secured, 1);
    await answerNext();
    await expectAnswer(secured, 1);
    // One request is in the worker's hands, one waits, of one a half has come; one is far longer
    // than what is read at a time.
    await ask(secured, 2);
    await worker.ask();
    const held = await worker.expect(TaskCmd.CLIENT_REQ);
    await ask(secured, 3);
    const long = new Box({ cmd: 1, sn: 4, body: "y".repeat(300_000) }).pack();
    await secured.sendBytes(long.subarray(0, 100_000));
    await using second = await startGatewayProcess(flags);
    await eventually(() =>
      first.process.stderr.includes("stays for 2 clients")
    );
    await secured.sendBytes(long.subarray(100_000));
    await worker.answer(held, held.body);
    await expectAnswer(secured, 2);
    for (const sn of [3, 4]) {
      await answerNext();
      await expectAnswer(secured, sn);
    }
    // The next one has them from the second, and still through the first.
    await using third = await startGatewayProcess(flags);
    assertEquals((await second.process.finished()).code, 0);
    await ask(secured, 5);
    await answerNext();
    await expectAnswer(secured, 5);
    // A connection that comes now is the third one's own.
    let fresh: RawPeer | undefined;
    await eventually(async () =>
      (fresh = await connect().catch(() => undefined)) !== undefined
    );
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await secured[Symbol.asyncDispose]();
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    await silent[Symbol.asyncDispose]();
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    const { code } = await first.process.finished();
    assertEquals(code, 0, first.process.stderr);
    await ask(fresh!, 6);
    await answerNext();
    await expectAnswer(fresh!, 6);
    await fresh![Symbol.asyncDispose]();
    void third;
  },
  { ignore: !canServeTls },
);

test(
  "clients over TLS that know how to move connect with the new process itself, and lose nothing",
  async (path) => {
    const { flags, tlsPort, authority } = await withTls(path);
    await using first = await startGatewayProcess(flags);
    await using _worker = await WorkerProcess.start(first.inner);
    await using client = new Client(Box, {
      caCerts: [authority],
      moveCmd: MOVE_CMD,
      timeout: 20,
    });
    await client.connect(`tls://localhost:${tlsPort}`);
    let isOver = false;
    let answered = 0;
    const asking = (async () => {
      while (!isOver) {
        await client.request({ cmd: 1 });
        answered++;
      }
    })();
    await eventually(() => answered > 50);
    await using second = await startGatewayProcess(flags);
    // It has moved: nobody goes through the first one any more.
    assertEquals((await first.process.finished()).code, 0);
    const before = answered;
    await eventually(() => answered > before + 50);
    isOver = true;
    await asking;
    void second;
  },
  { ignore: !canServeTls },
);

test(
  "a process that stays for clients over TLS ends at once when it is told to",
  async (path) => {
    const { flags, connect } = await withTls(path);
    await using first = await startGatewayProcess(flags);
    await using secured = await connect();
    await using worker = await RawWorker.attach(first.inner);
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await using second = await startGatewayProcess(flags);
    await eventually(() =>
      first.process.stderr.includes("stays for 1 clients")
    );
    first.process.kill("SIGTERM");
    assertEquals((await first.process.finished()).code, 0);
    assertEquals(await secured.nextFrame(), null);
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    void second;
  },
  { ignore: !canServeTls },
);

test(
  "a service manager is told which process the gateway is now",
  async (path) => {
    const notify = `${path}.notify`;
    const python = new Deno.Command("python3", {
      args: [
        "-c",
        `import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.settimeout(30)
s.bind(${JSON.stringify(notify)})
told = ""
while not told.startswith("MAINPID="): told = s.recv(1000).decode()
open(${JSON.stringify(`${notify}.told`)}, "w").write(told)`,
      ],
    }).output();
    const exists = () => Deno.stat(notify).then(() => true, () => false);
    await eventually(exists);
    const flags = [...EPOLL, "--handover", path];
    Deno.env.set("NOTIFY_SOCKET", notify);
    try {
      await using first = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
      await using second = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
      assertEquals((await first.process.finished()).code, 0);
      assert((await python).success);
      assertEquals(
        await Deno.readTextFile(`${notify}.told`),
        `MAINPID=${second.process.pid}`,
      );
    } finally {
      Deno.env.delete("NOTIFY_SOCKET");
    }
  },
  { ignore: !hasPython() },
);

function hasPython(): boolean {
  try {
    return new Deno.Command("python3", { args: ["-V"] }).outputSync().success;
  } catch {
    return false;
  }
}

test("ten processes, one after the other, have as many descriptors as the first of them", async (path) => {
  const flags = [...EPOLL, "--handover", path];
  const run = GATEWAY_ALL_ARGS;
  await using stack = new AsyncDisposableStack();
  const first = stack.use(await startGatewayProcess(flags, run));
  await using _worker = await WorkerProcess.start(first.inner);
  await using load = await RequestLoad.start(first.outer, 50);
  const descriptors = ({ process: { pid } }: typeof first) =>
    [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  let current = first;
  let expected = 0;
  for (let i = 0; i < 10; i++) {
    const next = stack.use(await startGatewayProcess(flags, run));
    const { code } = await current.process.finished();
    assertEquals(code, 0, current.process.stderr);
    current = next;
    const before = load.answered;
    await eventually(() => load.answered > before + 100);
    // The first one that has taken another one's place.
    if (i === 0) expected = descriptors(current);
  }
  await eventually(() => descriptors(current) <= expected, {
    what: `no more than ${expected} descriptors`,
  });
  await load.stop();
});

test("a gateway says in one line why it cannot be replaced so", async (path) => {
  const cases: [string[], string][] = [
    [["--handover", path], "Option handover needs io epoll"],
    [["--check"], "--check needs --handover PATH"],
    [[...EPOLL, "--handover", `/${"x".repeat(200)}`], "of at most 107 bytes"],
    [
      [...EPOLL, "--handover", "/nowhere/at/all/gateway.sock"],
      "Cannot listen for a handover at /nowhere/at/all/gateway.sock",
    ],
  ];
  for (const [flags, why] of cases) {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "-A", GATEWAY_MAIN],
        ...["--outer-port", "0", "--inner-port", "0", "--log-level", "ERROR"],
        ...flags,
      ],
    });
    assert(code === 1 || code === 2, `${code}`);
    assertStringIncludes(stderr, why);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
  // Nobody is there.
  const { code, stdout } = await runProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", GATEWAY_MAIN, ...EPOLL],
      ...["--handover", path, "--check"],
    ],
  });
  assertEquals([code, stdout], [1, [`no gateway listens at ${path}`]]);
});

test("a gateway that waits for its metrics port when it has taken another one's place leaves in order", async (path) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const flags = [...EPOLL, "--handover", path];
  await using first = await startGatewayProcess(flags);
  await using client = new TcpClient(Box, "127.0.0.1", first.outerPort);
  await client.connect();
  await using second = await startProcess(Deno.execPath(), {
    args: [
      ...[...GATEWAY_ALL_ARGS, "--outer-host", "127.0.0.1"],
      ...["--outer-port", "0", "--inner-port", "0", "--bind-timeout", "3"],
      ...["--drain-timeout", "1"],
      ...[...flags, "--metrics", `${taken.addr.port}`],
    ],
  });
  assertEquals((await first.process.finished()).code, 0);
  await eventually(() => second.stderr.includes("took the place of"));
  second.kill("SIGTERM");
  const { code, signal } = await second.finished();
  assertEquals([code, signal], [0, null], second.stderr);
  assertStringIncludes(second.stderr, "SIGTERM: leaving");
});
