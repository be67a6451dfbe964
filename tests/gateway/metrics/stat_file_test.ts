// StatFile writes whole reports only, and readReport() takes nothing else.

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { GatewayError } from "@maple/gateway";
import {
  type GatewayReport,
  reportOf,
} from "../../../gateway/metrics/report.ts";
import {
  goneReason,
  parseReport,
  readReport,
} from "../../../gateway/stat/report_file.ts";
import { ReportWatch } from "../../../gateway/stat/watch.ts";
import { StatFile } from "../../../gateway/metrics/stat_file.ts";
import { eventually } from "../../helpers/eventually.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { reportWith } from "../stat/stat_report.ts";

class TempDir implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "maple-test-" });

  names(): string[] {
    return [...Deno.readDirSync(this.path)].map((entry) => entry.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("StatFile is whole at any moment, also while it is written", async () => {
  await using dir = new TempDir();
  const path = `${dir.path}/stat.json`;
  const worker = {
    ...{ name: "w".repeat(200), credits: 0, inHand: 0, done: 0 },
    ...{ connectedSeconds: 0, seenSeconds: 0 },
  };
  const workerLinks = Array.from({ length: 1000 }, (_, i) => ({
    ...worker,
    address: `10.0.0.1:${i}`,
  }));
  let written = 0;
  const report = () =>
    reportWith({ stats: { workerLinks, clientFrames: ++written } });
  const first = await StatFile.start(path, {
    report,
    logger: new LogCollector(),
  });
  await first.close();
  let writing = true;
  const seen = new Set<number>();
  const read = async () => {
    let reads = 0;
    for (; writing || reads === 0; reads++) {
      const { stats } = await readReport(path);
      assertEquals(stats.workerLinks.length, 1000);
      seen.add(stats.clientFrames);
    }
    return reads;
  };
  const write = async () => {
    for (let i = 0; i < 100; i++) {
      await using _file = await StatFile.start(path, {
        report,
        logger: new LogCollector(),
      });
    }
    writing = false;
  };
  const [reads] = await Promise.all([read(), write()]);
  assertEquals(written, 202);
  assert(reads > 1 && seen.size > 1, `${reads} reads saw ${[...seen]}`);
  assertEquals(dir.names(), ["stat.json"]);
});

Deno.test("StatFile is written again and again, and says closed at the end", async () => {
  await using dir = new TempDir();
  const path = `${dir.path}/stat.json`;
  const log = new LogCollector();
  await using fixture = await GatewayFixture.start({ nodeId: 7 });
  const { gateway } = fixture;
  const file = await StatFile.start(path, {
    report: () => reportOf(gateway),
    logger: log,
  });
  const before = await readReport(path);
  assertEquals([before.nodeId, before.stats.state], [7, "serving"]);
  assertEquals(goneReason(path, before, Date.parse(before.time)), undefined);
  await using _client = await fixture.connect();
  await eventually(async () => (await readReport(path)).stats.clients === 1);
  await gateway.closeNow();
  await file.close();
  await file.close();
  const after = await readReport(path);
  assertEquals([after.stats.state, after.outer], ["closed", null]);
  assertStringIncludes(
    goneReason(path, after, Date.parse(after.time)) ?? "",
    `The gateway has closed, at ${after.time}`,
  );
  assertEquals(log.lines, []);
});

Deno.test("StatFile.start() refuses in one line a path that it cannot write", async () => {
  await using dir = new TempDir();
  const options = { report: () => reportWith(), logger: new LogCollector() };
  const refused = async (path: string, why: string) => {
    const error = await assertRejects(
      () => StatFile.start(path, options),
      GatewayError,
    );
    const { message } = error as Error;
    assertStringIncludes(message, `Cannot write the stat file ${path}: `);
    assertStringIncludes(message, why);
    assertEquals(message.includes("\n"), false);
  };
  await refused(`${dir.path}/none/stat.json`, "No such file");
  await refused(dir.path, "there is something else than a file");
  assertEquals(dir.names(), []);
});

Deno.test("StatFile tells once that it cannot write, and once that it can again", async () => {
  await using dir = new TempDir();
  const folder = `${dir.path}/folder`;
  const path = `${folder}/stat.json`;
  const log = new LogCollector();
  let asked = 0;
  await Deno.mkdir(folder);
  await using file = await StatFile.start(path, {
    report: () => (asked++, reportWith()),
    logger: log,
  });
  await Deno.remove(folder, { recursive: true });
  await log.line(/^ERROR cannot write the stat file .*folder\/stat\.json/);
  const failed = asked;
  await eventually(() => asked >= failed + 2);
  assertEquals(log.lines.length, 1);
  await Deno.mkdir(folder);
  await log.line(/^INFO the stat file is written again$/);
  await file.close();
  assertEquals(log.lines.length, 2);
  assertEquals((await readReport(path)).format, "maple-gateway-stats");
});

const NOW = Date.parse("2026-01-31T12:00:10.000Z");

Deno.test("goneReason() counts a gateway as gone after five seconds of silence", () => {
  const at = (time: string) =>
    goneReason("f.json", reportWith({ report: { time } }), NOW);
  assertEquals(at("2026-01-31T12:00:09.000Z"), undefined);
  assertEquals(at("2026-01-31T12:00:05.000Z"), undefined);
  // The clock was set meanwhile.
  assertEquals(at("2026-01-31T12:00:30.000Z"), undefined);
  assertEquals(
    at("2026-01-31T12:00:04.000Z"),
    "The gateway is gone: f.json is 6 s old, last written at 2026-01-31T12:00:04.000Z",
  );
});

Deno.test("parseReport() takes what a gateway writes, and what is added later", () => {
  const report = reportWith();
  const text = JSON.stringify({ ...report, added: [1] });
  assertEquals(parseReport("f", text).stats, report.stats);
});

Deno.test("parseReport() takes what an older gateway writes, which counts less", () => {
  const { trouble: _trouble, ...report } = reportWith();
  const { badCommands: _, clientsRelayedBy: __, ...stats } = report.stats;
  const { idle: _idle, ...clientsClosed } = stats.clientsClosed;
  const text = JSON.stringify({
    ...report,
    stats: { ...stats, clientsClosed },
  });
  const read = parseReport("f", text);
  assertEquals(read.stats, report.stats);
  assertEquals(read.trouble, []);
});

// Each changes a good report into a bad one.
const BAD: readonly [
  what: string,
  change: (report: GatewayReport) => unknown,
  message: RegExp,
][] = [
  ["another JSON", () => ({ a: 1 }), /^f is no stat file of a gateway: /],
  ["a list", () => [], /^f is no stat file/],
  ["null", () => null, /^f is no stat file/],
  [
    "another format version",
    (report) => ({ ...report, formatVersion: 2 }),
    /^f has format version 2, expected 1: /,
  ],
  [
    "a wrong time",
    (report) => ({ ...report, time: "yesterday" }),
    /^f is broken: time does not fit$/,
  ],
  [
    "no stats",
    (report) => ({ ...report, stats: undefined }),
    /^f is broken: stats does not fit$/,
  ],
  [
    "text for a number",
    ({ stats, ...report }) => ({ ...report, stats: { ...stats, users: "1" } }),
    /^f is broken: stats\.users does not fit$/,
  ],
  [
    "a histogram without a bucket",
    ({ stats, ...report }) => ({
      ...report,
      stats: { ...stats, workTime: { ...stats.workTime, counts: [1] } },
    }),
    /^f is broken: stats\.workTime does not fit$/,
  ],
  [
    "a worker without address",
    ({ stats, ...report }) => ({
      ...report,
      stats: { ...stats, workerLinks: [{ name: "w" }] },
    }),
    /^f is broken: stats\.workerLinks\[0\]\.address does not fit$/,
  ],
  [
    "a command that is none",
    ({ stats, ...report }) => ({
      ...report,
      stats: { ...stats, commands: [{ cmd: "x", count: 1 }] },
    }),
    /^f is broken: stats\.commands\[0\]\.cmd does not fit$/,
  ],
];

for (const [what, change, message] of BAD) {
  Deno.test(`parseReport() refuses ${what}`, () => {
    const text = JSON.stringify(change(reportWith()));
    const error = assertThrows(() => parseReport("f", text), GatewayError);
    assertMatch((error as Error).message, message);
  });
}

Deno.test("readReport() refuses half a file, a folder and one that is not there", async () => {
  await using dir = new TempDir();
  const path = `${dir.path}/stat.json`;
  const message = async (path: string) => {
    const error = await assertRejects(() => readReport(path), GatewayError);
    return (error as Error).message;
  };
  assertStringIncludes(await message(path), `There is no ${path}: `);
  assertStringIncludes(await message(dir.path), "it is no file");
  await Deno.writeTextFile(path, JSON.stringify(reportWith()).slice(0, -9));
  assertEquals(await message(path), `${path} is broken: it is no whole JSON`);
  await Deno.truncate(path, 17 * 1024 * 1024);
  assertStringIncludes(await message(path), "too many");
});

Deno.test("ReportWatch knows rates from the second report on, and none across a restart", async () => {
  await using dir = new TempDir();
  const path = `${dir.path}/stat.json`;
  const watch = new ReportWatch(path);
  const write = async (uptime: number, clientFrames: number, pid = 42) => {
    const time = new Date(Date.now() + uptime).toISOString();
    const report = reportWith({
      stats: { uptime, clientFrames, pid },
      report: { time },
    });
    await Deno.writeTextFile(path, JSON.stringify(report));
    await watch.next();
    return watch.look?.rates?.perSecond.clientFrames;
  };
  await watch.next();
  assertStringIncludes(watch.notice ?? "", "There is no");
  assertEquals(watch.look, undefined);
  assertEquals(await write(1, 100), undefined);
  assertEquals(watch.notice, undefined);
  assertEquals(await write(2, 150), 50);
  // Nothing new: what was known stays.
  await watch.next();
  assertEquals(watch.look?.rates?.perSecond.clientFrames, 50);
  assertEquals(await write(1, 10, 43), undefined);
  assertEquals(await write(3, 30, 43), 10);
  await Deno.remove(path);
  await watch.next();
  assertStringIncludes(watch.notice ?? "", "There is no");
  assertEquals(watch.look?.report.stats.clientFrames, 30);
  assertEquals(watch.look?.rates, null);
  assertEquals(watch.history.last("requests", 9), [null, 50, null, 10]);
});
