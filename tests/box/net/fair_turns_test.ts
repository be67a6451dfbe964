import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Box } from "@maple/box";
import { acceptAll, DenoConn, FrameSocket, SILENT } from "@maple/box/internal";
import {
  afterOthers,
  enterFairTurns,
  leaveFairTurns,
  turnToRead,
} from "../../../box/net/fair_turns.ts";
import {
  bounded,
  fakeListener,
  Loopback,
  readBytes,
  turns,
  writeAll,
} from "../support.ts";

/** Takes part with so many read loops while the body runs. */
async function withLoops(count: number, body: () => Promise<void>) {
  for (let i = 0; i < count; i++) enterFairTurns();
  try {
    await body();
  } finally {
    for (let i = 0; i < count; i++) leaveFairTurns();
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
    const socket = new FrameSocket(new DenoConn(near), { framing: Box });
    return socket.run({
      onFrame: (bytes) => void socket.send(bytes),
      onClose() {},
    });
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

const MANY = 600;
const SOME = 100;

function openMany(): Promise<Loopback[]> {
  return Promise.all(Array.from({ length: MANY }, () => Loopback.open()));
}

/**
 * A connection that is served; `asked` resolves when its question has come, with what `when` gives
 * then.
 */
async function openServed<T>(when: () => T) {
  const { near, far } = await Loopback.open();
  const asked = Promise.withResolvers<T>();
  const running = new FrameSocket(new DenoConn(near), { framing: Box }).run({
    onFrame: () => asked.resolve(when()),
    onClose() {},
  });
  return {
    ask: () => writeAll(far, new Box().pack()),
    asked: asked.promise,
    async close() {
      far.close();
      await running;
    },
  };
}

Deno.test("acceptAll() lets others have their turn while very many connections come", async () => {
  const opened = await openMany();
  const waiting = opened.map(({ near }) => near);
  const running: Promise<void>[] = [];
  const served = await openServed(() => running.length);
  const listener = fakeListener(() => {
    const conn = waiting.pop();
    return conn
      ? Promise.resolve(conn)
      : Promise.reject(new Deno.errors.BadResource());
  });
  const accepting = acceptAll(listener, SILENT, (conn) => {
    const handler = { onFrame() {}, onClose() {} };
    running.push(
      new FrameSocket(new DenoConn(conn), { framing: Box }).run(handler),
    );
    if (running.length === SOME) served.ask();
  });
  await bounded(accepting);
  const at = await bounded(served.asked);
  assert(at < MANY / 2, `served after ${at} of ${MANY}`);
  for (const { far } of opened) far.close();
  await served.close();
  await bounded(Promise.all(running));
});

Deno.test("acceptAll() lets others have their turn while very many connections come that are refused", async () => {
  const opened = await openMany();
  const waiting = opened.map(({ near }) => near);
  let refused = 0;
  const served = await openServed(() => refused);
  const listener = fakeListener(() => {
    const conn = waiting.pop();
    return conn
      ? Promise.resolve(conn)
      : Promise.reject(new Deno.errors.BadResource());
  });
  const accepting = acceptAll(listener, SILENT, (conn) => {
    conn.close();
    if (++refused === SOME) served.ask();
  });
  await bounded(accepting);
  const at = await bounded(served.asked);
  assert(at < MANY / 2, `served after ${at} of ${MANY}`);
  for (const { far } of opened) far.close();
  await served.close();
});

Deno.test("FrameSocket lets others have their turn while very many connections end", async () => {
  let closed = 0;
  const served = await openServed(() => closed);
  const opened = await openMany();
  const handler = {
    onFrame() {},
    onClose() {
      if (++closed === SOME) served.ask();
    },
  };
  const running = opened.map(({ near }) =>
    new FrameSocket(new DenoConn(near), { framing: Box }).run(handler)
  );
  for (const { far } of opened) far.close();
  const at = await bounded(served.asked);
  assert(at < MANY / 2, `served after ${at} of ${MANY}`);
  await bounded(Promise.all(running));
  assertEquals(closed, MANY);
  await served.close();
});

for (const loops of [0, 100]) {
  Deno.test(`afterOthers() lets a connection that has data have its turn, with ${loops} read loops`, async () => {
    using loopback = await Loopback.open();
    await withLoops(loops, async () => {
      const read = loopback.near.read(new Uint8Array(10));
      let isRead = false;
      read.then(() => isRead = true);
      await loopback.far.write(Uint8Array.of(1));
      // A part of something that never waits for anything else.
      for (let parts = 0; !isRead; parts++) {
        assert(parts < 1000, "nobody else has a turn");
        await bounded(new Promise<void>((resolve) => afterOthers(resolve)));
      }
      await read;
      // Several at a time share a look.
      await bounded(Promise.all(
        [1, 2, 3].map(() =>
          new Promise<void>((resolve) => afterOthers(resolve))
        ),
      ));
    });
    await turns();
  });
}

Deno.test("afterOthers() of several at the same moment leaves no connection open", async () => {
  await withLoops(64, async () => {
    await bounded(Promise.all(
      [1, 2, 3].map(() => new Promise<void>((resolve) => afterOthers(resolve))),
    ));
  });
  // The test's sanitizers see to the rest.
  await turns();
});
