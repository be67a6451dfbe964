import { assertEquals, assertThrows } from "@std/assert";
import {
  busyShare,
  parseTimes,
  stolenShare,
} from "../../bench/run/processors.ts";
import { parseGarbage } from "../../bench/run/garbage.ts";
import { formatTable, leastFair } from "../../bench/run/rows.ts";
import { median, spread } from "../../bench/run/statistics.ts";
import { driftOf } from "../../bench/soak.ts";

Deno.test("driftOf() leaves the warm-up out and takes no notice of peaks", () => {
  const flat = [50, 80, ...new Array<number>(8).fill(100)];
  assertEquals(driftOf(flat).drift, 0);
  assertEquals(driftOf([...flat, 900, ...flat.slice(2)]).drift, 0);
  const rising = Array.from({ length: 100 }, (_, i) => 100 + i);
  const { first, last, drift } = driftOf(rising);
  assertEquals([first, last], [129.5, 189.5]);
  assertEquals(drift, 189.5 / 129.5 - 1);
  assertThrows(() => driftOf([1, 2]), RangeError, "it takes 5 figures, got 2");
});

Deno.test("median() and spread() tell the middle and the width", () => {
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertEquals(spread([90, 100, 120]), 0.15);
  assertEquals(spread([7]), 0);
});

Deno.test("parseTimes() reads what the processors did, and shares of it", () => {
  const text = (...ticks: number[]) =>
    `cpu  ${ticks.join(" ")}\ncpu0 1 2 3 4 5 6 7 8 0 0\nintr 9\n`;
  const before = parseTimes(text(100, 10, 50, 800, 20, 5, 6, 30, 0, 0));
  assertEquals(before, { busy: 171, idle: 820, stolen: 30 });
  const after = parseTimes(text(160, 10, 60, 810, 20, 10, 11, 50, 0, 0));
  assertEquals(busyShare(before, after), 80 / 90);
  assertEquals(stolenShare(before, after), 20 / 110);
  assertEquals([busyShare(after, after), stolenShare(after, after)], [0, 0]);
});

Deno.test("parseGarbage() adds up what V8 tells of its collections", () => {
  const line = (what: string) =>
    `[2021:0x55a9da844000]     1088 ms: ${what} (average mu = 1.000, current mu = 1.000) allocation failure; \n`;
  const text = `ready\n${
    line(
      "Scavenge 19.7 (25.7) -> 4.0 (26.4) MB, pooled: 0.0 MB, 0.85 / 0.00 ms",
    )
  }${
    line(
      "Scavenge 20.5 (26.4) -> 5.0 (26.4) MB, pooled: 0.0 MB, 1.15 / 0.00 ms",
    )
  }${
    line(
      "Mark-Compact (reduce) 12.0 (26.4) -> 3.5 (9.0) MB, pooled: 0.0 MB, 4.00 / 0.50 ms",
    )
  }[2021:0x55a9da844000] Memory reducer: call rate 0.006\n`;
  assertEquals(parseGarbage(text), {
    scavenges: 2,
    marks: 1,
    megabytes: 16.5 + 7,
    ms: 6,
  });
  assertEquals(parseGarbage("").scavenges, 0);
});

Deno.test("formatTable() puts ratios before figures", () => {
  const fair = { worst: 5, mean: 10, best: 12 };
  const table = formatTable([{
    scenario: "50 × 1",
    subject: "gateway",
    unit: "answers/s",
    values: [90_000, 100_000, 120_000],
    ratios: [0.4, 0.5, 0.6],
    yardstick: "C echo",
    p99: [1, 2, 3],
    fairness: leastFair([{ worst: 9, mean: 10, best: 12 }, fair]),
  }]);
  const [, row] = table.split("\n");
  assertEquals(
    row!.split(/ {2,}/),
    [
      ...["50 × 1", "gateway", "0.50", "C echo", "100,000", "answers/s"],
      ...["15 %", "2 ms", "5 / 10 / 12"],
    ],
  );
});
