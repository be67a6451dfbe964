// A trigger and the gateways of a cluster: each message goes by one of them, whichever is there.

import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { Box, SpecialUid, type Task, TaskCmd, TaskFlag } from "@maple/box";
import { farewell, SILENT } from "@maple/box/internal";
import { Trigger, TriggerError, type TriggerOptions } from "@maple/trigger";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { PlayedMember } from "../helpers/played_member.ts";
import { HOST } from "./trigger_fixture.ts";

function makeTrigger(
  gateways: readonly { readonly port: number }[],
  options: TriggerOptions = {},
): Trigger {
  return new Trigger(
    Box,
    gateways.map(({ port }) => ({ host: HOST, port })),
    { logger: SILENT, retryDelay: 0.01, ...options },
  );
}

/** Sends a message to all users. */
function tell(trigger: Trigger, body: string): Promise<boolean> {
  return trigger.writeToUsers([[[SpecialUid.ALL], { body }]]);
}

function wordOf(task: Task): string {
  const local = task.flags & TaskFlag.LOCAL ? " local" : "";
  const text = new TextDecoder().decode(task.body);
  return `${/[a-z]+(?=[^a-z]*$)/.exec(text)}${local}`;
}

/** Waits until a trigger has read what the gateway that it sends by has told it. */
async function noted(trigger: Trigger, member: PlayedMember): Promise<void> {
  const asked = trigger.users({ limit: 1 });
  await member.receipt({});
  await asked;
}

/** What the next command is, which gets a receipt. */
async function taken(member: PlayedMember): Promise<string> {
  return wordOf(await member.receipt({ delivered: 1 }));
}

Deno.test("Trigger sends by one gateway of a cluster, and by another that it was not told of when that is gone", async () => {
  const a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using c = new PlayedMember(3);
  const trigger = makeTrigger([a]);
  const first = tell(trigger, "one");
  await a.accept([a, b, c]);
  assertEquals(await taken(a), "one");
  assert(await first);
  await a[Symbol.asyncDispose]();
  const second = tell(trigger, "two");
  const third = tell(trigger, "three");
  await b.accept([b, c]);
  // What was on its way to the one that is gone comes later.
  const both = [await taken(b), await taken(b)];
  assertEquals(both.toSorted(), ["three", "two"]);
  assert(await second && await third);
  // The same one while it is there.
  await using again = new PlayedMember(1, { tag: 7 });
  await b.tell([again, b, c]);
  await noted(trigger, b);
  const fourth = tell(trigger, "four");
  assertEquals(await taken(b), "four");
  assert(await fourth);
  await b[Symbol.asyncDispose]();
  assert(await trigger.close());
});

Deno.test("Trigger without ensure goes on to a gateway that is there, and gives false when none is", async () => {
  const a = new PlayedMember(1);
  const b = new PlayedMember(2);
  await using trigger = makeTrigger([a], { ensure: false });
  const connected = trigger.connect();
  await a.accept([a, b]);
  assert(await connected);
  await a[Symbol.asyncDispose]();
  await eventually(async () => {
    const sent = tell(trigger, "one");
    const came = b.accept([b]).then(() => true, () => false);
    return await sent && await came;
  });
  assertEquals(wordOf(await b.command()), "one");
  await b[Symbol.asyncDispose]();
  await eventually(async () => !await tell(trigger, "two"));
  assertFalse(await tell(trigger, "three"));
});

Deno.test("several given gateways that are of one cluster get a message once", async () => {
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a, { port: freePort() }, b]);
  const first = tell(trigger, "one");
  const second = tell(trigger, "two");
  await a.accept([a, b]);
  await b.accept([a, b]);
  assertEquals([await taken(a), await taken(a)], ["one", "two"]);
  assert(await first && await second);
  // The other one gets what is for workers, in turn.
  const tasks = [1, 2].map((cmd) => trigger.writeToWorker({ cmd }));
  for (const member of [a, b]) {
    const task = await member.receipt({ delivered: 1 });
    assertEquals(task.cmd, TaskCmd.WRITE_TO_WORKER);
  }
  assertEquals(await Promise.all(tasks), [true, true]);
  a.cut();
  b.cut();
});

Deno.test("several given gateways that are away at first get a message once, when they turn out to be of one cluster", async () => {
  const ports = [freePort(), freePort()];
  await using trigger = makeTrigger(ports.map((port) => ({ port })));
  const sent = tell(trigger, "one");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await using a = new PlayedMember(1, { port: ports[0]! });
  await using b = new PlayedMember(2, { port: ports[1]! });
  const [, got] = await Promise.all([
    Promise.any([a.accept([a, b]), b.accept([a, b])]),
    Promise.any([
      eventually(() => a.isVisited).then(() => taken(a)),
      eventually(() => b.isVisited).then(() => taken(b)),
    ]),
  ]);
  assertEquals(got, "one");
  assert(await sent);
  a.cut();
  b.cut();
});

Deno.test("two clusters and a gateway of its own get a message each", async () => {
  await using a1 = new PlayedMember(1, { cluster: "a" });
  await using a2 = new PlayedMember(2, { cluster: "a" });
  await using b1 = new PlayedMember(1, { cluster: "b", tag: 11 });
  await using lone = new PlayedMember(1, { cluster: null, tag: 12 });
  await using trigger = makeTrigger([a1, b1, lone, a2]);
  const sent = trigger.writeToUsers([[[5, 6], { body: "one" }]], {
    receipt: true,
  });
  await Promise.all([
    a1.accept([a1, a2]),
    a2.accept([a1, a2]),
    b1.accept(),
    lone.accept(),
  ]);
  for (const member of [a1, b1, lone]) {
    const offline = member === b1 ? [5] : [5, 6];
    await member.receipt({ delivered: 1, offline });
  }
  assertEquals(await sent, { delivered: 3, offline: [5], complete: true });
  for (const member of [a1, a2, b1, lone]) member.cut();
});

Deno.test("what a gateway has not taken when it leaves goes by another one, in its order", async () => {
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a]);
  const words = ["one", "two", "three", "four"];
  const calls = words.map((word) => tell(trigger, word));
  const peer = await a.accept([a, b]);
  assertEquals(await taken(a), "one");
  assertEquals(wordOf(await a.command()), "two");
  await peer.sendBytes(farewell());
  await a[Symbol.asyncDispose]();
  await b.accept([b]);
  for (const word of words.slice(1)) assertEquals(await taken(b), word);
  assertEquals(await Promise.all(calls), [true, true, true, true]);
  b.cut();
});

Deno.test("a gateway that has left with nothing more to be sent is sent by again when it is back", async () => {
  const a = new PlayedMember(1);
  const b = new PlayedMember(2);
  await using trigger = makeTrigger([a]);
  const first = tell(trigger, "one");
  const peer = await a.accept([a, b]);
  assertEquals(wordOf(await a.command()), "one");
  await peer.sendBytes(farewell());
  await a[Symbol.asyncDispose]();
  await b.accept([b]);
  assertEquals(await taken(b), "one");
  assert(await first);
  await using again = new PlayedMember(1, { port: a.port, tag: 7 });
  await b.tell([again, b]);
  await noted(trigger, b);
  await b[Symbol.asyncDispose]();
  const second = tell(trigger, "two");
  await again.accept([again]);
  assertEquals(await taken(again), "two");
  assert(await second);
  again.cut();
});

Deno.test("what a gateway may have taken that dies goes by another one when the cluster says that it is gone", async () => {
  const a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a]);
  const inDoubt = tell(trigger, "one");
  await a.accept([a, b]);
  assertEquals(wordOf(await a.command()), "one");
  await a[Symbol.asyncDispose]();
  // It is asked whether that is gone.
  await b.accept([a, b]);
  const later = tell(trigger, "two");
  assertEquals(await taken(b), "two");
  assert(await later);
  await b.tell([b]);
  assertEquals(await taken(b), "one");
  assert(await inDoubt);
  b.cut();
});

Deno.test("what a gateway may have taken goes nowhere else while it lives", async () => {
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  const trigger = makeTrigger([a]);
  const inDoubt = assertRejects(() => tell(trigger, "one"), TriggerError);
  await a.accept([a, b]);
  assertEquals(wordOf(await a.command()), "one");
  a.cut();
  await a.accept([a, b]);
  assertEquals((await inDoubt).code, "unknown");
  a.cut();
  assertFalse(await trigger.close());
});

Deno.test("a gateway that is frozen is left when the others do not hear of it, and gets nothing twice", async () => {
  const a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a], { timeout: 30 });
  const inDoubt = tell(trigger, "one");
  const first = await a.accept([a, b]);
  assertEquals(wordOf(await a.command()), "one");
  // It says no more; the other one is asked, and does not hear of it.
  await b.accept([b]);
  assertEquals(await first.next(), null);
  const later = tell(trigger, "two");
  assertEquals(await taken(b), "two");
  assert(await later);
  // It accepts still, without a word: that is no gateway of the original system.
  const second = await a.acceptSilently();
  const third = tell(trigger, "three");
  assertEquals(await taken(b), "three");
  assert(await third);
  await assertRejects(() => second.next(1500), Error, "not within");
  // It has ended.
  await a[Symbol.asyncDispose]();
  assertEquals(await taken(b), "one");
  assert(await inDoubt);
  b.cut();
});

Deno.test("a gateway that is frozen is not waited for when another one may be asked", async () => {
  const a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using c = new PlayedMember(3);
  await using trigger = makeTrigger([a], { timeout: 600 });
  const connecting = trigger.connect();
  await a.accept([a, b, c]);
  assert(await connecting);
  await a[Symbol.asyncDispose]();
  const sent = tell(trigger, "one");
  await b.acceptSilently();
  await c.accept([b, c]);
  assertEquals(await taken(c), "one");
  assert(await sent);
  c.cut();
});

Deno.test("a gateway that is frozen is left also while it is written to, and what it has not taken goes by another", async () => {
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a], { timeout: 60 });
  const connecting = trigger.connect();
  await a.accept([a, b]);
  assert(await connecting);
  // More than the system takes for one that does not read.
  const long = trigger.writeToUsers([[[SpecialUid.ALL], {
    body: new Uint8Array(12 * 1024 * 1024),
  }]]);
  const later = tell(trigger, "two");
  await b.accept([b]);
  assert((await b.receipt({ delivered: 1 })).body.length > 12 * 1024 * 1024);
  assertEquals(await taken(b), "two");
  assertEquals(await Promise.all([long, later]), [true, true]);
  b.cut();
});

Deno.test("a call that waits for what is known of a gateway that is gone ends as unknown", async () => {
  const a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a], { timeout: 0.5 });
  const inDoubt = assertRejects(() => tell(trigger, "one"), TriggerError);
  await a.accept([a, b]);
  assertEquals(wordOf(await a.command()), "one");
  await a[Symbol.asyncDispose]();
  await b.accept([a, b]);
  assertEquals((await inDoubt).code, "unknown");
  b.cut();
});

Deno.test("Trigger tells whether all gateways of a cluster have told, and questions throw when one has not", async () => {
  await using a = new PlayedMember(1);
  await using trigger = makeTrigger([a]);
  const write = () =>
    trigger.writeToUsers([[[5], { body: "x" }]], { receipt: true });
  const whole = write();
  await a.accept();
  await a.receipt({ delivered: 2 });
  assertEquals(await whole, { delivered: 2, offline: [], complete: true });
  const part = write();
  await a.receipt({ delivered: 1, missingNodes: [3] });
  assertEquals(await part, {
    delivered: 1,
    offline: [],
    complete: false,
    missingNodes: [3],
  });
  const asked = trigger.online([5, 6]);
  await a.receipt({ online: [6] });
  assertEquals(await asked, [6]);
  const failing = assertRejects(
    () => trigger.online([5]),
    TriggerError,
    "the gateways of these nodes do not tell: 3, 4",
  );
  await a.receipt({ online: [5], missingNodes: [3, 4] });
  await failing;
  a.cut();
});

Deno.test("Trigger tells each gateway while the bus is away", async () => {
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  const c = new PlayedMember(3);
  await using trigger = makeTrigger([a]);
  const connected = trigger.connect();
  await a.accept([a, b, c]);
  assert(await connected);
  await a.tell([a], { alone: true });
  await noted(trigger, a);
  const peer = tell(trigger, "one");
  await b.accept([b], { alone: true });
  await c.accept([c], { alone: true });
  for (const member of [a, b, c]) {
    assertEquals(await taken(member), "one local");
  }
  assert(await peer);
  await c[Symbol.asyncDispose]();
  const part = trigger.writeToUsers([[[5], { body: "two" }]], {
    receipt: true,
  });
  for (const member of [a, b]) assertEquals(await taken(member), "two local");
  assertEquals(await part, { delivered: 2, offline: [], complete: false });
  // As long as one of them hears nothing of the others.
  await b.tell([a, b]);
  const noticed = trigger.closeUsers([5], 0, [], { receipt: true });
  for (const member of [a, b]) await member.receipt({});
  await noticed;
  const both = tell(trigger, "three");
  for (const member of [a, b]) assertEquals(await taken(member), "three local");
  assert(await both);
  await a.tell([a, b]);
  const again = trigger.closeUsers([5], 0, [], { receipt: true });
  for (const member of [a, b]) await member.receipt({});
  await again;
  const whole = tell(trigger, "four");
  assertEquals(await taken(a), "four");
  assert(await whole);
  a.cut();
  b.cut();
});

Deno.test("Trigger sends nothing to a gateway that is not of the cluster whose gateways tell of it", async () => {
  const a = new PlayedMember(1);
  await using stranger = new PlayedMember(2, { cluster: "other" });
  await using trigger = makeTrigger([a], { timeout: 0.5 });
  const connected = trigger.connect();
  await a.accept([a, stranger]);
  assert(await connected);
  await a[Symbol.asyncDispose]();
  const failing = assertRejects(() => tell(trigger, "one"), TriggerError);
  const peer = await stranger.accept();
  assertEquals(await peer.next(), null);
  await failing;
});

Deno.test("Trigger gives tasks to gateways that it was not told of when those are gone", async () => {
  const a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  const given = [a, { port: freePort() }];
  await using trigger = makeTrigger(given);
  const first = trigger.writeToWorker({ cmd: 1 });
  await a.accept([a, b]);
  await a.receipt({ delivered: 1 });
  assert(await first);
  await a[Symbol.asyncDispose]();
  const second = trigger.writeToWorker({ cmd: 2 });
  await b.accept([b]);
  await b.receipt({ delivered: 1 });
  assert(await second);
  b.cut();
});

Deno.test("an abort ends a call that waits until the given gateways are known", async () => {
  await using a = new PlayedMember(1);
  await using silent = new PlayedMember(2);
  await using trigger = makeTrigger([a, silent], { timeout: 5 });
  const abort = new AbortController();
  const aborted = assertRejects(
    () => trigger.closeUsers([1], 0, [], { signal: abort.signal }),
    Error,
    "enough",
  );
  await a.accept();
  abort.abort(new Error("enough"));
  await aborted;
});

Deno.test("what waits until the given gateways are known is no more than queueBytes", async () => {
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using trigger = makeTrigger([a, b], { queueBytes: 1000 });
  const calls = [1, 2, 3].map(() =>
    trigger.writeToUsers([[[1], { body: "x".repeat(300) }]])
  );
  const error = await assertRejects(() => calls[2]!, TriggerError);
  assertEquals(error.code, "limit");
  await a.accept();
  await b.accept();
  await a.receipt({});
  await a.receipt({});
  assertEquals(await Promise.all(calls.slice(0, 2)), [true, true]);
  a.cut();
  b.cut();
});
