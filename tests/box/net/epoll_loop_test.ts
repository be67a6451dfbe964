import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type EpollLoop, Errno, Poll, Watched } from "@maple/box/internal";
import { bounded } from "../support.ts";
import { ForgedSystem } from "./forged_system.ts";

/** Notes what it is told. */
class Note extends Watched {
  readonly told: number[] = [];
  ended: Error | undefined;
  then: () => void = () => {};

  constructor(loop: EpollLoop, descriptor: number, events: number = Poll.in) {
    super(loop, descriptor);
    loop.ask(this, events);
  }

  onReady(events: number): void {
    this.told.push(events);
    this.then();
  }

  onLoopEnd(error: Error): void {
    this.ended = error;
    this.release();
  }
}

Deno.test("EpollLoop tells of a descriptor to whoever has it", async () => {
  const system = new ForgedSystem();
  const one = new Note(system.loop, 5);
  const two = new Note(system.loop, 6);
  await system.tell(system.now(6, Poll.in), system.now(5, Poll.out));
  assertEquals([one.told, two.told], [[Poll.out], [Poll.in]]);
  await bounded(system.loop.close());
  assertEquals(one.ended?.message, "The event loop has ended");
  assertEquals(system.closed.toSorted(), [1000, 1001, 5, 6]);
});

Deno.test("EpollLoop tells nobody of a descriptor that nobody has", async () => {
  const system = new ForgedSystem();
  const one = new Note(system.loop, 5);
  await system.tell(
    { descriptor: 7, events: Poll.in, generation: 1 },
    { descriptor: 4_000_000_000, events: Poll.in, generation: 1 },
    { descriptor: 5, events: Poll.in, generation: 77 },
  );
  assertEquals(one.told, []);
  assertStrictEquals(system.loop.lateEvents, 3);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop tells nobody of what a batch still has of a descriptor that the same batch has closed and given to another", async () => {
  const system = new ForgedSystem();
  const first = new Note(system.loop, 5);
  const old = new Note(system.loop, 6);
  let heir: Note | undefined;
  first.then = () => {
    old.release();
    system.closed.length = 0;
    heir = new Note(system.loop, 6);
  };
  await system.tell(system.now(5, Poll.in), system.now(6, Poll.in));
  assertEquals([old.told, heir!.told], [[], []]);
  assertStrictEquals(system.loop.lateEvents, 1);
  await system.tell(system.now(6, Poll.in));
  assertEquals([old.told, heir!.told], [[], [Poll.in]]);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop takes a late event from before a descriptor was left alone for none", async () => {
  const system = new ForgedSystem();
  const one = new Note(system.loop, 5);
  const late = system.now(5, Poll.in);
  system.loop.ask(one, 0);
  assertStrictEquals(system.asked.has(5), false);
  system.loop.ask(one, Poll.in);
  await system.tell(late);
  assertEquals(one.told, []);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop goes on when a wait was interrupted", async () => {
  const system = new ForgedSystem();
  const one = new Note(system.loop, 5);
  system.waitError = Errno.interrupted;
  await new Promise((resolve) => setTimeout(resolve, 10));
  system.waitError = 0;
  await system.tell(system.now(5, Poll.in));
  assertEquals(one.told, [Poll.in]);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop tells all when it cannot go on", async () => {
  const system = new ForgedSystem();
  const one = new Note(system.loop, 5);
  system.waitError = Errno.badDescriptor;
  await system.fail();
  assertEquals(one.ended?.message, "The event loop has failed: error 9");
  assertThrows(
    () => new Note(system.loop, 6),
    Error,
    "The event loop has ended",
  );
});

Deno.test("EpollLoop says where the system cannot look after one more", async () => {
  const system = new ForgedSystem();
  system.controlError = 28;
  assertThrows(() => new Note(system.loop, 5), Error, "error 28");
  system.controlError = 0;
  await system.tell({ descriptor: 5, events: Poll.in, generation: 1 });
  assertStrictEquals(system.loop.lateEvents, 1);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop lets all others have their turn while there is always something to do", async () => {
  const system = new ForgedSystem();
  const one = new Note(system.loop, 5);
  let timers = 0;
  const timer = setInterval(() => timers++, 1);
  let busy = true;
  const telling = (async () => {
    while (busy) await system.tell(...Array(100).fill(system.now(5, Poll.in)));
  })();
  while (timers < 20) await new Promise((resolve) => setTimeout(resolve, 1));
  busy = false;
  await bounded(telling);
  clearInterval(timer);
  assertStrictEquals(one.told.length % 100, 0);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop serves others while very many leave", async () => {
  const system = new ForgedSystem();
  const order: string[] = [];
  const served = new Note(system.loop, 5);
  served.then = () => order.push("served");
  class Leaver extends Note {
    override onReady(): void {
      this.loop.ask(this, 0);
      this.loop.leave(this);
    }
    override onLeave(): void {
      order.push("left");
      this.release();
    }
  }
  const leavers = Array.from(
    { length: 100 },
    (_, i) => new Leaver(system.loop, 10 + i),
  );
  await system.tell(
    ...leavers.map(({ descriptor }) => system.now(descriptor, Poll.hangUp)),
    system.now(5, Poll.in),
  );
  while (order.length < 101) await system.tell();
  assertStrictEquals(order[0], "served", "it came last, and went first");
  assertStrictEquals(order.length, 101);
  await bounded(system.loop.close());
});

Deno.test("EpollLoop lets all leave when it is closed", async () => {
  const system = new ForgedSystem();
  let left = 0;
  for (let i = 0; i < 50; i++) {
    const one = new Note(system.loop, 10 + i, 0);
    one.onLeave = () => {
      left++;
      one.release();
    };
    system.loop.leave(one);
  }
  await bounded(system.loop.close());
  assertStrictEquals(left, 50);
});

Deno.test("EpollLoop gives the parts of something long a turn each, behind what is ready", async () => {
  const system = new ForgedSystem();
  const { loop } = system;
  const one = new Note(loop, 5);
  const two = new Note(loop, 6);
  const order: string[] = [];
  one.then = () => {
    order.push("one");
    loop.afterOthers(() => {
      order.push("part");
      loop.afterOthers(() => order.push("last part"));
    });
  };
  two.then = () => order.push("two");
  await system.tell(system.now(5, Poll.in), system.now(6, Poll.in));
  assertEquals(order, ["one", "two", "part", "last part"]);
  // Also while a thread waits, since nothing comes.
  for (let turns = 0; turns < 300; turns++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  await bounded(new Promise<void>((resolve) => loop.afterOthers(resolve)));
  await bounded(loop.close());
});
