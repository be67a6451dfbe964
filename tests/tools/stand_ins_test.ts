// What this project relies on in the @std packages; it holds for the stand-ins
// of tools/std as for the real ones.

import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import { concat } from "@std/bytes/concat";
import { endsWith } from "@std/bytes/ends-with";
import { equals } from "@std/bytes/equals";
import { indexOfNeedle } from "@std/bytes/index-of-needle";
import { startsWith } from "@std/bytes/starts-with";
import { parseArgs } from "@std/cli/parse-args";
import { BaseHandler } from "@std/log/base-handler";
import { Logger } from "@std/log/logger";
import { FakeTime } from "@std/testing/time";

class Hidden {
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value(): number {
    return this.#value;
  }
}

Deno.test("assertEquals() compares deeply", () => {
  assertEquals({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] });
  assertEquals(0, -0);
  assertEquals(NaN, NaN);
  assertEquals(
    new Uint8Array([9, 1, 2]).subarray(1),
    new Uint8Array([1, 2]),
  );
  assertEquals(new Map([[1, { a: 1 }]]), new Map([[1, { a: 1 }]]));
  assertEquals(new Hidden(1), new Hidden(1));
  const different: [unknown, unknown][] = [
    [{ a: undefined }, {}],
    [1, 1n],
    [1, "1"],
    [new Uint8Array([1]), [1]],
    [new Uint8Array([1]), new Uint8Array([1, 2])],
    [new Set([1]), new Set([2])],
    [new Hidden(1), new Hidden(2)],
    [new Date(1), new Date(2)],
    [/a/, /a/g],
  ];
  for (const [a, b] of different) {
    assertNotEquals(a, b);
    assertThrows(() => assertEquals(a, b), AssertionError);
  }
  assertThrows(() => assertNotEquals([1], [1]), AssertionError);
});

Deno.test("assertEquals() shows the difference and the message", () => {
  const error = assertThrows(
    () => assertEquals({ a: 1, b: "left" }, { a: 1, b: "right" }, "the note"),
    AssertionError,
    "the note",
  );
  assertStringIncludes(error.message, "left");
  assertStringIncludes(error.message, "right");
});

Deno.test("assert functions pass and fail as they should", () => {
  assert(1);
  assertFalse(0);
  assertStrictEquals("a", "a");
  assertExists(0);
  assertInstanceOf(new TypeError("x"), Error);
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
  assertArrayIncludes([{ a: 1 }, { a: 2 }], [{ a: 2 }]);
  assertGreater(2, 1);
  assertGreaterOrEqual(2n, 2n);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  assertObjectMatch({ a: 1, b: { c: [1, 2], d: 3 } }, { b: { c: [1, 2] } });
  const failing: (() => unknown)[] = [
    () => assert(0),
    () => assertFalse(1),
    () => assertStrictEquals({}, {}),
    () => assertExists(null),
    () => assertInstanceOf({}, Error),
    () => assertMatch("abc", /x/),
    () => assertStringIncludes("abc", "x"),
    () => assertArrayIncludes([{ a: 1 }], [{ a: 2 }]),
    () => assertGreater(1, 1),
    () => assertGreaterOrEqual(NaN, 1),
    () => assertLess(1, 1),
    () => assertLessOrEqual(2, 1),
    () => assertObjectMatch({ a: 1 }, { b: 1 }),
    () => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }),
    () => fail("no"),
    () => unreachable(),
  ];
  for (const fn of failing) assertThrows(fn, AssertionError);
});

Deno.test("assertThrows() checks class and message, returns the error", () => {
  const boom = () => {
    throw new RangeError("out of range: 7");
  };
  assertEquals(assertThrows(boom, RangeError, "range: 7").name, "RangeError");
  assertInstanceOf(assertThrows(boom), RangeError);
  assertThrows(() => assertThrows(boom, TypeError), AssertionError);
  assertThrows(() => assertThrows(boom, Error, "other"), AssertionError);
  assertThrows(() => assertThrows(() => 1), AssertionError);
});

Deno.test("assertRejects() checks class and message, resolves to the error", async () => {
  const boom = () => Promise.reject(new RangeError("out of range: 7"));
  const error = await assertRejects(boom, RangeError, "range: 7");
  assertEquals(error.message, "out of range: 7");
  assertInstanceOf(await assertRejects(boom), RangeError);
  const fine = () => Promise.resolve(1);
  await assertRejects(() => assertRejects(fine), AssertionError);
  await assertRejects(() => assertRejects(boom, TypeError), AssertionError);
});

Deno.test("@std/bytes functions look at bytes", () => {
  const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1);
  assertEquals(
    concat([bytes, new Uint8Array([9])]),
    new Uint8Array([1, 2, 3, 9]),
  );
  assert(equals(bytes, new Uint8Array([1, 2, 3])));
  assertFalse(equals(bytes, new Uint8Array([1, 2])));
  assert(startsWith(bytes, new Uint8Array([1, 2])));
  assertFalse(startsWith(bytes, new Uint8Array([1, 2, 3, 4])));
  assert(endsWith(bytes, new Uint8Array([2, 3])));
  assertFalse(endsWith(bytes, new Uint8Array([0, 1, 2, 3])));
  assertEquals(indexOfNeedle(bytes, new Uint8Array([2, 3])), 1);
  assertEquals(indexOfNeedle(bytes, new Uint8Array([1]), 1), -1);
});

Deno.test("parseArgs() reads flags and positionals", () => {
  const args = parseArgs(
    ["a", "--host=h", "--port", "80", "-n", "5", "--debug", "7", "--", "-x"],
    {
      string: ["host", "port"],
      boolean: ["debug", "quiet"],
      alias: { n: "number" },
      default: { level: "INFO" },
    },
  );
  const host: string | undefined = args.host;
  const debug: boolean = args.debug;
  assertEquals([host, args.port, debug], ["h", "80", true]);
  assertEquals([args.quiet, args.n, args.number], [false, 5, 5]);
  assertEquals(args.level, "INFO");
  assertEquals(args._, ["a", 7, "-x"]);
});

Deno.test("parseArgs() collects and keeps what follows --", () => {
  const args = parseArgs(["--uid", "1", "--uid=2", "--", "x"], {
    string: ["uid", "none"],
    collect: ["uid", "none"],
    "--": true,
  });
  assertEquals(args.uid, ["1", "2"]);
  assertEquals(args.none, []);
  assertEquals(args["--"], ["x"]);
});

Deno.test("parseArgs() gives what is not declared to unknown()", () => {
  const seen: unknown[] = [];
  const args = parseArgs(["--foo=1", "bar", "--known", "x"], {
    string: ["known"],
    unknown: (arg, key, value) => {
      seen.push([arg, key, value]);
      return false;
    },
  });
  assertEquals(seen, [["--foo=1", "foo", "1"], ["bar", undefined, undefined]]);
  assertEquals(args, { known: "x", _: [] });
});

class ListHandler extends BaseHandler {
  readonly lines: string[] = [];
  override log(line: string): void {
    this.lines.push(line);
  }
}

Deno.test("Logger gives records of its level to its handlers", () => {
  const all = new ListHandler("DEBUG", {
    formatter: ({ levelName, msg, loggerName, args }) =>
      `${loggerName} ${levelName} ${msg} ${args.length}`,
  });
  const errors = new ListHandler("ERROR");
  const logger = new Logger("box", "INFO", { handlers: [all, errors] });
  logger.debug("no");
  logger.info("one", 1, 2);
  logger.warn(() => "two");
  logger.error("three");
  assertEquals(all.lines, [
    "box INFO one 2",
    "box WARN two 0",
    "box ERROR three 0",
  ]);
  assertEquals(errors.lines, ["ERROR three"]);
});

Deno.test("FakeTime runs timers in order as time is moved", async () => {
  const realSetTimeout = setTimeout;
  const events: string[] = [];
  {
    using time = new FakeTime(1_000);
    const interval = setInterval((name) => events.push(name), 100, "tick");
    setTimeout(() => events.push(`late ${Date.now()}`), 250);
    clearTimeout(setTimeout(() => events.push("never"), 10));
    time.tick(99);
    assertEquals(events, []);
    time.tick(201);
    assertEquals(events, ["tick", "tick", "late 1250", "tick"]);
    clearInterval(interval);
    assertEquals([time.now, new Date().getTime()], [1_300, 1_300]);
    assertEquals(new Date(5).getTime(), 5);
    assertFalse(time.next());

    const slept = new Promise<void>((resolve) => setTimeout(resolve, 60_000))
      .then(() => events.push("slept"));
    await time.tickAsync(59_999);
    assertEquals(events.length, 4);
    assert(await time.nextAsync());
    await slept;
    await time.runMicrotasks();
    assertEquals(events.at(-1), "slept");
    assertThrows(() => time.now = 0, RangeError);
  }
  assertStrictEquals(setTimeout, realSetTimeout);
  assertGreater(Date.now(), 1_000_000);
});
