import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { BoxError, type ByteWriter, Outbox } from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { bounded, joined, turns, utf8 } from "./support.ts";

/**
 * Keeps what it is given; each write takes as many bytes as `most` says, when `release` lets it.
 */
class FakeWriter implements ByteWriter {
  readonly writes: Uint8Array[] = [];
  most = Infinity;
  slow = false;
  failure: Error | undefined;
  #release: (() => void) | undefined;

  async write(bytes: Uint8Array): Promise<number> {
    if (this.failure) throw this.failure;
    const taken = bytes.slice(0, this.most);
    this.writes.push(taken);
    if (this.slow) {
      await new Promise<void>((resolve) => this.#release = resolve);
      // The bytes must not change while they are being written.
      assertEquals(bytes.slice(0, this.most), taken);
      if (this.failure) throw this.failure;
    }
    return taken.length;
  }

  /** Ends the write that is under way. */
  async release(): Promise<void> {
    this.#release?.();
    await turns(1);
  }

  get text(): string {
    return new TextDecoder().decode(joined(this.writes));
  }
}

Deno.test("Outbox.push() makes one write of what one turn pushes", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer);
  for (const text of ["one ", "two ", "three"]) {
    assert(outbox.push(utf8(text)));
  }
  assertEquals(writer.writes.length, 0);
  assertEquals(outbox.pendingBytes, 13);
  await bounded(outbox.drained());
  assertEquals(writer.text, "one two three");
  assertEquals(writer.writes.length, 1);
  assertEquals(outbox.pendingBytes, 0);

  outbox.push(utf8("."));
  await bounded(outbox.drained());
  assertEquals(writer.writes.length, 2);
});

Deno.test("Outbox.push() copies the bytes", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer);
  const bytes = utf8("kept");
  outbox.push(bytes);
  bytes.fill(0);
  await bounded(outbox.drained());
  assertEquals(writer.text, "kept");
});

Deno.test("Outbox writes what is pushed during a write together, afterwards", async () => {
  const writer = new FakeWriter();
  writer.slow = true;
  const outbox = new Outbox(writer);
  outbox.push(utf8("first"));
  await turns();
  outbox.push(utf8("second "));
  await turns();
  outbox.push(utf8("third"));
  await turns();
  assertEquals(writer.text, "first");
  assertEquals(outbox.pendingBytes, 17);
  await writer.release();
  assertEquals(writer.writes.length, 2);
  assertEquals(writer.text, "firstsecond third");
  assertEquals(outbox.pendingBytes, 12);
  const drained = outbox.drained();
  await writer.release();
  await bounded(drained);
});

Deno.test("Outbox goes on where a partial write stopped", async () => {
  const writer = new FakeWriter();
  writer.most = 3;
  const outbox = new Outbox(writer);
  outbox.push(utf8("abcdefgh"));
  await bounded(outbox.drained());
  assertEquals(writer.writes.map((bytes) => bytes.length), [3, 3, 2]);
  assertEquals(writer.text, "abcdefgh");
});

Deno.test("Outbox counts the bytes of a partial write as written", async () => {
  const writer = new FakeWriter();
  writer.most = 3;
  writer.slow = true;
  const outbox = new Outbox(writer, { maxBytes: 10 });
  outbox.push(utf8("0123456789"));
  await turns();
  assertStrictEquals(outbox.push(utf8("abc")), false);
  await writer.release();
  assertEquals(outbox.pendingBytes, 7);
  assert(outbox.push(utf8("abc")));
  const drained = outbox.drained();
  while (outbox.pendingBytes > 0) await writer.release();
  await bounded(drained);
  assertEquals(writer.text, "0123456789abc");
});

Deno.test("Outbox.push() gives false above the limit and queues nothing", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer, { maxBytes: 10 });
  assertStrictEquals(outbox.push(new Uint8Array(11)), false);
  assertEquals(outbox.pendingBytes, 0);
  assert(outbox.push(utf8("0123456789")));
  assertStrictEquals(outbox.push(utf8("x")), false);
  assertStrictEquals(outbox.reserve(1), -1);
  assertEquals(outbox.pendingBytes, 10);
  await bounded(outbox.drained());
  assertEquals(writer.text, "0123456789");
  assert(outbox.push(utf8("room again")));
  await bounded(outbox.drained());
});

Deno.test("Outbox.push() takes what is long while nothing waits, and as much as ever behind it", async () => {
  const writer = new FakeWriter();
  writer.slow = true;
  const outbox = new Outbox(writer, { maxBytes: 10, maxLoneBytes: 100 });
  assertEquals(outbox.push(new Uint8Array(101)), false);
  assert(outbox.push(utf8("x")));
  assertEquals(outbox.push(new Uint8Array(100)), false);
  await turns(1);
  await writer.release();
  assertEquals(outbox.pendingBytes, 0);
  // Partly written it is as long as ever for what comes behind it.
  writer.most = 60;
  assert(outbox.push(new Uint8Array(100)));
  await turns(1);
  assert(outbox.push(new Uint8Array(10)));
  assertEquals(outbox.push(utf8("x")), false);
  for (let i = 0; i < 3; i++) await writer.release();
  await bounded(outbox.drained());
  // All is written: the usual limit holds again.
  assert(outbox.push(new Uint8Array(10)));
  await turns(1);
  assertEquals(outbox.push(utf8("x")), false);
  await writer.release();
});

Deno.test("Outbox.push() takes much at once while nothing waits, as it takes what is long", async () => {
  const writer = new FakeWriter();
  writer.slow = true;
  const outbox = new Outbox(writer, { maxBytes: 10, maxLoneBytes: 100 });
  for (let i = 0; i < 4; i++) assert(outbox.push(new Uint8Array(25)));
  assert(outbox.push(new Uint8Array(10)));
  assertEquals(outbox.push(utf8("x")), false);
  await turns(1);
  assertEquals(outbox.push(utf8("x")), false);
  await writer.release();
  await bounded(outbox.drained());
  assertEquals(writer.writes.length, 1);
});

Deno.test("Outbox.push() takes more from time to time while the other side takes what is written", async () => {
  const writer = new FakeWriter();
  writer.slow = true;
  writer.most = 4;
  const outbox = new Outbox(writer, { maxBytes: 10, maxLoneBytes: 30 });
  assert(outbox.push(new Uint8Array(8)));
  await turns(1);
  // Nothing is taken yet.
  assertEquals(outbox.push(new Uint8Array(10)), false);
  await writer.release();
  assert(outbox.push(new Uint8Array(10)));
  assert(outbox.push(new Uint8Array(10)));
  assertEquals([outbox.pendingBytes, outbox.push(utf8("x"))], [24, false]);
  await writer.release();
  // Beyond the most it is too much, however well it reads.
  assertEquals(outbox.push(new Uint8Array(11)), false);
  assert(outbox.push(new Uint8Array(10)));
  outbox.close();
  await writer.release();
});

Deno.test("Outbox.end() takes nothing that is long either", () => {
  const outbox = new Outbox(new FakeWriter(), { maxBytes: 1, maxLoneBytes: 9 });
  outbox.end();
  for (const bytes of [0, 1, 9]) {
    assertEquals(outbox.push(new Uint8Array(bytes)), false);
  }
});

Deno.test("Outbox.reserve() gives room to write in place", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer);
  outbox.push(utf8("<"));
  for (let i = 0; i < 3000; i++) {
    const at = outbox.reserve(2);
    outbox.buffer[at] = 65 + i % 26;
    outbox.buffer[at + 1] = 97 + i % 26;
  }
  outbox.push(utf8(">"));
  await bounded(outbox.drained());
  const expected = Array.from(
    { length: 3000 },
    (_, i) => String.fromCharCode(65 + i % 26, 97 + i % 26),
  );
  assertEquals(writer.text, `<${expected.join("")}>`);
  assertEquals(writer.writes.length, 1);
});

Deno.test("Outbox.push() takes no bytes without a write", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer);
  assert(outbox.push(new Uint8Array(0)));
  await bounded(outbox.drained());
  await turns();
  assertEquals(writer.writes.length, 0);
  outbox.push(utf8("after"));
  await bounded(outbox.drained());
  assertEquals(writer.text, "after");
});

for (
  const [how, fail] of [
    ["rejects", () => Promise.reject(new Error("no wire"))],
    ["throws", () => {
      throw new Error("no wire");
    }],
  ] as const
) {
  Deno.test(`Outbox tells onError once when a write ${how}`, async () => {
    const errors: unknown[] = [];
    const outbox = new Outbox({ write: fail }, {
      onError: (error) => errors.push(error),
    });
    const other = new FakeWriter();
    const healthy = new Outbox(other);
    outbox.push(utf8("lost"));
    healthy.push(utf8("not lost"));
    await bounded(outbox.drained());
    assertEquals(errors.map((error) => (error as Error).message), ["no wire"]);
    assertStrictEquals(outbox.push(utf8("more")), false);
    assertEquals(outbox.pendingBytes, 0);
    await bounded(healthy.drained());
    assertEquals(other.text, "not lost");
    await turns();
    assertEquals(errors.length, 1);
  });
}

Deno.test("Outbox drops what waits when the write before it fails", async () => {
  const writer = new FakeWriter();
  writer.slow = true;
  const errors: unknown[] = [];
  const outbox = new Outbox(writer, { onError: (error) => errors.push(error) });
  outbox.push(utf8("first"));
  await turns();
  outbox.push(utf8("second"));
  const drained = outbox.drained();
  writer.failure = new Error("reset by peer");
  await writer.release();
  await bounded(drained);
  assertEquals(errors, [writer.failure]);
  assertEquals(outbox.pendingBytes, 0);
  assertEquals(writer.text, "first");
});

Deno.test("Outbox treats a write that takes no byte as failed", async () => {
  const errors: unknown[] = [];
  const outbox = new Outbox({ write: () => Promise.resolve(0) }, {
    onError: (error) => errors.push(error),
  });
  outbox.push(utf8("x"));
  await bounded(outbox.drained());
  assertEquals(errors.length, 1);
});

Deno.test("Outbox.close() drops what waits and takes nothing more", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer);
  outbox.push(utf8("dropped"));
  const drained = outbox.drained();
  outbox.close();
  outbox.close();
  await bounded(drained);
  assertStrictEquals(outbox.push(utf8("x")), false);
  assertStrictEquals(outbox.reserve(0), -1);
  await turns();
  assertEquals(writer.writes.length, 0);
  assertEquals(outbox.pendingBytes, 0);
  await bounded(outbox.drained());
});

Deno.test("Outbox.close() during a write ends with that write, and calls no onError", async () => {
  for (const failure of [undefined, new Error("closed under the write")]) {
    const writer = new FakeWriter();
    writer.slow = true;
    writer.most = 2;
    const outbox = new Outbox(writer, { onError: () => assert(false) });
    outbox.push(utf8("first"));
    await turns();
    outbox.push(utf8("second"));
    const drained = outbox.drained();
    outbox.close();
    await bounded(drained);
    writer.failure = failure;
    await writer.release();
    assertEquals(writer.text, "fi");
    assertEquals(outbox.pendingBytes, 0);
  }
});

Deno.test("Outbox.end() takes nothing more and writes what waits", async () => {
  const writer = new FakeWriter();
  writer.slow = true;
  const outbox = new Outbox(writer);
  outbox.push(utf8("first "));
  await turns();
  outbox.push(utf8("last"));
  outbox.end();
  assertStrictEquals(outbox.push(utf8("too late")), false);
  const drained = outbox.drained();
  await writer.release();
  await writer.release();
  await bounded(drained);
  assertEquals(writer.text, "first last");
});

Deno.test("Outbox.drained() resolves at once while nothing waits", async () => {
  const outbox = new Outbox(new FakeWriter());
  await bounded(outbox.drained());
});

Deno.test("Outbox.drained() answers everybody who waits", async () => {
  const writer = new FakeWriter();
  const outbox = new Outbox(writer);
  outbox.push(utf8("x"));
  await bounded(Promise.all([outbox.drained(), outbox.drained()]));
});

Deno.test("Outbox holds no memory while nothing waits", async () => {
  const outbox = new Outbox(new FakeWriter());
  assertEquals(outbox.buffer.length, 0);
  outbox.push(new Uint8Array(1_000_000));
  assertNotEquals(outbox.buffer.length, 0);
  await bounded(outbox.drained());
  assertEquals(outbox.buffer.length, 0);
});

Deno.test("Outbox refuses a limit that is no positive integer", () => {
  for (const maxBytes of [0, -1, 0.5, NaN, Infinity]) {
    const error = assertThrows(
      () => new Outbox(new FakeWriter(), { maxBytes }),
      BoxError,
      `positive integer, got ${maxBytes}`,
    );
    assertEquals(error.code, "option");
  }
});

propertyTest(
  "Outbox keeps the order of all that is pushed to many of them",
  async (random) => {
    const boxes = Array.from({ length: 20 }, () => {
      const writer = new FakeWriter();
      writer.most = random.pick([1000, 20_000, Infinity]);
      writer.slow = random.next() < 0.5;
      const outbox = new Outbox(writer);
      return { writer, outbox, pushed: [] as Uint8Array[] };
    });
    for (let round = 0; round < 100; round++) {
      for (const { writer, outbox, pushed } of boxes) {
        const act = random.next();
        if (act < 0.6) {
          const bytes = random.bytes(random.pick([0, 1, 50, 3000, 20_000]));
          assert(outbox.push(bytes));
          pushed.push(bytes);
        } else if (act < 0.7) writer.release();
      }
      if (random.next() < 0.5) await turns(1);
    }
    for (const { writer, outbox, pushed } of boxes) {
      while (outbox.pendingBytes > 0) await writer.release();
      await bounded(outbox.drained());
      const expected = joined(pushed);
      const written = joined(writer.writes);
      assertEquals(written.length, expected.length);
      assert(written.every((byte, i) => byte === expected[i]));
    }
  },
);
