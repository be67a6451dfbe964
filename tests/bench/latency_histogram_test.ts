import { assert, assertEquals } from "@std/assert";
import { LatencyHistogram } from "../../bench/load/latency_histogram.ts";

Deno.test("LatencyHistogram.percentile() is exact to 1 % at every size", () => {
  for (let value = 0.0002; value < 200_000; value *= 1.37) {
    const histogram = new LatencyHistogram();
    histogram.record(value);
    // The maximum is exact and must not hide the bucket.
    histogram.record(214_000);
    const got = histogram.percentile(50);
    assert(Math.abs(got - value) <= value * 0.01 + 0.0001, `${value}: ${got}`);
    assertEquals(histogram.max, 214_000);
  }
});

Deno.test("LatencyHistogram.percentile() counts ranks", () => {
  const histogram = new LatencyHistogram();
  assertEquals(histogram.percentile(99), 0);
  for (let i = 1; i <= 1000; i++) histogram.record(i);
  for (const percent of [0.1, 50, 90, 99, 99.9]) {
    const got = histogram.percentile(percent);
    assert(Math.abs(got - percent * 10) <= percent * 0.1, `${percent}: ${got}`);
  }
  assertEquals(histogram.percentile(100), 1000);
  assertEquals(histogram.mean, 500.5);
});

Deno.test("LatencyHistogram.record() takes zero and more than it can tell apart", () => {
  const histogram = new LatencyHistogram();
  histogram.record(0);
  histogram.record(1e9);
  assertEquals(histogram.count, 2);
  assertEquals(histogram.max, 1e9);
  assert(histogram.percentile(50) <= 0.0001);
});

Deno.test("LatencyHistogram.merge() gives what one would have counted", () => {
  const all = new LatencyHistogram();
  const merged = new LatencyHistogram();
  for (const part of [[0.1, 5, 5, 80], [3], [], [1000, 2000]]) {
    const own = new LatencyHistogram();
    for (const value of part) {
      own.record(value);
      all.record(value);
    }
    merged.merge(JSON.parse(JSON.stringify(own)));
  }
  assertEquals(merged.toJSON(), all.toJSON());
  assertEquals(merged.count, 7);
});

Deno.test("LatencyHistogram.rows() goes from the first value to the last", () => {
  const histogram = new LatencyHistogram();
  assertEquals(histogram.rows(), []);
  for (const value of [0.03, 0.3, 0.3, 1.5]) histogram.record(value);
  assertEquals(histogram.rows(), [
    { upTo: 0.05, count: 1 },
    { upTo: 0.1, count: 0 },
    { upTo: 0.2, count: 0 },
    { upTo: 0.5, count: 2 },
    { upTo: 1, count: 0 },
    { upTo: 2, count: 1 },
  ]);
  histogram.reset();
  assertEquals(histogram.rows(), []);
});
