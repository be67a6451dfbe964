// LogStorm: messages that are alike are counted while they come too often.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  LogStorm,
  PLACE_LIMIT,
  STORM_LIMIT,
} from "../../../box/log/log_storm.ts";

interface Written {
  readonly storm: LogStorm;
  /** The lines so far. */
  readonly lines: string[];
}

function newStorm(): Written {
  const lines: string[] = [];
  const storm = new LogStorm((level, message, fields) =>
    lines.push(`${level} ${message}${fields ? ` ${fields.conn}` : ""}`)
  );
  return { storm, lines };
}

function repeat(count: number, work: (i: number) => void): void {
  for (let i = 0; i < count; i++) work(i);
}

Deno.test("LogStorm.log() writes the first few and then one line a second with the count", () => {
  using time = new FakeTime();
  const { storm, lines } = newStorm();
  const burst = (count: number) =>
    repeat(count, (i) => storm.log("WARN", `client ${i} broke`, { conn: i }));
  burst(1000);
  const first = Array.from(
    { length: STORM_LIMIT },
    (_, i) => `WARN client ${i} broke ${i}`,
  );
  assertEquals(lines, first);
  time.tick(1000);
  const hidden = 1000 - STORM_LIMIT;
  assertEquals(lines.splice(0), [
    ...first,
    `WARN client 999 broke (and ${
      hidden - 1
    } more like it in the last second) 999`,
  ]);
  // It goes on: all are counted, none is written at once.
  burst(50);
  assertEquals(lines, []);
  time.tick(1000);
  assertEquals(lines.splice(0), [
    "WARN client 49 broke (and 49 more like it in the last second) 49",
  ]);
  // It is over: a second without one, and what comes then is written at once.
  time.tick(1000);
  assertEquals(lines, []);
  burst(1);
  assertEquals(lines, ["WARN client 0 broke 0"]);
});

Deno.test("LogStorm.log() lets a few messages a second through for ever", () => {
  using time = new FakeTime();
  const { storm, lines } = newStorm();
  repeat(20, () => {
    repeat(STORM_LIMIT, () => storm.log("ERROR", "again"));
    time.tick(1000);
  });
  assertEquals(lines.length, 20 * STORM_LIMIT);
});

Deno.test("LogStorm.log() tells a single hidden message as it is", () => {
  using time = new FakeTime();
  const { storm, lines } = newStorm();
  repeat(STORM_LIMIT + 1, (i) => storm.log("ERROR", `number ${i}`));
  time.tick(1000);
  assertEquals(lines.at(-1), `ERROR number ${STORM_LIMIT}`);
});

Deno.test("LogStorm.log() takes messages for alike that differ in numbers and addresses only", () => {
  using _ = new FakeTime();
  const alike: ((i: number) => string)[] = [
    (i) => `client ${i} at 10.0.0.${i}:${4000 + i} closed`,
    (i) => `client [2001:db8::${i.toString(16)}a]:${i} closed`,
    (i) => `task ${i === 3 ? "-" : ""}${i * 1.5} is late`,
    (i) => `child 123e4567-e89b-12d3-a456-42661417400${i} ended`,
    (i) => `at 0xdead${i}f`,
    (i) => `first bytes: 4${i} a${i % 6} ff 0${i}`,
    (i) => `first bytes: ${i % 2 ? "de ad be ef" : "00 01 02 03"}`,
  ];
  for (const message of alike) {
    const { storm, lines } = newStorm();
    repeat(10, (i) => i !== 3 && storm.log("WARN", message(i)));
    assertEquals(lines.length, STORM_LIMIT, message(1));
    storm.flush();
  }
});

Deno.test("LogStorm.log() tells levels and texts apart", () => {
  using _ = new FakeTime();
  const { storm, lines } = newStorm();
  for (const what of ["broke", "closed"]) {
    repeat(STORM_LIMIT, () => storm.log("WARN", what));
    repeat(STORM_LIMIT, () => storm.log("ERROR", what));
  }
  assertEquals(lines.length, 4 * STORM_LIMIT);
});

// Without a digit or anything else that messages may differ in and be alike.
function letters(i: number): string {
  return i.toString(26).replaceAll(
    /\d/g,
    (digit) => "qrstuvwxyz"[Number(digit)]!,
  );
}

Deno.test("LogStorm.log() writes thirty lines a second at most from one place, whatever they say", () => {
  using time = new FakeTime();
  const { storm, lines } = newStorm();
  const here = (text: string) => storm.log("WARN", text);
  let seconds = 0;
  for (let i = 0; i < 10_000; i++) {
    // All different, some of them often enough to be a storm of their own.
    here(`text ${letters(i)}`);
    repeat(10, (j) => here(`again ${letters(j)}`));
    if (i % 1000 !== 999) continue;
    time.tick(1000);
    assert(lines.length <= PLACE_LIMIT, `${lines.length} lines in a second`);
    // From the second second on all is counted.
    if (seconds++ > 0) assert(lines.length <= 7, lines.join("\n"));
    assertMatch(
      lines.at(-1)!,
      /^WARN .* \(and \d+ more from the same place in the last second\)$/,
    );
    lines.length = 0;
  }
  // When it is over, there is room again.
  time.tick(2000);
  lines.length = 0;
  here("calm");
  assertEquals(lines, ["WARN calm"]);
});

Deno.test("LogStorm.log() counts every message that it leaves out", () => {
  using time = new FakeTime();
  const { storm, lines } = newStorm();
  repeat(5000, (i) => storm.log("ERROR", `text ${letters(i % 700)}`));
  time.tick(1000);
  const hidden = lines.map((line) =>
    Number(/\(and (\d+) more/.exec(line)?.[1] ?? 0) + 1
  );
  assertEquals(hidden.reduce((sum, count) => sum + count), 5000);
});

Deno.test("LogStorm.log() leaves other places alone while one has its storm", () => {
  using time = new FakeTime();
  const { storm, lines } = newStorm();
  repeat(3, () => {
    repeat(1000, (i) => storm.log("WARN", `text ${letters(i)}`));
    lines.length = 0;
    repeat(3, (i) => storm.log("WARN", `somebody else ${letters(i)}`));
    assertEquals(lines.length, 3);
    time.tick(1000);
  });
});

Deno.test("LogStorm.flush() writes what was counted, at once, and leaves no timer", () => {
  // The test's sanitizers see to the timer.
  const { storm, lines } = newStorm();
  repeat(8, () => storm.log("ERROR", "broke"));
  storm.flush();
  assertEquals(
    lines.at(-1),
    "ERROR broke (and 2 more like it in the last second)",
  );
  storm.flush();
  assertEquals(lines.length, STORM_LIMIT + 1);
});

Deno.test("LogStorm keeps no program alive, and its end tells the count", async () => {
  const module = new URL("../../../box/log/log_storm.ts", import.meta.url).href;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      `import { LogStorm } from ${JSON.stringify(module)};
       const storm = new LogStorm((level, message) => console.log(level, message));
       for (let i = 0; i < 9; i++) storm.log("WARN", "x");`,
    ],
  }).output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(code, 0);
  assertEquals(lines.length, STORM_LIMIT + 1);
  assertEquals(
    lines.at(-1),
    "WARN x (and 3 more like it in the last second)",
  );
});
