// ratesBetween() and History.

import { assertEquals } from "@std/assert";
import { closeCounts } from "@maple/box/internal";
import { History } from "../../../gateway/stat/history.ts";
import { ratesBetween } from "../../../gateway/metrics/rates.ts";
import { durationsWith, reportWith } from "../stat/stat_report.ts";

Deno.test("ratesBetween() divides what was counted by the time between", () => {
  const before = reportWith({ stats: { uptime: 10, clientFrames: 100 } });
  const after = reportWith({
    stats: {
      uptime: 12,
      clientFrames: 700,
      clientsClosed: { ...closeCounts(), peer: 3, frame: 1 },
      answersDropped: { gone: 5, tag: 1, outbox: 0 },
    },
  });
  const rates = ratesBetween(before, after)!;
  assertEquals(rates.seconds, 2);
  assertEquals(rates.perSecond.clientFrames, 300);
  assertEquals(rates.perSecond.answers, 0);
  const { clientsClosed, answersDropped } = rates.perSecond;
  assertEquals([clientsClosed, answersDropped], [2, 3]);
  assertEquals(rates.workTime, { count: 0, mean: null, p50: null, p99: null });
});

Deno.test("ratesBetween() tells how many tasks the chains had that have begun meanwhile", () => {
  const at = (uptime: number, chainsBegun: number, chained: number) =>
    reportWith({ stats: { uptime, chainsBegun, chained } });
  const before = at(10, 100, 1000);
  assertEquals(ratesBetween(before, at(11, 104, 1012))?.chainLength, 4);
  assertEquals(ratesBetween(before, at(11, 100, 1000))?.chainLength, null);
});

Deno.test("ratesBetween() takes the time of the gateway, not the time of day", () => {
  const before = reportWith({ stats: { uptime: 10 } });
  const after = reportWith({
    stats: { uptime: 11, answers: 5 },
    report: { time: "2000-01-01T00:00:00.000Z" },
  });
  assertEquals(ratesBetween(before, after)?.perSecond.answers, 5);
});

const LATER = { uptime: 61, clientFrames: 0 };
for (
  const [what, after] of [
    ["another process", reportWith({ stats: { ...LATER, pid: 43 } })],
    [
      "another start of the same process id",
      reportWith({
        stats: LATER,
        report: { startedAt: "2026-01-31T12:34:56.000Z" },
      }),
    ],
    ["the same report", reportWith()],
    ["an older report", reportWith({ stats: { uptime: 59 } })],
  ] as const
) {
  Deno.test(`ratesBetween() knows nothing when the second is ${what}`, () => {
    const before = reportWith({ stats: { clientFrames: 1000 } });
    assertEquals(ratesBetween(before, after), null);
  });
}

Deno.test("ratesBetween() takes durations from what came between only", () => {
  const before = reportWith({
    stats: { workTime: durationsWith([0, 0, 1000], 5) },
  });
  const after = reportWith({
    stats: { uptime: 61, workTime: durationsWith([0, 0, 1000, 100], 5.2) },
  });
  const { workTime } = ratesBetween(before, after)!;
  assertEquals(workTime.count, 100);
  const { mean, p50, p99 } = workTime;
  // What floating point adds is cut off.
  const digits = [mean, p50, p99].map((value) => value?.toFixed(6));
  assertEquals(digits, ["0.002000", "0.002000", "0.002980"]);
});

Deno.test("ratesBetween() tells commands and workers one by one", () => {
  const worker = { credits: 0, inHand: 0, seenSeconds: 0 };
  const before = reportWith({
    stats: {
      commands: [
        { cmd: 1, count: 10, seconds: 1, maxSeconds: 1 },
        { cmd: "other", count: 50, seconds: 1, maxSeconds: 1 },
      ],
      workerLinks: [
        { ...worker, address: "a:1", done: 10, connectedSeconds: 5 },
        { ...worker, address: "b:2", done: 90, connectedSeconds: 5 },
      ],
    },
  });
  const after = reportWith({
    stats: {
      uptime: 62,
      commands: [
        { cmd: 1, count: 14, seconds: 3, maxSeconds: 1 },
        { cmd: 2, count: 30, seconds: 1, maxSeconds: 1 },
        { cmd: "other", count: 25, seconds: 1, maxSeconds: 1 },
      ],
      workerLinks: [
        { ...worker, address: "a:1", done: 30, connectedSeconds: 7 },
        // Another connection from the same port.
        { ...worker, address: "b:2", done: 8, connectedSeconds: 1 },
        { ...worker, address: "c:3", done: 6, connectedSeconds: 1 },
      ],
    },
  });
  const rates = ratesBetween(before, after)!;
  assertEquals(rates.commands, [
    { cmd: 1, perSecond: 2, mean: 0.5 },
    // It was one of the others, who knows how often.
    { cmd: 2, perSecond: null, mean: null },
    { cmd: "other", perSecond: null, mean: null },
  ]);
  assertEquals(rates.workers, [
    { address: "a:1", perSecond: 10 },
    { address: "b:2", perSecond: 4 },
    { address: "c:3", perSecond: 3 },
  ]);
});

Deno.test("ratesBetween() counts a new command from nothing when there were no others", () => {
  const after = reportWith({
    stats: {
      uptime: 62,
      commands: [{ cmd: 7, count: 4, seconds: 2, maxSeconds: 1 }],
    },
  });
  assertEquals(ratesBetween(reportWith(), after)?.commands, [
    { cmd: 7, perSecond: 2, mean: 0.5 },
  ]);
});

Deno.test("History keeps the last values, oldest first", () => {
  const history = new History<"a" | "b">(3);
  assertEquals(history.last("a", 5), []);
  for (let i = 1; i <= 5; i++) {
    history.push({ a: i, b: i === 4 ? null : -i });
    const kept = [i - 2, i - 1, i].filter((value) => value > 0);
    assertEquals(history.last("a", 5), kept);
    assertEquals(history.last("a", 2), kept.slice(-2));
  }
  assertEquals(history.last("b", 3), [-3, null, -5]);
});
