// Our gateway with Python peers that leave, are killed, or are left.

import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { RET } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import {
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import {
  CLOSED,
  CMD,
  PythonClient,
  PythonWorker,
  test,
  trigger,
} from "./python_peers.ts";

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
  assertObjectMatch(await client.call(CMD.ECHO, "one", { sn: 1 }), { sn: 1 });
  assertEquals((await first.process.finished()).code, 0);
  await client.send(CMD.ECHO, "two", { sn: 2 });
  await using _second = await PythonWorker.start(gateway);
  assertObjectMatch(await client.read(), { sn: 2 });
  assertObjectMatch(await client.call(CMD.ECHO, "three", { sn: 3 }), { sn: 3 });
});

test("a worker at TERM finishes the task in hand; what waits goes to the next", async () => {
  await using gateway = await startGatewayProcess();
  await using first = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  await first.event("created");
  await client.send(CMD.SLEEP, "300", { sn: 1 });
  await client.send(CMD.ECHO, "two", { sn: 2 });
  first.process.kill("SIGTERM");
  assertEquals((await first.process.finished()).code, 0);
  await using _second = await PythonWorker.start(gateway);
  assertObjectMatch(await client.read(), { sn: 1 });
  assertObjectMatch(await client.read(), { sn: 2 });
  assertObjectMatch(await client.call(CMD.ECHO, "three", { sn: 3 }), { sn: 3 });
});

test("a worker that stops safely has run each task of a trigger once", async () => {
  await using gateway = await startGatewayProcess();
  for (let run = 0; run < 20; run++) {
    await using worker = await PythonWorker.start(gateway);
    await trigger(
      gateway,
      ...["write-to-worker", "--cmd", "3", "--body", `${run}`],
      ...["--custom", "300"],
    );
    await worker.event("slow");
    // It has the task in its hands; it finishes it and leaves without another ASK.
    worker.process.kill("SIGTERM");
    assertEquals((await worker.event("inner")).body, `${run}`);
    assertEquals((await worker.process.finished()).code, 0);
  }
  // Nothing is left over for a further one.
  await using last = await PythonWorker.start(gateway);
  await trigger(gateway, "write-to-worker", "--cmd", "3", "--body", "last");
  assertEquals((await last.event("inner")).body, "last");
});

test("no request is lost while workers are killed", async () => {
  await using gateway = await startGatewayProcess();
  await using client = await PythonClient.start(gateway);
  await using steady = await PythonWorker.start(gateway);
  assertObjectMatch(await client.call(CMD.ECHO, "", { sn: -1 }), { sn: -1 });
  for (let sn = 0; sn < 5; sn++) {
    await using killed = await PythonWorker.start(gateway);
    // Two clients, so that both workers have something in hand.
    await using other = await PythonClient.start(gateway);
    await client.send(CMD.SLEEP, "300", { sn });
    await other.send(CMD.SLEEP, "300", { sn });
    await killed[Symbol.asyncDispose]();
    for (const one of [client, other]) {
      assertObjectMatch(await one.read(), { sn, ret: 0, body: "300" });
    }
  }
  assertEquals(steady.process.stderr, "");
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
    await client.send(CMD.SLEEP, survives ? "500" : "60000", { sn: 1 });
    await loseWorkers(gateway, survives ? 1 : 2);
    await using _last = await PythonWorker.start(gateway);
    assertObjectMatch(
      await client.read(),
      survives ? { sn: 1, ret: 0 } : { sn: 1, ret: RET.WORKER_LOST },
    );
    assertObjectMatch(await client.call(CMD.ECHO, "", { sn: 2 }), { sn: 2 });
  }
});

test("a gateway at TERM lets a worker finish, answers, and closes all", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  await worker.event("created");
  await client.send(CMD.SLEEP, "300", { sn: 1 });
  await client.send(CMD.ECHO, "", { sn: 2 });
  // The gateway has both when it has served a third, of another client.
  await using other = await PythonClient.start(gateway);
  await other.send(CMD.ECHO, "", { sn: 3 });
  assertObjectMatch(await other.read(), { sn: 3 });
  gateway.process.kill("SIGTERM");
  assertObjectMatch(await client.read(), { sn: 1 });
  assertObjectMatch(await client.read(), { sn: 2 });
  assertEquals(await client.read(), CLOSED);
  assertEquals((await gateway.process.finished()).code, 0);
  assertEquals((await worker.process.finished()).code, 0);
  assert(worker.process.stdout.length > 0);
});
