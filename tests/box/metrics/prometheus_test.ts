import { assertEquals, assertThrows } from "@std/assert";
import { Histogram, PrometheusText } from "@maple/box/internal";

Deno.test("PrometheusText.gauge() writes help, type and one value", () => {
  const text = new PrometheusText().gauge("up", "Whether it is up.", 1);
  assertEquals(
    text.toString(),
    "# HELP up Whether it is up.\n# TYPE up gauge\nup 1\n",
  );
});

Deno.test("PrometheusText.counter() writes one line for each set of labels", () => {
  const text = new PrometheusText().counter("tasks_total", "Tasks.", [
    [{ worker: "1", endpoint: "move" }, 3],
    [{ worker: "2", endpoint: "move" }, 0.5],
    [{}, 7],
  ]);
  assertEquals(
    text.toString(),
    "# HELP tasks_total Tasks.\n# TYPE tasks_total counter\n" +
      'tasks_total{worker="1",endpoint="move"} 3\n' +
      'tasks_total{worker="2",endpoint="move"} 0.5\n' +
      "tasks_total 7\n",
  );
});

Deno.test("PrometheusText.histogram() writes cumulative buckets, sum and count", () => {
  const histogram = new Histogram([0.1, 1]);
  for (const value of [0.05, 0.5, 0.5, 2]) histogram.observe(value);
  const text = new PrometheusText().histogram("task_seconds", "Duration.", [
    [{ endpoint: "move" }, histogram],
    [{ endpoint: "bid" }, histogram.toJSON()],
  ]);
  const lines = (endpoint: string) =>
    `task_seconds_bucket{endpoint="${endpoint}",le="0.1"} 1\n` +
    `task_seconds_bucket{endpoint="${endpoint}",le="1"} 3\n` +
    `task_seconds_bucket{endpoint="${endpoint}",le="+Inf"} 4\n` +
    `task_seconds_sum{endpoint="${endpoint}"} 3.05\n` +
    `task_seconds_count{endpoint="${endpoint}"} 4\n`;
  assertEquals(
    text.toString(),
    "# HELP task_seconds Duration.\n# TYPE task_seconds histogram\n" +
      lines("move") + lines("bid"),
  );
});

Deno.test("PrometheusText escapes help and label values", () => {
  const text = new PrometheusText().gauge("a", 'back\\slash "new\nline"', [
    [{ name: 'back\\slash "new\nline"' }, 1],
  ]);
  assertEquals(
    text.toString(),
    '# HELP a back\\\\slash "new\\nline"\n# TYPE a gauge\n' +
      'a{name="back\\\\slash \\"new\\nline\\""} 1\n',
  );
});

Deno.test("PrometheusText writes numbers as Prometheus reads them", () => {
  const text = new PrometheusText().gauge("a", "A.", [
    [{ n: "1" }, Infinity],
    [{ n: "2" }, -Infinity],
    [{ n: "3" }, NaN],
    [{ n: "4" }, 1e21],
  ]);
  assertEquals(text.toString().split("\n").slice(2, -1), [
    'a{n="1"} +Inf',
    'a{n="2"} -Inf',
    'a{n="3"} NaN',
    'a{n="4"} 1e+21',
  ]);
});

Deno.test("PrometheusText leaves a family without samples out", () => {
  const text = new PrometheusText()
    .gauge("a", "A.", [])
    .counter("b_total", "B.", [])
    .histogram("c_seconds", "C.", []);
  assertEquals(text.toString(), "");
});

Deno.test("PrometheusText throws for names that are none and for a family added twice", () => {
  const text = new PrometheusText().gauge("a", "A.", 1);
  assertThrows(() => text.gauge("a", "A.", 1), TypeError, '"a" twice');
  assertThrows(() => text.gauge("1a", "A.", 1), TypeError, '"1a"');
  assertThrows(
    () => text.counter("b", "B.", [[{ "x-y": "1" }, 1]]),
    TypeError,
    'no label name "x-y"',
  );
});

Deno.test("PrometheusText.toResponse() names the format's version", async () => {
  const response = new PrometheusText().gauge("a", "A.", 1).toResponse();
  assertEquals(
    response.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  assertEquals(await response.text(), "# HELP a A.\n# TYPE a gauge\na 1\n");
});
