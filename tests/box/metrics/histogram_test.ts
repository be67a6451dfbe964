import { assertEquals, assertThrows } from "@std/assert";
import { DURATION_BOUNDS, Histogram } from "@maple/box/internal";

Deno.test("Histogram.observe() counts a value in the first bucket that holds it", () => {
  const histogram = new Histogram([1, 2, 4]);
  for (const value of [0, 0.5, 1, 1.5, 2, 3, 4, 5, 1000]) {
    histogram.observe(value);
  }
  assertEquals(histogram.counts, [3, 2, 2, 2]);
  assertEquals(histogram.count, 9);
  assertEquals(histogram.sum, 1017);
});

Deno.test("Histogram is empty at first and has one bucket without bound", () => {
  const histogram = new Histogram([]);
  assertEquals([histogram.count, histogram.sum], [0, 0]);
  assertEquals(histogram.counts, [0]);
  histogram.observe(7);
  assertEquals(histogram.counts, [1]);
});

Deno.test("Histogram.toJSON() is a copy", () => {
  const histogram = new Histogram([0.5]);
  histogram.observe(0.25);
  const copy = histogram.toJSON();
  histogram.observe(0.75);
  assertEquals(copy, { bounds: [0.5], counts: [1, 0], count: 1, sum: 0.25 });
  assertEquals(JSON.parse(JSON.stringify(histogram)), {
    bounds: [0.5],
    counts: [1, 1],
    count: 2,
    sum: 1,
  });
});

Deno.test("Histogram keeps its bounds when the caller's array changes", () => {
  const bounds = [1, 2];
  const histogram = new Histogram(bounds);
  bounds.push(3);
  assertEquals(histogram.bounds, [1, 2]);
});

Deno.test("Histogram() throws when the bounds do not rise or are not finite", () => {
  for (const bounds of [[1, 1], [2, 1], [NaN], [1, Infinity], [-Infinity]]) {
    assertThrows(() => new Histogram(bounds), RangeError, "its bounds must");
  }
});

Deno.test("DURATION_BOUNDS goes from 0.1 ms to a minute", () => {
  assertEquals(new Histogram(DURATION_BOUNDS).counts.length, 17);
  assertEquals([DURATION_BOUNDS[0], DURATION_BOUNDS.at(-1)], [0.0001, 60]);
});
