// Every limit that is reached is counted: in stats(), and so in Prometheus and the trouble list.

import { assert, assertEquals } from "@std/assert";
import { Box, TaskCmd, TaskFlag } from "@maple/box";
import { COUNTERS } from "../../../gateway/metrics/counter_table.ts";
import { listenOverflows } from "../../../gateway/metrics/backlog_overflows.ts";
import { troubleOf } from "../../../gateway/metrics/trouble.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { pathOf } from "../../helpers/paths.ts";

function troubles({ gateway }: GatewayFixture): string[] {
  return troubleOf(gateway.stats()).filter(({ now }) => !now)
    .map(({ what, count }) => `${what} ${count}`);
}

Deno.test("a client that is held back is counted once for each time", async () => {
  await using fixture = await GatewayFixture.start({ clientQueueMax: 2 });
  await using client = await fixture.connect();
  for (let i = 0; i < 5; i++) await client.write({ cmd: 1 });
  await fixture.until(({ clientPauses }) => clientPauses === 1);
  assertEquals(troubles(fixture), [
    "clients held back: too much unfinished (--client-queue-max) 1",
  ]);
});

Deno.test("a full queue is counted, by what it is full of", async () => {
  await using tasks = await GatewayFixture.start({ queueMax: 2 });
  await using first = await tasks.connect();
  for (let i = 0; i < 2; i++) await first.write({ cmd: 1 });
  await tasks.until(({ queueStops }) => queueStops.tasks === 1);
  assertEquals(troubles(tasks), [
    "queue full of tasks, triggers wait (--queue-max) 1",
  ]);
  await using bytes = await GatewayFixture.start({ queueBytes: 1000 });
  await using second = await bytes.connect();
  await second.write({ cmd: 1, body: "x".repeat(1000) });
  await bytes.until(({ queueStops }) => queueStops.bytes === 1);
  assertEquals(bytes.gateway.stats().queueStops.tasks, 0);
});

Deno.test("asks beyond creditsMax are counted, and told once for a worker", async () => {
  await using fixture = await GatewayFixture.start({ creditsMax: 2 });
  await using worker = await fixture.attach();
  for (let i = 0; i < 5; i++) {
    await worker.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: TaskFlag.EXPLICIT_ACK,
    });
  }
  await fixture.until(({ asksIgnored }) => asksIgnored === 3);
  assertEquals(fixture.gateway.stats().innerFrames.WORKER_ASK_FOR_TASK, 5);
  assertEquals(troubles(fixture), [
    "asks of workers ignored (--credits-max) 3",
  ]);
  assertEquals(
    fixture.log.complaints.filter((line) => line.includes("creditsMax")).length,
    1,
  );
});

Deno.test("inner connections that end are counted by cause", async () => {
  await using fixture = await GatewayFixture.start({
    frameBytes: 100,
    innerFrameBytes: 1000,
    workerTimeout: 0.1,
  });
  await using long = await fixture.attach();
  await long.send({ cmd: TaskCmd.WRITE_TO_WORKER, body: "x".repeat(2000) });
  await fixture.until(({ innerClosed }) => innerClosed.frame === 1);
  await using silent = await fixture.attach();
  await silent.send({
    cmd: TaskCmd.WORKER_ASK_FOR_TASK,
    flags: TaskFlag.EXPLICIT_ACK,
  });
  await fixture.until(({ innerClosed }) => innerClosed.idle === 1);
  await using leaving = await fixture.attach();
  await leaving[Symbol.asyncDispose]();
  await fixture.until(({ innerClosed }) => innerClosed.peer === 1);
  assertEquals(troubles(fixture), [
    "workers and triggers closed: a bad or too long frame (--inner-frame-bytes) 1",
    "workers closed: no sign of life (--worker-timeout) 1",
  ]);
});

Deno.test("what is not finished when the gateway leaves is counted", async () => {
  await using fixture = await GatewayFixture.start({ drainTimeout: 0 });
  await using client = await fixture.connect();
  await client.write({ cmd: 1 });
  await fixture.until(({ queued }) => queued === 2);
  await fixture.gateway.close();
  assertEquals(fixture.gateway.stats().abandoned, 2);
});

Deno.test("the commands of workers and triggers are counted, signs of life are not", async () => {
  await using fixture = await GatewayFixture.start();
  await using worker = await fixture.attach();
  const about = { connId: 12345, tag: 1 };
  for (
    const cmd of [
      TaskCmd.WRITE_TO_CLIENT,
      TaskCmd.LOGIN_CLIENT,
      TaskCmd.LOGOUT_CLIENT,
      TaskCmd.CLOSE_CLIENT,
      TaskCmd.CLEAR_CLIENT_TASKS,
      TaskCmd.WRITE_TO_USERS,
      TaskCmd.CLOSE_USERS,
    ]
  ) await worker.send({ cmd, ...about });
  // The answer to a ping.
  await worker.send({ cmd: TaskCmd.LOGOUT_CLIENT });
  await worker.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Box({ cmd: 1 }).pack(),
  });
  await fixture.until(({ innerFrames }) => innerFrames.WRITE_TO_WORKER === 1);
  assertEquals(fixture.gateway.stats().innerFrames, {
    ...{ WRITE_TO_WORKER: 1, WORKER_ASK_FOR_TASK: 0, WRITE_TO_CLIENT: 1 },
    ...{ WRITE_TO_USERS: 1, CLOSE_CLIENT: 1, CLOSE_USERS: 1 },
    ...{ LOGIN_CLIENT: 1, LOGOUT_CLIENT: 1, CLEAR_CLIENT_TASKS: 1 },
    ...{ JOIN_GROUPS: 0, LEAVE_GROUPS: 0 },
    ...{ WRITE_TO_GROUPS: 0, CLOSE_GROUPS: 0, QUERY: 0, BAN: 0, DRAIN: 0 },
  });
});

Deno.test("listenOverflows() reads what Linux tells, and nothing from anything else", () => {
  const text = `TcpExt: SyncookiesSent ListenOverflows ListenDrops
TcpExt: 1 23 24
IpExt: InNoRoutes
IpExt: 7
`;
  assertEquals(listenOverflows(text), 23);
  assertEquals(listenOverflows(text.replace("ListenOverflows", "Other")), 0);
  assertEquals(listenOverflows(""), 0);
});

// Limits that share the counter of another, that the system looks after, or that are no trouble.
const COUNTED_WITH: Readonly<Record<string, string>> = {
  "--original-max-deliveries": "--max-deliveries",
  "--original-worker-timeout": "--worker-timeout",
  "--inner-reserve": "--inner-conns-max",
  // It says whose turn it is.
  "--chain-max": "chained",
  // It says when; who is late is counted by the time for that.
  "--lame-duck": "moves.late",
  // The system ends such a connection, as it does one that breaks.
  "--keep-alive": "clientsClosed.peer",
};

Deno.test("every limit of the README's table has a counter that is told as trouble", async () => {
  const readme = await Deno.readTextFile(pathOf("../../gateway/README.md"));
  const [, table] = /\n## Limits\n([^]*?)\n## /.exec(readme)!;
  const limits = [...table!.matchAll(/^\| `(--[a-z-]+)` /gm)].map(([, l]) =>
    l!
  );
  assert(limits.length >= 15);
  const words = JSON.stringify(COUNTERS);
  const uncounted = limits.filter((limit) =>
    COUNTED_WITH[limit] === undefined && !words.includes(`(${limit})`)
  );
  assertEquals(uncounted, []);
});
