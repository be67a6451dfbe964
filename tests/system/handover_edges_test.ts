// What is in the middle of something when its gateway is replaced goes on, and a process that cannot
// take the place says so while the other one goes on.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TaskCmd, TcpClient } from "@maple/box";
import {
  challengeOf,
  decodeGreeting,
  proofFrame,
  Secret,
} from "@maple/box/internal";
import type { GatewayOptions } from "@maple/gateway";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { handoverTest as test } from "../helpers/handover_test_case.ts";
import { pathOf } from "../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../helpers/process.ts";
import { ALL_SECRETS, SECRETS } from "../helpers/proven_worker.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import type { Fault } from "./programs/handover_fault.ts";

const READY = /^gateway (?:ready outer=\S+:(\d+) inner=\S+:(\d+)|refused: ).*$/;

interface Started extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly outer: { hostname: string; port: number };
  readonly inner: { hostname: string; port: number };
}

async function start(
  options: GatewayOptions,
  { fault, permissions = ["-A"] }: {
    fault?: Fault;
    permissions?: string[];
  } = {},
): Promise<Started> {
  const process = await startProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", ...permissions],
      ...["--config", pathOf("../../deno.json")],
      pathOf("../system/programs/handover_gateway.ts"),
      JSON.stringify(options),
      ...(fault ? [JSON.stringify(fault)] : []),
    ],
    ready: READY,
  });
  const at = (port: string | undefined) => ({
    hostname: "127.0.0.1",
    port: Number(port),
  });
  return {
    process,
    outer: at(process.ready![1]),
    inner: at(process.ready![2]),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Another gateway takes the place of one, and that one ends with 0. */
async function replace(
  gateway: Started,
  options: GatewayOptions,
): Promise<Started> {
  const next = await start(options);
  assertEquals((await gateway.process.finished()).code, 0);
  assertStringIncludes(next.process.ready![0], "gateway ready");
  return next;
}

test("a client keeps the address that its proxy has told, and a header of which half has come is read on", async (handover) => {
  const options = { handover, proxyProtocol: "127.0.0.1" };
  await using first = await start(options);
  await using worker = await RawWorker.attach(first.inner);
  const utf8 = new TextEncoder();
  await using told = new RawPeer(await Deno.connect(first.outer), Box);
  await told.sendBytes(
    utf8.encode("PROXY TCP4 192.0.2.7 198.51.100.9 54321 443\r\n"),
  );
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(created.clientAddress, "192.0.2.7");
  await using half = new RawPeer(await Deno.connect(first.outer), Box);
  await half.sendBytes(utf8.encode("PROXY TCP4 192.0."));

  await using _second = await replace(first, options);
  await told.sendBytes(new Box({ cmd: 1, sn: 1 }).pack());
  const task = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals(task.clientAddress, "192.0.2.7");
  await worker.answer(task, task.body);
  assertEquals(Box.fromFrame((await told.nextFrame())!).sn, 1);
  await half.sendBytes(utf8.encode("2.8 198.51.100.9 54321 443\r\n"));
  await half.sendBytes(new Box({ cmd: 1, sn: 2 }).pack());
  const other = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(other.clientAddress, "192.0.2.8");
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals(request.clientAddress, "192.0.2.8");
  await worker.answer(request, request.body);
  assertEquals(Box.fromFrame((await half.nextFrame())!).sn, 2);
});

test("a worker that is half through its proof goes on with it, and is let in", async (handover) => {
  const options = { handover, innerSecrets: ALL_SECRETS };
  await using first = await start(options);
  await using untold = await RawWorker.attach(first.inner);
  await using half = await RawWorker.attach(first.inner);
  const secret = new Secret("worker", SECRETS.worker);
  const prove = async (peer: RawWorker) => {
    const challenge = challengeOf((await peer.nextFrame())!)!;
    return { challenge, proof: secret.prove(challenge) };
  };
  const begun = await prove(half);
  const frame = proofFrame(begun.proof);
  await half.sendBytes(frame.subarray(0, 50));
  const other = await prove(untold);

  await using _second = await replace(first, options);
  const isLetIn = async (
    peer: RawWorker,
    { challenge, proof }: Awaited<ReturnType<typeof prove>>,
  ) => {
    await peer.askExplicitly();
    const { mac } = decodeGreeting((await peer.nextFrame())!)!;
    assertEquals(mac, secret.gatewayCode(proof.own, challenge));
  };
  await half.sendBytes(frame.subarray(50));
  await isLetIn(half, begun);
  await untold.sendBytes(proofFrame(other.proof));
  await isLetIn(untold, other);
});

test("a client that has not read a megabyte of answers gets all of it, in order", async (handover) => {
  await using first = await start({ handover });
  await using _worker = await EchoWorker.attach(first.inner);
  using conn = await Deno.connect(first.outer);
  const COUNT = 60;
  const frames = Array.from(
    { length: COUNT },
    (_, sn) =>
      new Box({ cmd: 1, sn, body: new Uint8Array(100_000).fill(sn) }).pack(),
  );
  const whole = frames.reduce((sum, { length }) => sum + length, 0);
  for (const frame of frames) {
    for (let at = 0; at < frame.length;) {
      at += await conn.write(frame.subarray(at));
    }
  }
  // More than what lies in the two sockets waits in the gateway: the worker has answered all.
  await eventually(() =>
    _worker.tasks.filter(({ cmd }) => cmd === TaskCmd.CLIENT_REQ).length ===
      COUNT
  );
  await using _second = await replace(first, { handover });
  const got = new Uint8Array(whole);
  for (let at = 0; at < whole;) {
    at += (await conn.read(got.subarray(at)))!;
  }
  let at = 0;
  for (const [sn, frame] of frames.entries()) {
    const box = Box.fromFrame(got.subarray(at, at += frame.length));
    assertEquals(box.sn, sn);
    assert(box.body.every((byte) => byte === sn));
  }
});

test("a process that may open too few files gives back what has come, says so in one line, and the other one goes on", async (handover) => {
  if (!hasPrlimit()) return;
  await using first = await start({ handover });
  await using _worker = await EchoWorker.attach(first.inner);
  await using clients = new AsyncDisposableStack();
  const all = [];
  for (let i = 0; i < 100; i++) {
    const client = clients.use(
      new TcpClient(Box, "127.0.0.1", first.outer.port, { timeout: 20 }),
    );
    await client.connect();
    all.push(client);
  }
  await using refuses = await start({ handover }, {
    fault: { call: "send", message: "COPY", when: "before", what: "limit" },
  });
  assertEquals((await refuses.process.finished()).code, 1);
  assertStringIncludes(
    refuses.process.stdout[0]!,
    "lets this process open no more files; raise it with ulimit -n or LimitNOFILE",
  );
  await eventually(() =>
    first.process.stderr.includes("does not take this one's place")
  );
  for (const client of all) {
    await client.write({ cmd: 1, body: "still" });
    assertEquals((await client.read())?.text(), "still");
  }
  await using second = await replace(first, { handover });
  assertStringIncludes(second.process.ready![0], "generation=2");
});

test("a process that may not call the system refuses in one line, and the other one goes on", async (handover) => {
  await using first = await start({ handover });
  await using client = new TcpClient(Box, "127.0.0.1", first.outer.port, {
    timeout: 20,
  });
  await client.connect();
  const permissions = ["--allow-net", "--allow-read", "--allow-env"];
  await using refuses = await start({ handover }, { permissions });
  assertEquals((await refuses.process.finished()).code, 1);
  assertStringIncludes(refuses.process.stdout[0]!, "--allow-ffi");
  await using _worker = await EchoWorker.attach(first.inner);
  await client.write({ cmd: 1, sn: 5 });
  assertEquals((await client.read())?.sn, 5);
});

// Whether the limit of a process that runs can be set.
function hasPrlimit(): boolean {
  try {
    return new Deno.Command("prlimit", { args: ["--version"] }).outputSync()
      .success;
  } catch {
    return false;
  }
}
