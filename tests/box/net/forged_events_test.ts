// Every event that a system could tell, at every state of a connection, and many in any order:
// nothing is called on a descriptor that is closed, nobody is told of another's, each ends once.

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type ByteSink,
  EpollListener,
  EpollSocket,
  Errno,
  Poll,
} from "@maple/box/internal";
import { propertyTest, type Random } from "../../helpers/random.ts";
import { bounded } from "../support.ts";
import { type ForgedEvent, ForgedSystem } from "./forged_system.ts";

const FROM = { transport: "tcp", hostname: "10.0.0.1", port: 80 } as const;
const READABLE_HANG_UP = 0x2000;
const PRIORITY = 2;
// IN, PRI, OUT, ERR, HUP, RDHUP.
const KINDS = [1, PRIORITY, 4, 8, 16, READABLE_HANG_UP];
const ALL_EVENTS = Array.from(
  { length: 2 ** KINDS.length },
  (_, mask) => KINDS.reduce((sum, one, i) => sum + (mask >> i & 1) * one, 0),
);
const ERRORS = [
  Errno.again,
  Errno.interrupted,
  Errno.badDescriptor,
  ...[32, 103, 104, 107, 110, 113],
];

/** Takes bytes, and does with its connection what the test says. */
class Sink implements ByteSink {
  readonly room = new Uint8Array(64);
  got = 0;
  ends = 0;
  wait: Promise<void> | undefined;
  then: () => void = () => {};

  next(): Promise<void> | undefined {
    return this.wait;
  }

  space(): Uint8Array {
    return this.room;
  }

  filled(count: number): void {
    this.got += count;
    this.then();
  }

  ended(): Promise<void> {
    this.ends++;
    return Promise.resolve();
  }
}

interface Forged {
  readonly system: ForgedSystem;
  readonly socket: EpollSocket;
  readonly sink: Sink;
  readonly running: Promise<void>;
}

/** What a connection may be at when an event comes. */
const STATES: Record<string, (forged: Forged) => void> = {
  "that reads": () => {},
  "whose sink waits": ({ system, socket, sink }) => {
    sink.wait = new Promise(() => {});
    system.toRead.set(socket.descriptor, [new Uint8Array(1)]);
    socket.onReady(Poll.in);
  },
  "that waits to write": beginToWrite,
  "that waits to write while its sink waits": (forged) => {
    const { system, socket, sink } = forged;
    sink.wait = new Promise(() => {});
    system.toRead.set(socket.descriptor, [new Uint8Array(1)]);
    socket.onReady(Poll.in);
    beginToWrite(forged);
  },
  "that is closed": ({ socket }) => socket.close(),
  "whose other side has left": ({ system, socket }) => {
    system.toRead.set(socket.descriptor, [0]);
    socket.onReady(Poll.in);
  },
  "that is broken": ({ system, socket }) => {
    system.toRead.set(socket.descriptor, [104]);
    socket.onReady(8);
  },
};

function beginToWrite({ system, socket }: Forged): void {
  system.toWrite.set(socket.descriptor, [-Errno.again]);
  Promise.resolve(socket.write(new Uint8Array(9))).catch(() => {});
}

for (const [state, reach] of Object.entries(STATES)) {
  Deno.test(`EpollSocket ${state} bears every event, with every result of the calls that follow`, async () => {
    for (const result of [...ERRORS, 0, new Uint8Array(3)]) {
      const system = new ForgedSystem();
      const number = typeof result === "number" ? -result : result.length;
      const all = ALL_EVENTS.map((events, i) => {
        const descriptor = 10 + i;
        const socket = new EpollSocket(system.loop, descriptor, FROM);
        const sink = new Sink();
        const forged = { system, socket, sink, running: socket.run(sink) };
        reach(forged);
        const asked = system.asked.get(descriptor);
        system.toRead.set(descriptor, [result]);
        system.toWrite.set(descriptor, [number]);
        return {
          ...forged,
          got: sink.got,
          reads: ((asked?.events ?? 0) & Poll.in) > 0,
          generation: asked?.generation ?? socket.generation,
          descriptor,
          events,
        };
      });
      await system.tell(...all);
      for (const { socket, sink, events, got, reads } of all) {
        if (!reads) assertStrictEquals(sink.got, got, `event ${events}`);
        socket.close();
      }
      await bounded(system.loop.close());
      assertEquals(system.misused, []);
      const isHeld = state.includes("sink waits");
      if (!isHeld) await bounded(Promise.all(all.map((one) => one.running)));
      const ends = new Set(all.map(({ sink }) => sink.ends));
      assertEquals([...ends], [isHeld ? 0 : 1]);
    }
  });
}

Deno.test("EpollListener bears every event, with every result of the calls that follow", async () => {
  for (const errno of [...ERRORS, 0]) {
    const system = new ForgedSystem();
    const all = ALL_EVENTS.map((events, i) => {
      const listener = new EpollListener(system.loop, 10 + i, { ...FROM });
      const accepted = listener.accept().catch(() => undefined);
      return { listener, accepted, ...system.now(10 + i, events) };
    });
    for (let i = 0; i < all.length; i++) {
      system.toAccept.push(errno > 0 ? -errno : 500 + i);
    }
    await system.tell(...all);
    for (const { listener, accepted } of all) {
      listener.close();
      (await bounded(accepted))?.close();
    }
    await bounded(system.loop.close());
    assertEquals(system.misused, []);
    assertStrictEquals(
      system.closed.filter((one) => one >= 500 && one < 1000).length,
      errno > 0 ? 0 : all.length,
    );
  }
});

propertyTest(
  "connections bear 15,000 forged events of any kind and for anybody, while they are closed and their descriptors used again",
  async (random) => {
    const system = new ForgedSystem();
    const life = new Lives(system, random);
    for (let i = 0; i < 150; i++) {
      life.change();
      await system.tell(...Array.from({ length: 100 }, () => life.event()));
    }
    await life.end();
    assertEquals(system.misused, []);
    assert(life.born > 100, `${life.born} connections`);
    assert(system.loop.lateEvents > 100);
  },
);

// The events that are forged here tell in the bits that mean nothing whom they are for.
const WHOM_SHIFT = 18;
const WHOM_MASK = 0xfff;

/** Notes where it is told of what is another's. */
class Told extends EpollSocket {
  othersEvents = 0;

  override onReady(events: number): void {
    const whom = events >>> WHOM_SHIFT & WHOM_MASK;
    if (whom !== (this.generation & WHOM_MASK)) this.othersEvents++;
    super.onReady(events & ~(WHOM_MASK << WHOM_SHIFT));
  }
}

/** Connections that come and go, on a few descriptors that are used again. */
class Lives {
  readonly #system: ForgedSystem;
  readonly #random: Random;
  readonly #living = new Map<number, { socket: Told; sink: Sink }>();
  readonly #all: { socket: Told; sink: Sink; running: Promise<void> }[] = [];

  constructor(system: ForgedSystem, random: Random) {
    this.#system = system;
    this.#random = random;
  }

  get born(): number {
    return this.#all.length;
  }

  /** Some come, some are closed, some wait, some write. */
  change(): void {
    const random = this.#random;
    for (let i = 0; i < 5; i++) {
      const descriptor = random.between(3, 20);
      const one = this.#living.get(descriptor);
      if (!one || one.socket.released) this.#bear(descriptor);
      else {
        random.pick([
          () => one.socket.close(),
          () => this.#write(one.socket),
          () => one.socket.closeWrite().catch(() => {}),
          () => this.#hold(one.sink),
          // In the middle of what comes next.
          () => one.sink.then = () => one.socket.close(),
        ])();
      }
    }
  }

  /** An event of one that is there, of one that was, or of nobody. */
  event(): ForgedEvent {
    const random = this.#random;
    const descriptor = random.pick([
      ...[...this.#system.asked.keys()],
      random.between(0, 30),
      random.pick([0, 1000, 1001, 2 ** 31, 2 ** 32 - 1]),
    ]);
    const events = random.next() < 0.5 ? Poll.in : random.pick(ALL_EVENTS);
    const asked = this.#system.asked.get(descriptor)?.generation ?? 0;
    const generation = random.next() < 0.8
      ? asked
      : random.pick([0, asked - 1 >>> 0, asked + 1, random.between(0, 99)]);
    this.#results(descriptor);
    const whom = (generation & WHOM_MASK) << WHOM_SHIFT;
    return { descriptor, events: (events | whom) >>> 0, generation };
  }

  async end(): Promise<void> {
    const { loop } = this.#system;
    await bounded(loop.close());
    for (const { socket, sink } of this.#living.values()) {
      sink.wait = undefined;
      socket.close();
    }
    await bounded(Promise.all(this.#all.map(({ running }) => running)));
    for (const { socket, sink } of this.#all) {
      assertEquals([sink.ends, socket.othersEvents], [1, 0]);
    }
  }

  #bear(descriptor: number): void {
    const { closed } = this.#system;
    // The system gives its number to the next one.
    const at = closed.indexOf(descriptor);
    if (at >= 0) closed.splice(at, 1);
    const socket = new Told(this.#system.loop, descriptor, FROM);
    const sink = new Sink();
    this.#living.set(descriptor, { socket, sink });
    this.#all.push({ socket, sink, running: socket.run(sink) });
  }

  #write(socket: EpollSocket): void {
    this.#results(socket.descriptor);
    try {
      Promise.resolve(socket.write(new Uint8Array(9))).catch(() => {});
    } catch {
      // Broken, or a write is under way.
    }
  }

  #hold(sink: Sink): void {
    sink.wait = new Promise((resolve) =>
      setTimeout(() => {
        sink.wait = undefined;
        resolve();
      }, 1)
    );
  }

  #results(descriptor: number): void {
    const random = this.#random;
    const { toRead, toWrite } = this.#system;
    toRead.set(descriptor, [
      random.next() < 0.8
        ? new Uint8Array(random.between(1, 64))
        : random.pick([...ERRORS, 0]),
    ]);
    toWrite.set(descriptor, [
      random.next() < 0.5 ? random.between(1, 9) : -random.pick(ERRORS),
    ]);
  }
}
