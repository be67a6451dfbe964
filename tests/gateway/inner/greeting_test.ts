// Whom the gateway greets, and what it says of workers that come and leave.

import { assertEquals, assertMatch } from "@std/assert";
import { TaskCmd, TaskFlag } from "@maple/box";
import { decodeGreeting, hello } from "@maple/box/internal";
import config from "../../../gateway/deno.json" with { type: "json" };
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";

const LIMITS = { innerFrameBytes: 2_000_000, outboxBytes: 5000, nodeId: 3 };
const GREETING = {
  version: config.version,
  node: 3,
  innerFrameMax: 2_000_000,
  outboxMax: 5000,
  chains: true,
  receipts: true,
};

function assertGreeting(frame: Uint8Array): void {
  const { tag, ...greeting } = decodeGreeting(frame)!;
  assertEquals(greeting, GREETING);
  assertEquals(Number.isInteger(tag), true, "the life of the gateway");
}

Deno.test("the first ASK with flag 8 is greeted, before any task, and no other", async () => {
  await using gateway = await GatewayFixture.start(LIMITS);
  await using trigger = await gateway.attach();
  for (let i = 0; i < 2; i++) {
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  }
  await gateway.until(({ queued }) => queued === 2);
  await using worker = await gateway.attach();
  await worker.askExplicitly();
  await worker.askExplicitly();
  assertGreeting((await worker.nextFrame())!);
  await worker.expect(TaskCmd.WRITE_TO_WORKER);
  await worker.expect(TaskCmd.WRITE_TO_WORKER);
  assertEquals(worker.greeting, undefined);
});

Deno.test("an original worker is not greeted", async () => {
  await using gateway = await GatewayFixture.start(LIMITS);
  await using worker = await gateway.attach();
  await worker.ask();
  await worker.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  await worker.expect(TaskCmd.WRITE_TO_WORKER);
  assertEquals(worker.greeting, undefined);
});

Deno.test("a trigger's hello is greeted, its name known; it is no worker", async () => {
  await using gateway = await GatewayFixture.start(LIMITS);
  await using trigger = await gateway.attach();
  await trigger.sendBytes(hello({ name: "cron", pid: 7 }));
  assertGreeting((await trigger.nextFrame())!);
  const { innerLinks, workers } = gateway.gateway.stats();
  assertEquals([innerLinks, workers], [1, 0]);
  await trigger.send({ cmd: 999 });
  assertMatch(
    await gateway.log.line(/unknown command 999/),
    /trigger cron\[7\] 127\.0\.0\.1:\d+ sent/,
  );
});

Deno.test("LOGOUT_CLIENT of a client with flag 8 is no hello", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = await gateway.attach();
  await trigger.send({
    cmd: TaskCmd.LOGOUT_CLIENT,
    flags: TaskFlag.EXPLICIT_ACK,
    connId: 1,
  });
  await gateway.until(({ answersDropped }) => answersDropped.tag === 1);
  await trigger.sendBytes(hello({}));
  // The first frame that comes is the answer to the hello.
  assertEquals(
    decodeGreeting((await trigger.nextFrame())!)?.version,
    config.version,
  );
});

Deno.test("each worker that comes and leaves is one line with how many there are", async () => {
  await using gateway = await GatewayFixture.start();
  await using first = await gateway.attach();
  await first.ask();
  await gateway.log.line(
    /INFO worker 127\.0\.0\.1:\d+ has attached; 1 worker is attached$/,
  );
  await using second = await gateway.attach();
  await second.ask();
  await gateway.log.line(/has attached; 2 workers are attached$/);
  second.close();
  await gateway.log.line(/INFO worker .* closed: .*; 1 worker is attached$/);
  first.close();
  await gateway.log.line(/INFO worker .* closed: .*; 0 workers are attached$/);
});

Deno.test("a worker that has taken leave, or answered all, is no warning", async () => {
  await using gateway = await GatewayFixture.start();
  await using client = await gateway.connect();
  await using leaving = await gateway.attach();
  await leaving.askExplicitly();
  await leaving.expect(TaskCmd.CLIENT_CREATED);
  await leaving.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS });
  await leaving.expect(TaskCmd.CLEAR_CLIENT_TASKS);
  leaving.close();
  await gateway.log.line(
    /INFO worker .* closed: .*; 1 tasks that it held go to others; 0 workers/,
  );
  await using original = await gateway.attach();
  await original.pull(TaskCmd.CLIENT_CREATED);
  await client.write({ cmd: 1 });
  const task = await original.pull(TaskCmd.CLIENT_REQ);
  await original.answer(task, "done");
  await client.read();
  original.close();
  await gateway.log.line(/INFO worker .* 1 count as done; 0 workers/);
  assertEquals(gateway.log.complaints, []);
});

Deno.test("a gateway that leaves while workers hear of its clients does not warn", async () => {
  await using gateway = await GatewayFixture.start({ drainTimeout: 0 });
  await using worker = await gateway.attach();
  await using _client = await gateway.connect();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await worker.ask(2);
  await gateway.until(({ idleCredits }) => idleCredits === 2);
  const closing = gateway.gateway.close();
  await worker.expect(TaskCmd.CLIENT_CLOSED);
  worker.close();
  await closing;
  assertEquals(gateway.log.complaints, []);
});
