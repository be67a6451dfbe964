// Tests of what a trigger is told of what became of its messages, and of its questions.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Box, BoxError, type Int64, Task, TaskCmd, TaskFlag } from "@maple/box";
import {
  decodeQuery,
  hasFlag,
  type Receipt,
  receiptFor,
  SILENT,
} from "@maple/box/internal";
import { Trigger, TriggerError, VirtualRequest } from "@maple/trigger";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";
import { within } from "../helpers/within.ts";
import {
  innerAddress,
  joinClient,
  makeTrigger,
  nextText,
} from "./trigger_fixture.ts";

const LARGE = 2n ** 60n;

/** Logs a new client in. */
async function loginNew(
  gateway: GatewayFixture,
  worker: RawWorker,
  trigger: Trigger,
  uid: Int64,
): Promise<AsyncDisposable & { text(): Promise<string> }> {
  const joined = await joinClient(gateway, worker);
  await new VirtualRequest(trigger, joined.created).loginClient(uid);
  return {
    text: () => nextText(joined),
    [Symbol.asyncDispose]: () => joined[Symbol.asyncDispose](),
  };
}

Deno.test("a receipt tells how many connections took a message, and who is not there", async () => {
  for (const ensure of [true, false]) {
    await using gateway = await GatewayFixture.start();
    await using worker = await gateway.attach();
    await using trigger = makeTrigger(gateway, { ensure });
    await using one = await loginNew(gateway, worker, trigger, 1);
    await using _large = await loginNew(gateway, worker, trigger, LARGE);
    const rows = [
      [[1, 2, LARGE], { body: "a" }],
      [[-1], { body: "b" }],
    ] as const;
    assertEquals(await trigger.writeToUsers(rows, { receipt: true }), {
      delivered: 4,
      offline: [2],
      complete: true,
    });
    assertEquals(await one.text(), "a");
    // Without it nothing has changed.
    const plain: boolean = await trigger.writeToUsers(rows);
    assertEquals(plain, true);
    assertEquals(await trigger.writeToUsers(rows, { receipt: false }), true);
    assertEquals(
      await trigger.closeUsers([1, 7], 0, [], { receipt: true }),
      { delivered: 1, offline: [7], complete: true },
    );
    assertEquals(
      await trigger.writeToUsers([[[1], {}]], { receipt: true }),
      { delivered: 0, offline: [1], complete: true },
    );
    assert(await trigger.close());
  }
});

Deno.test("the receipt of a task tells that the queue has it; its custom is the sender's", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = makeTrigger(gateway);
  const calls = Array.from(
    { length: 20 },
    (_, i) =>
      trigger.writeToWorker({ cmd: 1, sn: i }, { custom: 1 }, {
        receipt: true,
      }),
  );
  // Their numbers are the same as its custom.
  const write = trigger.writeToUsers([[[5], {}]], { receipt: true });
  assertEquals(await Promise.all(calls), calls.map(() => ({ taken: true })));
  assertEquals((await write).offline, [5]);
  await using worker = await gateway.attach();
  for (let i = 0; i < 20; i++) {
    const task = await worker.work();
    assertEquals([task.custom, Box.fromFrame(task.body).sn], [1, i]);
    assertEquals(hasFlag(task.pack(), TaskFlag.RECEIPT_WANTED), false);
  }
});

Deno.test("questions: who of some is there, and all users page by page", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = makeTrigger(gateway);
  const clients = new AsyncDisposableStack();
  await using _clients = clients;
  for (const uid of [30, 10, LARGE, 20]) {
    clients.use(await loginNew(gateway, worker, trigger, uid));
  }
  assertEquals(await trigger.online([LARGE, 5, 10, 10]), [LARGE, 10]);
  assertEquals(await trigger.online([]), []);
  assertEquals(await trigger.users(), [10, 20, 30, LARGE]);
  assertEquals(await trigger.users({ limit: 2 }), [10, 20]);
  assertEquals(await trigger.users({ after: 20, limit: 2 }), [30, LARGE]);
  assertEquals(await trigger.users({ after: LARGE }), []);
  // More than one question can be about.
  const many = Array.from({ length: 25_000 }, (_, i) => i + 1);
  assertEquals(await trigger.online(many), [10, 20, 30]);
});

Deno.test("receipts of messages to groups, and questions about them", async () => {
  await using first = await GatewayFixture.start();
  await using second = await GatewayFixture.start();
  await using one = await first.attach();
  await using two = await second.attach();
  await using trigger = new Trigger(
    Box,
    [innerAddress(first), innerAddress(second)],
    { logger: SILENT },
  );
  await using a = await loginNew(first, one, trigger, 7);
  await using _b = await loginNew(second, two, trigger, LARGE);
  await using _c = await loginNew(second, two, trigger, 3);
  await using _guest = await joinClient(second, two);
  await trigger.joinGroup("räume", [-1]);
  await trigger.joinGroup("all", [-2]);
  const found = { offline: [], complete: true };
  assertEquals(
    await trigger.writeToGroups([[["räume", "all"], { body: "hi" }]], {
      receipt: true,
    }),
    { delivered: 4, ...found },
  );
  assertEquals(await a.text(), "hi");
  assertEquals(await trigger.groupSize("all"), 4);
  assertEquals(await trigger.groupSize("none"), 0);
  assertEquals(await trigger.groupMembers("all"), [3, 7, LARGE]);
  assertEquals(await trigger.groupMembers("none"), []);
  for (const name of ["", "x".repeat(129)]) {
    await assertRejects(() => trigger.groupSize(name), BoxError, "1 to 128");
    await assertRejects(() => trigger.groupMembers(name), BoxError, "1 to 128");
  }
  assertEquals(
    await trigger.closeGroup("räume", { receipt: true }),
    { delivered: 3, ...found },
  );
  assertEquals(
    await trigger.writeToGroups([[["räume"], {}]], { receipt: true }),
    { delivered: 0, ...found },
  );
});

Deno.test("a message to many tells when it was sent to all of them", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = makeTrigger(gateway);
  const clients = new AsyncDisposableStack();
  await using _clients = clients;
  for (let i = 0; i < 300; i++) {
    clients.use(await joinClient(gateway, worker));
  }
  const calls = Array.from(
    { length: 20 },
    () => trigger.writeToUsers([[[-2], { body: "all" }]], { receipt: true }),
  );
  for (const { delivered } of await Promise.all(calls)) {
    assertEquals(delivered, 300);
  }
  // One that is on its way when the gateway leaves gets its receipt before the last word.
  const last = trigger.writeToUsers([[[-2], { body: "last" }]], {
    receipt: true,
  });
  await gateway.until(({ userMessages }) => userMessages === 21);
  const closing = gateway.gateway.close();
  assertEquals((await last).delivered, 300);
  await clients.disposeAsync();
  await closing;
  await trigger.close();
});

Deno.test("with several gateways a receipt and an answer are those of all", async () => {
  await using first = await GatewayFixture.start();
  await using second = await GatewayFixture.start();
  await using one = await first.attach();
  await using two = await second.attach();
  await using trigger = new Trigger(
    Box,
    [innerAddress(first), innerAddress(second)],
    { logger: SILENT },
  );
  await using _a = await loginNew(first, one, trigger, 1);
  await using _b = await loginNew(second, two, trigger, 2);
  await using _c = await loginNew(second, two, trigger, 3);
  assertEquals(
    await trigger.writeToUsers([[[1, 2, 9], {}], [[-1], {}]], {
      receipt: true,
    }),
    { delivered: 5, offline: [9], complete: true },
  );
  assertEquals(await trigger.online([3, 9, 1]), [3, 1]);
  assertEquals(await trigger.users({ limit: 2 }), [1, 2]);
  assertEquals(
    await trigger.writeToWorker({ cmd: 1 }, {}, { receipt: true }),
    { taken: true },
  );
  assert(await trigger.close());
});

Deno.test("a receipt is not complete when a gateway cannot be reached; a question fails", async () => {
  await using gateway = await GatewayFixture.start();
  for (const ensure of [true, false]) {
    await using trigger = new Trigger(
      Box,
      [innerAddress(gateway), { host: "127.0.0.1", port: freePort() }],
      { logger: SILENT, ensure, timeout: 1, retryDelay: 0.05 },
    );
    assertEquals(
      await trigger.writeToUsers([[[1], {}]], { receipt: true }),
      { delivered: 0, offline: [1], complete: false },
    );
    const error = await assertRejects(() => trigger.online([1]), TriggerError);
    assertEquals(error.code, ensure ? "timeout" : "connection");
    await trigger.close();
  }
});

Deno.test("a receipt names the gateways of a cluster that have not told; a question fails", async () => {
  using played = new PlayedGateway();
  await using trigger = makeTrigger(played.port);
  const rows = [[[1], {}]] as const;
  const write = trigger.writeToUsers(rows, { receipt: true });
  await using peer = await played.accept({ greets: false });
  await peer.greet({ receipts: true, tag: 5 });
  const answer = async (cmd: number, receipt: Partial<Receipt>) => {
    const task = await peer.expect(cmd);
    await peer.sendBytes(receiptFor(task.pack(), receipt));
  };
  await answer(TaskCmd.WRITE_TO_USERS, { delivered: 1, missingNodes: [3, 9] });
  assertEquals(await write, {
    delivered: 1,
    offline: [],
    complete: false,
    missingNodes: [3, 9],
  });
  const ban = trigger.ban({ address: "192.0.2.7", seconds: 1 });
  await answer(TaskCmd.BAN, { delivered: 2, missingNodes: [3] });
  assertEquals(await ban, { closed: 2, complete: false, missingNodes: [3] });
  for (
    const [missingNodes, why] of [
      [[3, 9], "the gateways of these nodes do not tell: 3, 9"],
      [[-1], "the bus of the cluster is away"],
    ] as const
  ) {
    const failing = assertRejects(() => trigger.online([1]), TriggerError, why);
    await answer(TaskCmd.QUERY, { online: [1], missingNodes });
    assertEquals((await failing).code, "timeout");
  }
});

Deno.test("a gateway of the original system gives none: that is said at the first use", async () => {
  // Whether it stays silent, or is one of ours of before.
  for (const greets of [false, true]) {
    using played = new PlayedGateway();
    const trigger = makeTrigger(played.port, { ensure: "forever" });
    const calls: Promise<unknown>[] = [
      trigger.writeToUsers([[[1], {}]], { receipt: true }),
      trigger.writeToWorker({ cmd: 1 }, {}, { receipt: true }),
      trigger.online([1]),
      trigger.users(),
    ];
    const results = Promise.allSettled(calls);
    await using original = await played.accept({ greets });
    for (const result of await within(results, "the calls")) {
      assert(result.status === "rejected");
      assertEquals(result.reason.code, "unsupported");
      assert(/this gateway gives no receipts/.test(result.reason.message));
    }
    // It was sent none of it, and takes all else as ever.
    assert(await trigger.closeUsers([1]));
    const task = await original.expect(TaskCmd.CLOSE_USERS);
    assertEquals(task.flags, 0);
    original.close();
    await trigger.close();
  }
});

Deno.test("what a gateway does not answer ends: a question after 2 s at most, a receipt with the trigger's timeout", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { timeout: 0.5 });
  const question = assertRejects(() => trigger.users(), TriggerError);
  const write = assertRejects(
    () => trigger.writeToUsers([[[1], {}]], { receipt: true }),
    TriggerError,
  );
  const ensured = assertRejects(
    () => trigger.writeToWorker({ cmd: 1 }),
    TriggerError,
  );
  await using mute = await played.accept({ greets: false });
  await mute.greet({ receipts: true, tag: 5 });
  assertEquals((await question).code, "timeout");
  for (const error of [await write, await ensured]) {
    assertEquals(error.code, "unknown");
    assert(/may have been done/.test(error.message), error.message);
  }
  // It answers after all, which is nobody's any more.
  assertEquals(
    decodeQuery((await mute.expect(TaskCmd.QUERY)).body).limit,
    1000,
  );
  const late = await mute.expect(TaskCmd.WRITE_TO_USERS);
  await mute.sendBytes(receiptFor(late.pack(), { delivered: 1 }));
  const task = await mute.expect(TaskCmd.WRITE_TO_WORKER);
  await mute.sendBytes(receiptFor(task.pack(), { delivered: 1 }));
  const next = trigger.writeToWorker({ cmd: 2 }, {}, { receipt: true });
  const again = await mute.expect(TaskCmd.WRITE_TO_WORKER);
  await mute.sendBytes(receiptFor(again.pack(), { delivered: 1 }));
  assertEquals(await next, { taken: true });
  mute.close();
  // Something that was sent may or may not have been done.
  assertEquals(await trigger.close(), false);
});

Deno.test("a signal ends the waiting", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { timeout: 60 });
  const control = new AbortController();
  const { signal } = control;
  const calls = Promise.allSettled([
    trigger.users({ signal }),
    trigger.online([1], { signal }),
    trigger.writeToUsers([[[1], {}]], { receipt: true, signal }),
    trigger.writeToWorker({ cmd: 1 }, {}, { signal }),
  ]);
  await using mute = await played.accept({ greets: false });
  await mute.greet({ receipts: true, tag: 5 });
  await mute.expect(TaskCmd.QUERY);
  control.abort(new Error("enough"));
  for (const result of await within(calls, "the calls")) {
    assert(result.status === "rejected");
    assertEquals(result.reason.message, "enough");
  }
  const late = await assertRejects(() => trigger.users({ signal }), Error);
  assertEquals(late.message, "enough");
  mute.close();
  await trigger.close();
});

Deno.test("what a gateway refuses says so", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = makeTrigger(gateway);
  const bad = new Task({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: new Uint8Array([8, 255]),
  });
  for (
    const send of [
      () => trigger.send(bad),
      () => trigger.send(bad, { receipt: true }),
    ]
  ) {
    const error = await assertRejects<TriggerError>(send, TriggerError);
    assertEquals(error.code, "refused");
    assert(/Cannot decode RspToUsers/.test(error.message), error.message);
  }
  assert(await trigger.close());
});

Deno.test("a connection that is lost before the receipt came: it may have been done", async () => {
  using played = new PlayedGateway();
  const trigger = makeTrigger(played.port, { ensure: false });
  const call = assertRejects(
    () => trigger.writeToUsers([[[1], {}]], { receipt: true }),
    TriggerError,
  );
  const first = await played.accept({ greets: false });
  await first.greet({ receipts: true, tag: 5 });
  await first.expect(TaskCmd.WRITE_TO_USERS);
  first.close();
  const error = await within(call, "the call");
  assertEquals(error.code, "unknown");
  assert(/may have been done/.test(error.message), error.message);
  assertEquals(await trigger.close(), false);
});

Deno.test("close() is told by a last receipt what was taken without one", async () => {
  using played = new PlayedGateway();
  for (const answers of [true, false]) {
    const trigger = makeTrigger(played.port, { ensure: false, timeout: 0.5 });
    const call = trigger.closeUsers([1]);
    await using gateway = await played.accept({ greets: false });
    await gateway.greet({ receipts: true, tag: 5 });
    assert(await call);
    const { flags } = await gateway.expect(TaskCmd.CLOSE_USERS);
    assertEquals(flags, 0);
    const closing = trigger.close();
    const last = await gateway.expect(TaskCmd.QUERY);
    if (answers) await gateway.sendBytes(receiptFor(last.pack(), {}));
    // Whatever the end of the connection says.
    gateway.close();
    assertEquals(await closing, answers);
  }
});
