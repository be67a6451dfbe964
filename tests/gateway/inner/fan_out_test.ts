// Messages to many through a gateway: in slices, in order, and with a bound.

import { assert, assertEquals } from "@std/assert";
import { concat } from "@std/bytes/concat";
import {
  Box,
  encodeGroups,
  encodeRspToGroups,
  encodeRspToUsers,
  Task,
  TaskCmd,
  TaskFlag,
} from "@maple/box";
import type { GatewayOptions } from "@maple/gateway";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";
import { type Client, connectSeen, row, textRead } from "./command_support.ts";

// More than get a message at once, and than get it in one slice.
const CLIENTS = 300;
// The same, but for the slice.
const SOME_CLIENTS = 130;

interface Crowd extends AsyncDisposable {
  readonly gateway: GatewayFixture;
  readonly worker: RawWorker;
  readonly clients: readonly Client[];
  readonly created: readonly Task[];
}

async function crowd(
  options: GatewayOptions = {},
  count = CLIENTS,
): Promise<Crowd> {
  const stack = new AsyncDisposableStack();
  const gateway = stack.use(await GatewayFixture.start(options));
  const worker = stack.use(await gateway.attach());
  const clients: Client[] = [];
  const created: Task[] = [];
  for (let i = 0; i < count; i++) {
    const [client, task] = await connectSeen(gateway, worker);
    clients.push(stack.use(client));
    created.push(task);
    const body = encodeGroups({ names: ["all"], uids: [] });
    await worker.send(task.map({ cmd: TaskCmd.JOIN_GROUPS, body }));
  }
  await gateway.until(({ groupMembers }) => groupMembers === count);
  return {
    gateway,
    worker,
    clients,
    created,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function toAll(text: string) {
  return {
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row(text, [-2])]),
  };
}

function toGroup(text: string) {
  const buf = new Box({ body: text }).pack();
  const message = { names: ["all"], buf, userdata: 0, exclude: [] };
  return {
    cmd: TaskCmd.WRITE_TO_GROUPS,
    body: encodeRspToGroups([message]),
  };
}

async function textsRead(client: Client, count: number) {
  const texts: (string | undefined)[] = [];
  while (texts.length < count) texts.push(await textRead(client));
  return texts;
}

Deno.test("what one sender sends to many and to one of them arrives in that order", async () => {
  await using scene = await crowd();
  const { worker, clients, created } = scene;
  // All of it comes together: what is sent to one finds the rest on its way.
  const last = created.at(-1)!;
  await worker.sendBytes(concat([
    ...[toAll("1"), toGroup("2")].map(packed),
    answer(last, "3"),
    packed(toGroup("4")),
    answer(created[0]!, "5"),
    packed(toAll("6")),
    last.map({ cmd: TaskCmd.LEAVE_GROUPS, body: new Uint8Array(0) }).pack(),
    packed(toGroup("7")),
    packed(toAll("8")),
    last.map({ cmd: TaskCmd.CLOSE_CLIENT }).pack(),
    packed(toAll("9")),
  ]));
  const [first, ...others] = clients;
  assertEquals(
    await textsRead(clients.at(-1)!, 7),
    ["1", "2", "3", "4", "6", "8", undefined],
  );
  assertEquals(
    await textsRead(first!, 8),
    ["1", "2", "4", "5", "6", "7", "8", "9"],
  );
  for (const client of others.slice(0, -1)) {
    const texts = await textsRead(client, 7);
    assertEquals(texts, ["1", "2", "4", "6", "7", "8", "9"]);
  }
});

Deno.test("while fanOutBytes are on their way a sender waits, and what it sends stays in order", async () => {
  await using scene = await crowd({ fanOutBytes: 1 });
  const { gateway, worker, clients, created } = scene;
  const texts = Array.from({ length: 40 }, (_, i) => String(i));
  const frames = texts.map((text, i) =>
    packed(i % 2 ? toAll(text) : toGroup(text))
  );
  await worker.sendBytes(concat([...frames, answer(created[7]!, "end")]));
  assertEquals(await textsRead(clients[7]!, 41), [...texts, "end"]);
  for (const client of clients.filter((_, i) => i !== 7)) {
    assertEquals(await textsRead(client, 40), texts);
  }
  const stats = gateway.gateway.stats();
  assert(stats.fanOutWaits > 0);
  assertEquals(stats.fanOutBytes, 0);
  assertEquals(stats.userDeliveries + stats.groupDeliveries, 40 * CLIENTS);
});

Deno.test("what a sender has sent that is held back and leaves is sent to the end", async () => {
  await using scene = await crowd({ fanOutBytes: 1 }, SOME_CLIENTS);
  const { gateway, clients } = scene;
  const rows = ["1", "2", "3", "4"].map((text) => row(text, [-2]));
  const body = encodeRspToUsers(rows);
  {
    await using sender = await gateway.attach();
    await sender.sendBytes(concat([
      packed({ cmd: TaskCmd.WRITE_TO_USERS, body }),
      packed(toGroup("5")),
    ]));
  }
  for (const client of clients) {
    assertEquals(await textsRead(client, 5), ["1", "2", "3", "4", "5"]);
  }
  await gateway.until(({ fanOutBytes }) => fanOutBytes === 0);
});

Deno.test("a frame with very many messages to few is sent in parts, in order", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  const texts = Array.from({ length: 5000 }, (_, i) => String(i));
  const body = encodeRspToUsers(texts.map((text) => row(text, [-2])));
  await worker.sendBytes(concat([
    packed({ cmd: TaskCmd.WRITE_TO_USERS, body }),
    answer(created, "end"),
  ]));
  assertEquals(await textsRead(client, 5001), [...texts, "end"]);
});

Deno.test("what is left of a frame that is sent in parts is copied once", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  // To nobody, in ten parts.
  const message = row("x".repeat(200), [99]);
  const body = encodeRspToUsers(Array.from({ length: 10_240 }, () => message));
  let copied = 0;
  const { slice } = Uint8Array.prototype;
  Uint8Array.prototype.slice = function (...at): Uint8Array<ArrayBuffer> {
    const copy = slice.apply(this, at);
    if (copy.length > body.length / 20) copied += copy.length;
    return copy;
  };
  try {
    await worker.send({
      cmd: TaskCmd.WRITE_TO_USERS,
      body,
      flags: TaskFlag.RECEIPT_WANTED,
    });
    await worker.expect(TaskCmd.RECEIPT);
  } finally {
    Uint8Array.prototype.slice = slice;
  }
  assertEquals(gateway.gateway.stats().userMessages, 10_240);
  assert(copied < body.length * 2, `${copied} bytes of ${body.length}`);
});

Deno.test("a gateway that leaves sends what is on its way to many", async () => {
  await using scene = await crowd();
  const { gateway, worker, clients } = scene;
  await worker.sendBytes(concat([packed(toAll("1")), packed(toAll("2"))]));
  await gateway.until(({ innerFrames }) => innerFrames.WRITE_TO_USERS === 2);
  await gateway.gateway.closeNow();
  for (const client of clients) {
    assertEquals(await textsRead(client, 3), ["1", "2", undefined]);
  }
});

Deno.test("a member that does not read is closed, and the others get all", async () => {
  await using scene = await crowd({ outboxBytes: 100_000 }, SOME_CLIENTS);
  const { gateway, worker, clients } = scene;
  const [slow, ...others] = clients;
  const text = "x".repeat(50_000);
  const read = Promise.all(others.map((client) => textsRead(client, 160)));
  for (let i = 0; i < 160; i++) {
    await worker.sendBytes(packed(toGroup(text)));
  }
  for (const texts of await read) {
    assertEquals(texts.filter((one) => one === text).length, 160);
  }
  await gateway.until(({ clientsClosed }) => clientsClosed.outbox === 1);
  slow!.close();
});

function packed(init: { cmd: number; body: Uint8Array }): Uint8Array {
  return new Task(init).pack();
}

function answer(created: Task, text: string): Uint8Array {
  const body = new Box({ body: text }).pack();
  return created.map({ cmd: TaskCmd.WRITE_TO_CLIENT, body }).pack();
}
