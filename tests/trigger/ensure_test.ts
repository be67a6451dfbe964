// Tests of what `ensure` promises while gateways are restarted: nothing lost, nothing twice.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Box, Client, type Task, TaskCmd } from "@maple/box";
import { farewell, receiptFor } from "@maple/box/internal";
import { type Trigger, TriggerError } from "@maple/trigger";
import { Worker } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";
import { within } from "../helpers/within.ts";
import { makeTrigger } from "./trigger_fixture.ts";

const MESSAGES = 600;

/** A worker that notes which tasks it got. */
function receiver(): { app: Worker; seen: number[] } {
  const seen: number[] = [];
  const app = new Worker(Box, { logger: new LogCollector() });
  app.route(1, (request) => {
    seen.push(request.box.sn);
  });
  return { app, seen };
}

const WAYS: [string, (trigger: Trigger) => Promise<unknown>][] = [
  ["one after the other", async (trigger) => {
    for (let sn = 0; sn < MESSAGES; sn++) {
      assert(await trigger.writeToWorker({ cmd: 1, sn }));
    }
  }],
  ["all at once", async (trigger) => {
    const calls = Array.from(
      { length: MESSAGES },
      (_, sn) => trigger.writeToWorker({ cmd: 1, sn }),
    );
    await Promise.all(calls);
  }],
];

for (const [how, sendAll] of WAYS) {
  Deno.test(`600 of 600, ${how}: the gateway is restarted twice in the middle`, async () => {
    const { app, seen } = receiver();
    let gateway = await GatewayFixture.start();
    const { port: innerPort } = gateway.inner;
    await app.attach({
      gateways: [{ host: "127.0.0.1", port: innerPort }],
      concurrency: 64,
    });
    const trigger = makeTrigger(innerPort, { retryDelay: 0.01, timeout: 30 });
    const sending = sendAll(trigger);
    for (let restarts = 1; restarts <= 2; restarts++) {
      const half = restarts * MESSAGES / 3;
      await within(
        (async () => {
          while (seen.length < half) {
            await new Promise((resolve) => setTimeout(resolve, 0));
          }
        })(),
        `the receiver's first ${half}`,
      );
      await gateway.gateway.close();
      gateway = await GatewayFixture.start({ innerPort });
    }
    await sending;
    assert(await trigger.close());
    await gateway.gateway.close();
    await app.close();
    const inOrder = Array.from({ length: MESSAGES }, (_, sn) => sn);
    assertEquals(seen.toSorted((a, b) => a - b), inOrder);
  });
}

Deno.test("600 of 600 to a user, sent again while the receipt says that nobody is there", async () => {
  const app = new Worker(Box, { logger: new LogCollector() });
  app.route(1, (request) => {
    request.loginClient(7);
    return { ret: 0 };
  });
  let gateway = await GatewayFixture.start();
  const { port: innerPort } = gateway.inner;
  const { port: outerPort } = gateway.outer;
  await app.attach({ gateways: [{ host: "127.0.0.1", port: innerPort }] });
  const seen: number[] = [];
  await using client = new Client(Box, { minDelay: 0.01, maxDelay: 0.05 });
  client.onConnect(async (session) => {
    await session.request({ cmd: 1 });
  });
  client.on(2, (box) => {
    seen.push(box.sn);
  });
  await client.connect(`tcp://127.0.0.1:${outerPort}`);
  const trigger = makeTrigger(innerPort, { retryDelay: 0.01, timeout: 30 });
  let restarting: Promise<void> | undefined;
  for (let sn = 0; sn < MESSAGES; sn++) {
    if (sn % (MESSAGES / 3) === MESSAGES / 6) {
      restarting = (async () => {
        await gateway.gateway.close();
        gateway = await GatewayFixture.start({ innerPort, outerPort });
      })();
    }
    for (;;) {
      const { delivered } = await trigger.writeToUsers(
        [[[7], { cmd: 2, sn }]],
        { receipt: true },
      );
      if (delivered > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  await restarting;
  await eventually(() => seen.length >= MESSAGES);
  assert(await trigger.close());
  await client.close();
  await gateway.gateway.close();
  await app.close();
  assertEquals(seen, Array.from({ length: MESSAGES }, (_, sn) => sn));
});

/** The next task that is not answered yet; answers so many of them. */
async function take(peer: RawWorker, count: number): Promise<number[]> {
  const sns: number[] = [];
  for (let i = 0; i < count; i++) {
    const task = await peer.expect(TaskCmd.WRITE_TO_WORKER);
    await peer.sendBytes(receiptFor(task.pack(), { delivered: 1 }));
    sns.push(snOf(task));
  }
  return sns;
}

function snOf(task: Task): number {
  return Box.fromFrame(task.body).sn;
}

async function acceptAs(
  played: PlayedGateway,
  tag: number,
): Promise<RawWorker> {
  const peer = await played.accept({ greets: false });
  await peer.greet({ receipts: true, tag });
  return peer;
}

Deno.test("what a gateway that has taken leave gave no receipt for is sent to the next one, in order", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { retryDelay: 0.01 });
  const calls = [0, 1, 2, 3, 4, 5].map((sn) =>
    trigger.writeToWorker({ cmd: 1, sn })
  );
  const first = await acceptAs(played, 5);
  assertEquals(await take(first, 2), [0, 1]);
  await first.expect(TaskCmd.WRITE_TO_WORKER);
  await first.sendBytes(farewell());
  // The same life: it has said what it has taken.
  await using second = await acceptAs(played, 5);
  first.close();
  assertEquals(await take(second, 4), [2, 3, 4, 5]);
  assertEquals(await Promise.all(calls), calls.map(() => true));
  const closing = trigger.close();
  assertEquals(await second.next(), null);
  second.close();
  assert(await closing);
});

Deno.test("what a gateway that died gave no receipt for is sent to its next life", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { retryDelay: 0.01 });
  const calls = [0, 1, 2].map((sn) => trigger.writeToWorker({ cmd: 1, sn }));
  const first = await acceptAs(played, 5);
  assertEquals(await take(first, 1), [0]);
  first.close();
  await using second = await acceptAs(played, 6);
  assertEquals(await take(second, 2), [1, 2]);
  assertEquals(await Promise.all(calls), [true, true, true]);
  second.close();
  await trigger.close();
});

Deno.test("what a gateway that lives on gave no receipt for, since the connection broke, is not sent twice", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { retryDelay: 0.01 });
  const taken = trigger.writeToWorker({ cmd: 1, sn: 0 });
  const first = await acceptAs(played, 5);
  assertEquals(await take(first, 1), [0]);
  await taken;
  const lost = assertRejects(
    () => trigger.writeToWorker({ cmd: 1, sn: 1 }),
    TriggerError,
  );
  await first.expect(TaskCmd.WRITE_TO_WORKER);
  first.close();
  await using second = await acceptAs(played, 5);
  const error = await within(lost, "the call");
  assertEquals(error.code, "unknown");
  assert(/may have been done/.test(error.message), error.message);
  const next = trigger.writeToWorker({ cmd: 1, sn: 2 });
  assertEquals(await take(second, 1), [2]);
  assert(await next);
  second.close();
  assertEquals(await trigger.close(), false);
});

Deno.test("what may have been taken is never called untaken, however it ends", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { retryDelay: 0.01, timeout: 1 });
  const calls = [0, 1].map((sn) => {
    const call = trigger.writeToWorker({ cmd: 1, sn });
    return assertRejects(() => call, TriggerError);
  });
  const first = await acceptAs(played, 5);
  await first.expect(TaskCmd.WRITE_TO_WORKER);
  await first.expect(TaskCmd.WRITE_TO_WORKER);
  first.close();
  // What is there next is no gateway, which ends all that waits.
  await using stranger = await played.accept({ greets: false });
  await stranger.sendBytes(new Box({ ret: -10000 }).pack());
  for (const error of await within(Promise.all(calls), "the calls")) {
    assertEquals(error.code, "unknown", error.message);
  }
  stranger.close();
  assertEquals(await trigger.close(), false);
});

Deno.test("what was sent before its signal was aborted is asked for by close()", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port);
  const stop = new AbortController();
  const { signal } = stop;
  const call = trigger.writeToWorker({ cmd: 1 }, {}, { signal });
  const gone = assertRejects(() => call, Error, "enough");
  await using gateway = await acceptAs(played, 5);
  await gateway.expect(TaskCmd.WRITE_TO_WORKER);
  // Sent whole, since the next one comes behind it.
  const next = trigger.writeToWorker({ cmd: 2 });
  await take(gateway, 1);
  await next;
  stop.abort(new Error("enough"));
  await gone;
  const closing = trigger.close();
  const question = await gateway.expect(TaskCmd.QUERY);
  await gateway.sendBytes(receiptFor(question.pack(), {}));
  assertEquals(await gateway.next(), null);
  gateway.close();
  assert(await closing);
});

Deno.test("no more is sent than queueBytes without a receipt", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { queueBytes: 4000 });
  const body = new Uint8Array(900);
  const calls = [0, 1, 2, 3].map((sn) =>
    trigger.writeToWorker({ cmd: 1, sn, body })
  );
  await using gateway = await acceptAs(played, 5);
  const tasks: Task[] = [];
  for (let i = 0; i < 4; i++) {
    tasks.push(await gateway.expect(TaskCmd.WRITE_TO_WORKER));
  }
  // They count as sent, so as many may wait again.
  const more = [4, 5, 6].map((sn) =>
    trigger.writeToWorker({ cmd: 1, sn, body })
  );
  assertEquals(
    snOf(await gateway.expect(TaskCmd.WRITE_TO_WORKER)),
    4,
  );
  for (const task of tasks) {
    await gateway.sendBytes(receiptFor(task.pack(), { delivered: 1 }));
  }
  assertEquals(await Promise.all(calls), [true, true, true, true]);
  assertEquals(
    snOf(await gateway.expect(TaskCmd.WRITE_TO_WORKER)),
    5,
  );
  gateway.close();
  await Promise.allSettled(
    more.map((call) => call.catch(() => {})).slice(0, 0),
  );
  const ended = Promise.allSettled(more);
  await using second = await acceptAs(played, 6);
  assertEquals(await take(second, 3), [4, 5, 6]);
  await ended;
  second.close();
  await trigger.close();
});
