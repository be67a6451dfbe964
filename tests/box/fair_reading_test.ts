import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Box } from "@maple/box";
import { FrameSocket } from "@maple/box/internal";
import {
  enterFairReading,
  leaveFairReading,
  turnToRead,
} from "../../box/fair_reading.ts";
import { bounded, Loopback, readBytes, turns, writeAll } from "./support.ts";

/** Takes part with so many read loops while the body runs. */
async function withLoops(count: number, body: () => Promise<void>) {
  for (let i = 0; i < count; i++) enterFairReading();
  try {
    await body();
  } finally {
    for (let i = 0; i < count; i++) leaveFairReading();
  }
}

Deno.test("turnToRead() asks for nothing while there are few read loops", async () => {
  await withLoops(63, async () => {
    for (let i = 0; i < 10_000; i++) {
      assertStrictEquals(turnToRead(), undefined);
    }
    await turns(1);
  });
});

Deno.test("turnToRead() makes all read loops wait for the same look now and then", async () => {
  await withLoops(64, async () => {
    for (let looks = 0; looks < 3; looks++) {
      let reads = 0;
      let turn: Promise<void> | undefined;
      while (!(turn = turnToRead())) assert(++reads < 10_000);
      assert(reads > 10, "a look costs too much for each read");
      assertStrictEquals(turnToRead(), turn);
      await bounded(turn);
    }
  });
});

for (const looksBefore of [0, 1]) {
  Deno.test(`turnToRead() may be left during a look, with ${looksBefore} before it`, async () => {
    let turn: Promise<void> | undefined;
    await withLoops(64, async () => {
      for (let looks = 0; looks <= looksBefore; looks++) {
        await turn;
        while (!(turn = turnToRead()));
      }
    });
    await bounded(turn!);
    await turns();
  });
}

Deno.test("turnToRead() lets the loops go on where no look is possible", async () => {
  const { listen } = Deno;
  Object.assign(Deno, {
    listen() {
      throw new Error("Too many open files (os error 24)");
    },
  });
  try {
    await withLoops(64, async () => {
      let turn: Promise<void> | undefined;
      while (!(turn = turnToRead()));
      await bounded(turn);
      assertStrictEquals(turnToRead(), undefined);
    });
  } finally {
    Object.assign(Deno, { listen });
  }
});

Deno.test("FrameSocket serves a hundred connections that always have something to say", async () => {
  const rounds = 50;
  const frame = new Box({ body: "again" }).pack();
  const opened = await Promise.all(
    Array.from({ length: 100 }, () => Loopback.open()),
  );
  const running = opened.map(({ near }) => {
    const socket: FrameSocket = new FrameSocket(near, {
      onFrame: (bytes) => void socket.send(bytes),
      onClose() {},
    }, { framing: Box });
    return socket.run();
  });
  const answers = await Promise.all(opened.map(async ({ far }) => {
    let count = 0;
    for (; count < rounds; count++) {
      await writeAll(far, frame);
      assertEquals(await readBytes(far, frame.length), frame);
    }
    far.close();
    return count;
  }));
  await bounded(Promise.all(running));
  assertEquals(answers, Array(100).fill(rounds));
});
