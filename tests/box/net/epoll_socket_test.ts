import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Box } from "@maple/box";
import {
  type ByteSink,
  type CloseCause,
  EpollSocket,
  Errno,
  FrameSocket,
  Poll,
} from "@maple/box/internal";
import { bounded, joined } from "../support.ts";
import { ForgedSystem } from "./forged_system.ts";

const RESET = 104;
const PIPE = 32;
const FROM = { transport: "tcp", hostname: "10.0.0.1", port: 80 } as const;
const BYTES = new Uint8Array([1, 2, 3]);

/** Takes bytes, and waits where the test says so. */
class Sink implements ByteSink {
  readonly got: Uint8Array[] = [];
  readonly ends: unknown[] = [];
  wait: Promise<void> | undefined;
  room: Uint8Array = new Uint8Array(16);
  onFilled: () => void = () => {};

  next(): Promise<void> | undefined {
    return this.wait;
  }

  space(): Uint8Array {
    return this.room;
  }

  filled(count: number): void {
    this.got.push(this.room.slice(0, count));
    this.onFilled();
  }

  ended(error?: unknown): Promise<void> {
    this.ends.push(error);
    return Promise.resolve();
  }
}

function start(): {
  system: ForgedSystem;
  socket: EpollSocket;
  sink: Sink;
  running: Promise<void>;
} {
  const system = new ForgedSystem();
  const socket = new EpollSocket(system.loop, 5, FROM);
  const sink = new Sink();
  return { system, socket, sink, running: socket.run(sink) };
}

async function finish(
  { system, socket, running }: ReturnType<typeof start>,
): Promise<void> {
  socket.close();
  await bounded(running);
  assertStrictEquals(system.asked.has(5), false);
  assert(system.closed.includes(5));
  await bounded(system.loop.close());
}

Deno.test("EpollSocket gives the sink what comes, and the end", async () => {
  const all = start();
  const { system, sink, running } = all;
  system.toRead.set(5, [BYTES, BYTES, 0]);
  await system.tell(system.now(5, Poll.in));
  assertEquals(sink.got, [BYTES]);
  await system.tell(system.now(5, Poll.in | Poll.hangUp));
  assertEquals(sink.got, [BYTES, BYTES], "what came before a hang-up is read");
  assertEquals(sink.ends, []);
  await system.tell(system.now(5, Poll.in | Poll.hangUp));
  await bounded(running);
  assertEquals(sink.ends, [undefined]);
  assertStrictEquals(system.asked.has(5), false, "its end is not told forever");
  await finish(all);
});

Deno.test("EpollSocket that is registered is read from when it runs, and not before", async () => {
  const system = new ForgedSystem();
  const socket = new EpollSocket(system.loop, 5, FROM);
  const sink = new Sink();
  socket.register();
  assertStrictEquals(system.asked.has(5), true);
  system.toRead.set(5, [BYTES, 0]);
  await system.tell(system.now(5, Poll.in));
  assertStrictEquals(system.asked.has(5), false, "it is not told again");
  assertEquals(system.toRead.get(5), [BYTES, 0]);
  const all = { system, socket, sink, running: socket.run(sink) };
  assertEquals(sink.got, []);
  await system.tell(system.now(5, Poll.in));
  assertEquals(sink.got, [BYTES]);
  await finish(all);
});

Deno.test("EpollSocket that is registered and does not run is not told of the loop's end", async () => {
  const system = new ForgedSystem();
  const socket = new EpollSocket(system.loop, 5, FROM);
  socket.register();
  await bounded(system.loop.close());
  assertStrictEquals(socket.sink, undefined);
  socket.release();
  assert(system.closed.includes(5));
});

Deno.test("EpollSocket reads nothing where an event is late, or no event of its own", async () => {
  const all = start();
  const { system, sink } = all;
  await system.tell(system.now(5, Poll.in));
  await system.tell(system.now(5, Poll.error));
  await system.tell(system.now(5, Poll.out));
  await system.tell(system.now(5, 0));
  assertEquals([sink.got, sink.ends], [[], []]);
  system.toRead.set(5, [BYTES]);
  await system.tell(system.now(5, Poll.out));
  assertEquals(sink.got, [], "it was not said to be ready for reading");
  await system.tell(system.now(5, Poll.in | Poll.out));
  assertEquals(sink.got, [BYTES]);
  await finish(all);
});

Deno.test("EpollSocket tells the sink why it is broken, also where only an error is told", async () => {
  const all = start();
  const { system, sink, running } = all;
  system.toRead.set(5, [RESET]);
  await system.tell(system.now(5, Poll.error));
  await bounded(running);
  assertEquals(sink.ends.map(String), [`Error: error ${RESET}`]);
  await finish(all);
});

Deno.test("EpollSocket is not looked after while the sink waits, not even for errors", async () => {
  const all = start();
  const { system, sink } = all;
  const gate = Promise.withResolvers<void>();
  sink.onFilled = () => sink.wait = gate.promise;
  system.toRead.set(5, [BYTES, RESET]);
  const before = system.now(5, Poll.in);
  await system.tell(before);
  assertStrictEquals(system.asked.has(5), false);
  await system.tell({ ...before, events: Poll.error | Poll.hangUp });
  assertEquals([sink.got, sink.ends], [[BYTES], []]);
  sink.wait = undefined;
  gate.resolve();
  await gate.promise;
  await system.tell(system.now(5, Poll.error | Poll.hangUp));
  assertStrictEquals(sink.ends.length, 1);
  await finish(all);
});

Deno.test("EpollSocket that is closed while the sink waits ends it after that", async () => {
  const all = start();
  const { system, sink, socket, running } = all;
  const gate = Promise.withResolvers<void>();
  sink.onFilled = () => sink.wait = gate.promise;
  system.toRead.set(5, [BYTES]);
  await system.tell(system.now(5, Poll.in));
  socket.close();
  await system.tell();
  assertEquals(sink.ends, []);
  gate.resolve();
  await bounded(running);
  assertEquals(sink.ends, [undefined]);
  await finish(all);
});

Deno.test("EpollSocket that is closed in the middle of its bytes tells the end after them", async () => {
  const all = start();
  const { system, sink, socket, running } = all;
  sink.onFilled = () => {
    socket.close();
    assertEquals(sink.ends, []);
  };
  system.toRead.set(5, [BYTES, BYTES]);
  await system.tell(system.now(5, Poll.in), system.now(5, Poll.in));
  await bounded(running);
  assertEquals([sink.got, sink.ends], [[BYTES], [undefined]]);
  await finish(all);
});

Deno.test("EpollSocket writes at once, and goes on when the other side has read", async () => {
  const all = start();
  const { system, socket } = all;
  assertStrictEquals(socket.write(BYTES), 3);
  system.toWrite.set(5, [2, -Errno.again, -Errno.again, 1]);
  assertStrictEquals(socket.write(BYTES), 2);
  const rest = socket.write(BYTES.subarray(2));
  assert(rest instanceof Promise);
  assertThrows(() => socket.write(BYTES), Error, "a write is under way");
  assertStrictEquals(system.asked.get(5)!.events, Poll.in | Poll.out);
  await system.tell(system.now(5, Poll.in));
  assertStrictEquals(system.written.length, 2, "it is not ready for writing");
  await system.tell(system.now(5, Poll.out));
  assertStrictEquals(system.written.length, 2, "it was not, after all");
  await system.tell(system.now(5, Poll.out));
  assertStrictEquals(await bounded(rest), 1);
  assertStrictEquals(system.asked.get(5)!.events, Poll.in);
  assertEquals(
    joined(system.written.map(({ bytes }) => bytes)),
    joined([
      BYTES,
      BYTES,
    ]),
  );
  await finish(all);
});

Deno.test("EpollSocket says why a write has failed", async () => {
  const all = start();
  const { system, socket } = all;
  system.toWrite.set(5, [-PIPE, -Errno.again, -PIPE, -Errno.again]);
  assertThrows(() => socket.write(BYTES), Error, `error ${PIPE}`);
  const broken = socket.write(BYTES) as Promise<number>;
  const failed = assertRejects(() => broken, Error, `error ${PIPE}`);
  await system.tell(system.now(5, Poll.error));
  await bounded(failed);
  const closed = socket.write(BYTES) as Promise<number>;
  socket.close();
  await bounded(assertRejects(() => closed, Deno.errors.BadResource));
  assertThrows(() => socket.write(BYTES), Deno.errors.BadResource);
  await assertRejects(() => socket.closeWrite(), Deno.errors.BadResource);
  await finish(all);
});

Deno.test("EpollSocket is broken where the sink has no room, or fails", async () => {
  for (
    const spoil of [
      (sink: Sink) => sink.room = undefined as unknown as Uint8Array,
      (sink: Sink) =>
        sink.onFilled = () => {
          throw new Error("a fault");
        },
    ]
  ) {
    const all = start();
    const { system, sink, running } = all;
    spoil(sink);
    system.toRead.set(5, [BYTES]);
    await system.tell(system.now(5, Poll.in));
    await bounded(running);
    assertStrictEquals(sink.ends.length, 1);
    assert(sink.ends[0] instanceof Error);
    await finish(all);
  }
});

Deno.test("EpollSocket is broken where the system cannot look after it", async () => {
  const system = new ForgedSystem();
  const socket = new EpollSocket(system.loop, 5, FROM);
  const sink = new Sink();
  system.controlError = 28;
  const running = socket.run(sink);
  await bounded(running);
  assertEquals(sink.ends.map(String), ["Error: error 28"]);
  system.controlError = 0;
  await finish({ system, socket, sink, running });
});

Deno.test("FrameSocket on an EpollSocket that handles frames may be destroyed in the middle of one", async () => {
  const system = new ForgedSystem();
  const socket = new FrameSocket(new EpollSocket(system.loop, 5, FROM), {
    framing: Box,
  });
  const frame = new Box({ cmd: 7, body: "hello" }).pack();
  const seen: unknown[] = [];
  const causes: CloseCause[] = [];
  const running = socket.run({
    onFrame: (bytes) => {
      socket.destroy();
      seen.push(bytes.slice());
    },
    onClose: (cause) => void causes.push(cause),
  });
  system.toRead.set(5, [joined([frame, frame])]);
  await system.tell(system.now(5, Poll.in), system.now(5, Poll.in));
  await bounded(running);
  assertEquals(seen, [frame]);
  assertStrictEquals(causes.length, 1);
  await bounded(system.loop.close());
});
