// What the gateway costs in socket writes and copied bytes, in fixed scenarios and without a clock.
// Where a bound is passed, forwarding has become dearer; lower the bound when a change makes it
// cheaper.

import { assert, assertEquals } from "@std/assert";
import { Box, Task, TaskCmd, TaskFlag, TaskOffset } from "@maple/box";
import { type PeerIdentity, writeToUsersTask } from "@maple/box/internal";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import type { Address } from "../helpers/raw_peer.ts";
import { within } from "../helpers/within.ts";
import { CountedWrites } from "./counted_writes.ts";

const MESSAGES = 1000;
const FRAME = new Box({ cmd: 1, sn: 7, body: new Uint8Array(40) }).pack();
const FRAME_BYTES = FRAME.length;
const TASK_BYTES = TaskOffset.body + FRAME_BYTES;

// For 1,000 frames of 64 bytes that one client sends at once. Measured were 5 and 3 writes, for
// reads of 256 bytes to 64 KiB; 302,280 and 108,832 bytes copied, for 140,000 and 64,000 bytes that
// are forwarded: a frame is kept until it is acknowledged, and outboxes that grow copy what they
// hold; 16 and 1 arrays that got memory of their own. The network may cut the bytes into more
// pieces, so there may be some more writes.
const MOST = {
  writesToWorker: 10,
  writesToClient: 10,
  copiedIn: 310_000,
  copiedOut: 112_000,
  allocatedIn: 25,
  allocatedOut: 5,
};

function assertWithin(count: number, most: number, what: string): void {
  assert(count <= most, `${count} ${what}, no more than ${most} are right`);
}

/** A connection that copies nothing: what is counted is the gateway's. */
class PlainPeer implements Disposable {
  readonly #conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    conn.setNoDelay(true);
    this.#conn = conn;
  }

  static async connect({ hostname, port }: Address): Promise<PlainPeer> {
    return new PlainPeer(await Deno.connect({ hostname, port }));
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
  }

  async read(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const read = this.#conn.read(bytes.subarray(at));
      const got = await within(read, `${count} bytes, after ${at} of them`);
      if (got === null) throw new Error(`closed after ${at} of ${count} bytes`);
      at += got;
    }
    return bytes;
  }

  /** What has come, in bytes that are valid until the next call. */
  async readSome(into: Uint8Array): Promise<number> {
    return await within(this.#conn.read(into), "some bytes") ?? 0;
  }

  /** Asks for tasks as a worker of ours does, and takes the greeting. */
  async ask(count: number, identity?: PeerIdentity): Promise<void> {
    await this.send(asks(1, identity));
    if (count > 1) await this.send(asks(count - 1));
    const head = await this.read(TaskOffset.cmd);
    const length = new DataView(head.buffer).getInt32(TaskOffset.packetLen);
    await this.read(length - head.length);
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

function repeated(frame: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(frame.length * count);
  for (let i = 0; i < count; i++) bytes.set(frame, i * frame.length);
  return bytes;
}

/** Asks for tasks as a worker of ours does at first. */
function asks(count: number, identity?: PeerIdentity): Uint8Array {
  return repeated(
    new Task({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: TaskFlag.EXPLICIT_ACK,
      ...(identity ? { body: { ...identity } } : {}),
    }).pack(),
    count,
  );
}

Deno.test("Gateway writes once for a request and once for its answer", async () => {
  await using fixture = await GatewayFixture.start({ order: "none" });
  using worker = await PlainPeer.connect(fixture.inner);
  await worker.ask(1);
  using client = await PlainPeer.connect(fixture.outer);
  // That the client is there.
  await worker.read(TaskOffset.body);
  using counted = await CountedWrites.start();
  const ask = asks(1);
  const rounds = 100;
  for (let i = 0; i < rounds; i++) {
    await worker.send(ask);
    await client.send(FRAME);
    const task = await worker.read(TASK_BYTES);
    new DataView(task.buffer).setInt32(TaskOffset.cmd, TaskCmd.WRITE_TO_CLIENT);
    await worker.send(task);
    assertEquals(await client.read(FRAME_BYTES), FRAME);
  }
  assertEquals(counted.of(fixture.inner.port), {
    writes: rounds,
    bytes: rounds * TASK_BYTES,
  });
  assertEquals(counted.of(fixture.outer.port), {
    writes: rounds,
    bytes: rounds * FRAME_BYTES,
  });
});

Deno.test("Gateway forwards 1,000 frames of one client in few writes and with few copies", async () => {
  await using fixture = await GatewayFixture.start({
    order: "none",
    clientQueueMax: 2 * MESSAGES,
    creditsMax: 2 * MESSAGES,
  });
  using worker = await PlainPeer.connect(fixture.inner);
  await worker.ask(MESSAGES + 1);
  await fixture.until((stats) => stats.idleCredits === MESSAGES + 1);
  using client = await PlainPeer.connect(fixture.outer);
  await worker.read(TaskOffset.body);
  const requests = repeated(FRAME, MESSAGES);
  using counted = await CountedWrites.start();

  await client.send(requests);
  const tasks = await worker.read(MESSAGES * TASK_BYTES);
  const toWorker = { ...counted.of(fixture.inner.port) };
  const { copied: copiedIn, allocated: allocatedIn } = counted;

  const view = new DataView(tasks.buffer);
  for (let at = 0; at < tasks.length; at += TASK_BYTES) {
    view.setInt32(at + TaskOffset.cmd, TaskCmd.WRITE_TO_CLIENT);
  }
  counted.reset();
  await worker.send(tasks);
  assertEquals(await client.read(MESSAGES * FRAME_BYTES), requests);
  const toClient = { ...counted.of(fixture.outer.port) };
  const { copied: copiedOut, allocated: allocatedOut } = counted;

  assertEquals(toWorker.bytes, MESSAGES * TASK_BYTES);
  assertEquals(toClient.bytes, MESSAGES * FRAME_BYTES);
  assertWithin(toWorker.writes, MOST.writesToWorker, "writes to the worker");
  assertWithin(toClient.writes, MOST.writesToClient, "writes to the client");
  assertWithin(copiedIn, MOST.copiedIn, "bytes copied on the way in");
  assertWithin(copiedOut, MOST.copiedOut, "bytes copied on the way out");
  assertWithin(allocatedIn, MOST.allocatedIn, "arrays made on the way in");
  assertWithin(allocatedOut, MOST.allocatedOut, "arrays made on the way out");
});

// For 50 clients that send 16 frames each at once, and a worker that answers what has come with one
// write: for 1,000 messages 1.25 writes to the worker and 65 to the clients, instead of 20 and 1,000
// with one frame of each client at a time.
//
// What is copied is the same, 268,540 and 268,000 bytes, since it is the least that there can be.
// What leaves a socket with one write is copied together for it: the task, and the answer. And a
// frame is kept until it is acknowledged, for another worker to get it, while the memory that it was
// read into and the one that it was sent from are used again. To keep these instead would take at
// least 256 bytes of memory for a frame of 64. The 540 are of outboxes that grow.
const CLIENTS = 50;
const DEPTH = 16;
const KEPT_BYTES = FRAME_BYTES;
const LEAST_COPIED = MESSAGES * (KEPT_BYTES + TASK_BYTES + FRAME_BYTES);
const CHAINED = {
  writesToWorker: 10,
  writesToClients: 130,
  copied: 1.01 * LEAST_COPIED,
};

Deno.test("Gateway needs few writes for 16 frames of each of 50 clients where these are chained", async () => {
  const oneByOne = await costOfChains(1);
  const chained = await costOfChains(2);
  for (const what of ["writesToWorker", "writesToClients", "copied"] as const) {
    assertWithin(chained[what], CHAINED[what], `${what} for 1,000 messages`);
  }
  assert(chained.writesToWorker < oneByOne.writesToWorker / 2);
  assert(chained.writesToClients < oneByOne.writesToClients / 2);
  // The least, with chains and without: where it is less, what is said above is not so any more.
  for (const { copied } of [oneByOne, chained]) {
    assert(copied >= LEAST_COPIED && copied < 1.01 * LEAST_COPIED);
  }
});

// What 1,000 messages cost the gateway.
async function costOfChains(chainMax: number) {
  await using fixture = await GatewayFixture.start({ chainMax });
  using worker = await PlainPeer.connect(fixture.inner);
  await worker.ask(64, { chains: true });
  await using clients = new AsyncDisposableStack();
  const peers: PlainPeer[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    peers.push(clients.use(await PlainPeer.connect(fixture.outer)));
  }
  const created = await worker.read(CLIENTS * TaskOffset.body);
  for (let at = 0; at < created.length; at += TaskOffset.body) {
    toAsk(new DataView(created.buffer), at);
  }
  await worker.send(created);
  await fixture.until((stats) => stats.acknowledged === CLIENTS);
  const requests = repeated(FRAME, DEPTH);
  using counted = await CountedWrites.start();
  // At first outboxes grow until they hold what is sent at a time.
  for (let round = 0; round < 2; round++) {
    counted.reset();
    for (const peer of peers) await peer.send(requests);
    await answerAll(worker, CLIENTS * DEPTH);
    for (const peer of peers) {
      assertEquals(await peer.read(requests.length), requests);
    }
  }
  const each = 1000 / (CLIENTS * DEPTH);
  return {
    writesToWorker: counted.of(fixture.inner.port).writes * each,
    writesToClients: counted.of(fixture.outer.port).writes * each,
    copied: counted.copied * each,
  };
}

// Makes a task that stands there the ASK that acknowledges it, after 10 µs of work.
function toAsk(view: DataView, at: number): void {
  view.setInt16(at + TaskOffset.flags, TaskFlag.EXPLICIT_ACK);
  view.setInt32(at + TaskOffset.packetLen, TaskOffset.body);
  view.setInt32(at + TaskOffset.cmd, TaskCmd.WORKER_ASK_FOR_TASK);
  view.setBigInt64(at + TaskOffset.custom, 10n);
}

// Answers and acknowledges so many tasks: all that have come with one write. It copies byte by
// byte, which is not counted.
async function answerAll(worker: PlainPeer, count: number): Promise<void> {
  const bytes = new Uint8Array(count * TASK_BYTES);
  const both = TASK_BYTES + TaskOffset.body;
  const out = new Uint8Array(count * both);
  const view = new DataView(out.buffer);
  let filled = 0;
  for (let done = 0; done < count;) {
    filled += await worker.readSome(bytes.subarray(filled));
    const start = done * both;
    for (; (done + 1) * TASK_BYTES <= filled; done++) {
      const at = done * both;
      for (let i = 0; i < both; i++) {
        const from = i < TASK_BYTES ? i : i - TASK_BYTES;
        out[at + i] = bytes[done * TASK_BYTES + from]!;
      }
      view.setInt32(at + TaskOffset.cmd, TaskCmd.WRITE_TO_CLIENT);
      toAsk(view, at + TASK_BYTES);
    }
    await worker.send(out.subarray(start, done * both));
  }
}

Deno.test("Gateway sends 10 messages to each of 100 users in one write for each user", async () => {
  const users = 100;
  const rows = MESSAGES / users;
  await using fixture = await GatewayFixture.start();
  using worker = await PlainPeer.connect(fixture.inner);
  await using clients = new AsyncDisposableStack();
  const peers: PlainPeer[] = [];
  for (let i = 0; i < users; i++) {
    const peer = await PlainPeer.connect(fixture.outer);
    peers.push(clients.use(peer));
  }
  await worker.ask(users);
  const created = await worker.read(users * TaskOffset.body);
  const view = new DataView(created.buffer);
  for (let i = 0; i < users; i++) {
    const at = i * TaskOffset.body;
    view.setInt32(at + TaskOffset.cmd, TaskCmd.LOGIN_CLIENT);
    view.setBigInt64(at + TaskOffset.uid, BigInt(i + 1));
  }
  await worker.send(created);
  await fixture.until((stats) => stats.users === users);
  const message = writeToUsersTask(
    Box,
    Array.from({ length: rows }, () => [[-1], FRAME] as const),
  ).pack();
  using counted = await CountedWrites.start();
  await worker.send(message);
  for (const peer of peers) await peer.read(rows * FRAME_BYTES);
  assertEquals(counted.of(fixture.outer.port), {
    writes: users,
    bytes: MESSAGES * FRAME_BYTES,
  });
  // Each message is copied once for each of its users, and 256 bytes when the fifth does not fit
  // the first buffer.
  assertWithin(
    counted.copied,
    MESSAGES * FRAME_BYTES + users * 256,
    "bytes copied for the users",
  );
});
