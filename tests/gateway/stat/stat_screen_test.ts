// The viewer's text: numbers, sparklines, cut lines, and the screen as a whole.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  cell,
  columnsOf,
  fit,
  pad,
  toText,
} from "../../../gateway/stat/cells.ts";
import {
  type FigureName,
  figureValues,
  type Look,
} from "../../../gateway/stat/figures.ts";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatQuantile,
  formatRate,
  formatSeconds,
  printable,
  sparkline,
} from "../../../gateway/stat/format.ts";
import { History } from "../../../gateway/stat/history.ts";
import { ratesBetween } from "../../../gateway/metrics/rates.ts";
import {
  renderScreen,
  type ScreenOptions,
} from "../../../gateway/stat/screen.ts";
import { dashboardTexts } from "../metrics/dashboard_texts.ts";
import { durationsWith, reportWith } from "./stat_report.ts";

Deno.test("formatCount(), formatRate() and formatBytes() keep to seven characters or so", () => {
  const counts = [0, 999, 12_345, 999_999, 1e6, 12.34e6, 999e6, 5e9, 7e12];
  assertEquals(counts.map(formatCount), [
    ...["0", "999", "12,345", "999,999", "1.00 M", "12.3 M", "999 M"],
    ...["5.00 G", "7.00 T"],
  ]);
  assertEquals([null, 0, 0.25, 9.94, 9.96, 1234.5].map(formatRate), [
    ...["-", "0", "0.3", "9.9", "10", "1,235"],
  ]);
  assertEquals([0, 999, 1000, 93.12e6, 999.6e6, 3e12].map(formatBytes), [
    ...["0 B", "999 B", "1.00 kB", "93.1 MB", "1.00 GB", "3.00 TB"],
  ]);
});

Deno.test("formatSeconds(), formatQuantile() and formatAge() choose the unit", () => {
  const times = [null, 0, 1e-6, 0.00012, 0.0012, 0.034, 0.9996, 1.26, 75, 600];
  assertEquals(times.map(formatSeconds), [
    ...["-", "0 ms", "<0.01 ms", "0.12 ms", "1.2 ms", "34 ms", "1.0 s"],
    ...["1.3 s", "75 s", "10 min 0 s"],
  ]);
  const bounds = [0.0001, 1, 60];
  assertEquals(
    [null, 0.00005, 0.0005, 60].map((value) => formatQuantile(value, bounds)),
    ["-", "<0.10 ms", "0.50 ms", ">60 s"],
  );
  assertEquals([0.9, 59.9, 60, 3599, 3600, 86_399, 90_000].map(formatAge), [
    ...["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min"],
    ...["23 h 59 min", "1 d 1 h"],
  ]);
});

Deno.test("sparkline() scales to the largest value and stands at the right", () => {
  assertEquals(sparkline([], 3), "   ");
  assertEquals(sparkline([0, 0], 3), " ▁▁");
  assertEquals(sparkline([0, 1, 2, 4, 7], 5), "▁▂▃▅█");
  assertEquals(sparkline([100, 7, null, 7], 3), "█ █");
});

Deno.test("fit(), pad() and columnsOf() count columns, not characters", () => {
  assertEquals(["abc", "日本", "e\u0301", "🍁"].map(columnsOf), [3, 4, 1, 2]);
  assertEquals([fit("abc", 3), fit("abcd", 3), fit("a", 0)], [
    "abc",
    "ab…",
    "",
  ]);
  assertEquals(fit("日本語", 5), "日本…");
  assertEquals(fit("日本語", 4), "日…");
  assertEquals([pad("ab", 4), pad("ab", 4, "right")], ["ab  ", "  ab"]);
});

Deno.test("toText() cuts a line and colours what is left of it", () => {
  const line = [cell("abc", "good"), cell("def"), cell("  ", "bad")];
  assertEquals(toText(line, { width: 9, colors: false }), "abcdef");
  assertEquals(toText(line, { width: 5, colors: false }), "abcd…");
  assertEquals(
    toText(line, { width: 9, colors: true }),
    "\x1b[32mabc\x1b[0mdef",
  );
  assertEquals(toText(line, { width: 3, colors: true }), "\x1b[32mab…\x1b[0m");
});

Deno.test("printable() leaves nothing in a name that steers a terminal", () => {
  assertEquals(printable("a\x1b[2Jb\r\nc\u009b\u202ed 日"), "a?[2Jb??c??d 日");
});

const WORKER = { credits: 3, inHand: 13, done: 1200, seenSeconds: 0.2 };
const BEFORE = reportWith({ stats: { uptime: 60 } });
const AFTER = reportWith({
  stats: {
    uptime: 61,
    clients: 8500,
    clientsPeak: 9000,
    clientsAccepted: 20,
    clientFrames: 12_345,
    answers: 12_000,
    chained: 900,
    chainsBegun: 300,
    chainsRecalled: 2,
    queued: 5,
    oldestSeconds: 0.25,
    workers: 2,
    workTime: durationsWith([0, 0, 0, 90, 10], 0.5),
    redelivered: 3,
    answersDropped: { gone: 17, tag: 0, outbox: 0 },
    commands: [
      { cmd: 1001, count: 100, seconds: 0.2, maxSeconds: 0.9 },
      { cmd: "other", count: 7, seconds: 7, maxSeconds: 2 },
    ],
    workerLinks: Array.from({ length: 30 }, (_, i) => ({
      ...WORKER,
      address: `10.0.0.${i}:50000`,
      connectedSeconds: 100,
      ...(i === 0 ? { name: "evil\x1b[2J", pid: 4711 } : {}),
    })),
  },
});
const LOOK: Look = { report: AFTER, rates: ratesBetween(BEFORE, AFTER) };

function screen(look: Look, options: Partial<ScreenOptions> = {}): string[] {
  const width = options.width ?? 80;
  return renderScreen(look, { width, ...options })
    .map((line) => toText(line, { width, colors: false }));
}

function lineOf(lines: readonly string[], start: string): string {
  const found = lines.filter((line) => line.startsWith(start));
  assertEquals(found.length, 1, `lines with ${start} in\n${lines.join("\n")}`);
  return found[0]!.replaceAll(/ +/g, " ");
}

Deno.test("renderScreen() shows the figures, what went wrong, workers and commands", () => {
  const lines = screen(LOOK);
  assertMatch(
    lines[0]!,
    /^maple gateway \S+ {2}serving {2}up 1 min 1 s, pid 42/,
  );
  assertStringIncludes(lines[1]!, "clients at 0.0.0.0:29000, workers at 127.0");
  assertEquals(
    lineOf(lines, "clients   "),
    "clients 8,500 +20/s -0/s, peak 9,000, max 10,000",
  );
  assertEquals(
    lineOf(lines, "requests/s"),
    "requests/s 12,345 12,345 in all, 0 B/s",
  );
  assertEquals(
    lineOf(lines, "waiting"),
    "waiting 5 oldest 250 ms, 0 B, max 100,000",
  );
  assertEquals(
    lineOf(lines, "chained/s"),
    "chained/s 900 900 in all, length 4.0, 2 recalled",
  );
  assertEquals(
    lineOf(lines, "work p99"),
    "work p99 9.3 ms p50 2.1 ms, mean 5.0 ms",
  );
  assertEquals(
    lineOf(lines, "trouble"),
    "trouble tasks delivered again: worker lost 3, answers dropped: client gone 17",
  );
  assertEquals(
    lineOf(lines, "10.0.0.0:"),
    "10.0.0.0:50000 evil?[2J 4711 13 3 1,200 1,200 0 s",
  );
  assertEquals(lineOf(lines, "and 11 more"), "and 11 more");
  assertEquals(lineOf(lines, "1001"), "1001 100 2.0 ms 2.0 ms 900 ms 100");
  assertEquals(lineOf(lines, "other"), "other 7.0 1.0 s 1.0 s 2.0 s 7");
});

Deno.test("renderScreen() shows no rate that it does not know", () => {
  const lines = screen({ report: AFTER, rates: null });
  assertEquals(lineOf(lines, "requests/s"), "requests/s - 12,345 in all");
  assertEquals(
    lineOf(lines, "chained/s"),
    "chained/s - 900 in all, 2 recalled",
  );
  assertEquals(lineOf(lines, "work p99"), "work p99 -");
  assertEquals(lineOf(lines, "1001"), "1001 - - 2.0 ms 900 ms 100");
});

Deno.test("renderScreen() says in place of the state that the gateway is silent", () => {
  const lines = screen(LOOK, { notice: "The gateway is gone: so it is" });
  assertMatch(lines[0]!, /^maple gateway \S+ {2}silent /);
  assertEquals(lines[2], "The gateway is gone: so it is");
});

Deno.test("renderScreen() and the dashboard tell which old processes stay for clients over TLS, and nothing where none does", () => {
  const stats = { generation: 3, generationSeconds: 65, handoverPause: 0.1 };
  const clientsRelayedBy = { 4711: 1008, 4712: 4 };
  const report = reportWith({
    stats: { ...stats, clientsRelayed: 1012, clientsRelayedBy },
  });
  const told =
    "old processes 2, for 1,012 clients over TLS: 4711 (1,008), 4712 (4)";
  assertEquals(screen({ report, rates: null })[2], told);
  const memory = (texts: readonly string[]) =>
    texts.find((text) => text.startsWith("pid 42"));
  assertEquals(
    memory(dashboardTexts(report, null)),
    `pid 42 · up 1 min · generation 3, since 1 min, last pause 100 ms · ${told}`,
  );
  const none = reportWith({ stats });
  assertEquals(screen({ report: none, rates: null })[2], "");
  assertEquals(
    memory(dashboardTexts(none, null)),
    "pid 42 · up 1 min · generation 3, since 1 min, last pause 100 ms",
  );
  const many = reportWith({
    stats: {
      clientsRelayed: 9,
      clientsRelayedBy: Object.fromEntries(
        Array.from({ length: 9 }, (_, i) => [100 + i, 1]),
      ),
    },
  });
  assertMatch(
    memory(dashboardTexts(many, null))!,
    /old processes 9, for 9 clients over TLS: 100 \(1\), .*107 \(1\), …$/,
  );
});

Deno.test("renderScreen() has one bar for each look", () => {
  const history = new History<FigureName>(120);
  for (const clients of [1, 4, 8]) {
    const report = reportWith({ stats: { clients } });
    history.push(figureValues({ report, rates: null }));
  }
  const lines = screen(LOOK, { history });
  assertMatch(lineOf(lines, "clients   "), /8,500 ▂▅█ \+20\/s/);
  assertEquals(lineOf(lines, "answers/s").includes("▁"), false);
});

Deno.test("renderScreen() fits whatever the terminal's size, in colour or not", () => {
  const history = new History<FigureName>(120);
  for (let i = 0; i < 130; i++) history.push(figureValues(LOOK));
  const escape = new RegExp("\x1b\\[[\\d;]*m", "g");
  for (const width of [1, 10, 20, 33, 40, 60, 79, 80, 81, 120, 300]) {
    for (const height of [1, 5, 16, 20, 24, 25, 60, 500]) {
      const notice = height % 2 ? "x".repeat(200) : undefined;
      const lines = renderScreen(LOOK, { width, height, history, notice });
      assert(lines.length <= height, `${lines.length} lines of ${height}`);
      for (const line of lines) {
        const plain = toText(line, { width, colors: false });
        assert(columnsOf(plain) <= width, `${width} columns: "${plain}"`);
        const colored = toText(line, { width, colors: true });
        assertEquals(colored.replaceAll(escape, ""), plain);
      }
    }
  }
});

Deno.test("renderScreen() gives both tables some of 24 lines", () => {
  const lines = screen(LOOK, { height: 24 });
  assertEquals(lines.length <= 24, true);
  assert(lineOf(lines, "worker "));
  assert(lineOf(lines, "command "));
  assertEquals(lineOf(lines, "1001").startsWith("1001"), true);
});

Deno.test("renderScreen() and the dashboard show the groups, and nothing in a name steers a terminal", () => {
  const report = reportWith({
    stats: {
      ...{ groups: 12_345, groupMembers: 67_890 },
      largestGroups: [
        { name: "lobby", members: 4000 },
        { name: "evil\x1b[2J<b>", members: 3 },
      ],
    },
  });
  const lines = renderScreen({ report, rates: null }, { width: 80 })
    .map((line) => toText(line, { width: 80, colors: false }));
  const text = lines.join("\n");
  assertMatch(text, /^groups +12,345 +members 67,890, max 1\.00 M$/m);
  assertMatch(text, /^lobby +4,000$/m);
  assertMatch(text, /^evil\?\[2J<b> +3$/m);
  // As texts, of which a browser makes no elements.
  const texts = dashboardTexts(report, null);
  assert(texts.includes("evil\x1b[2J<b>"));
  assert(texts.includes("12,345"));
});
