import { assertEquals, assertMatch } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  createLogger,
  flushLog,
  LOG_LEVELS,
  type Logger,
  SILENT,
} from "@maple/box/internal";
import { capturingStderr } from "../../helpers/stderr.ts";

function logAll(logger: Logger): void {
  logger.debug("a debug message");
  logger.info("an info message");
  logger.warn("a warning");
  logger.error("an error");
}

Deno.test("createLogger() writes a line for each event to stderr", async () => {
  const logger = createLogger({ role: "worker" });
  const text = await capturingStderr(() => {
    logger.info("grüße");
    logger.error("failed");
  });
  const [one, two, rest] = text.split("\n");
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d`;
  assertMatch(
    one!,
    new RegExp(`^${time} INFO  worker\\[${Deno.pid}\\] grüße$`),
  );
  assertMatch(
    two!,
    new RegExp(`^${time} ERROR worker\\[${Deno.pid}\\] failed$`),
  );
  assertEquals(rest, "");
});

Deno.test("createLogger() tells the time of the event, in local time", async () => {
  const event = new Date("2026-01-31T23:59:59.123Z");
  using _ = new FakeTime(event);
  const logger = createLogger({ role: "worker" });
  const text = await capturingStderr(() => logger.info("now"));
  const time = text.slice(0, text.indexOf(" "));
  assertEquals(new Date(time).getTime(), event.getTime());
  const hour = String(event.getHours()).padStart(2, "0");
  assertEquals(time.slice(11, 13), hour);
});

for (const [i, level] of LOG_LEVELS.entries()) {
  Deno.test(`createLogger() logs ${level} and above with level ${level}`, async () => {
    const logger = createLogger({ role: "trigger", level });
    const text = await capturingStderr(() => logAll(logger));
    const names = text.trimEnd().split("\n").map((line) => line.split(" ")[1]);
    assertEquals<unknown>(names, LOG_LEVELS.slice(i));
  });
}

Deno.test("createLogger() logs INFO and above by default", async () => {
  const logger = createLogger({ role: "trigger" });
  const text = await capturingStderr(() => logAll(logger));
  assertEquals(text.trimEnd().split("\n").length, 3);
});

Deno.test("createLogger() goes on where stderr takes a part of a line", async () => {
  const logger = createLogger({ role: "worker" });
  const text = await capturingStderr(
    () => logger.info("a longer message"),
    (bytes) => Math.min(bytes.length, 7),
  );
  assertMatch(text, /a longer message\n$/);
});

Deno.test("createLogger() survives a stderr that is closed", async () => {
  const logger = createLogger({ role: "worker" });
  const text = await capturingStderr(() => logger.info("lost"), () => {
    throw new Deno.errors.BrokenPipe("Broken pipe");
  });
  assertEquals(text, "");
});

Deno.test("createLogger() with format json writes an object a line", async () => {
  const event = new Date("2026-01-31T23:59:59.123Z");
  using _ = new FakeTime(event);
  const logger = createLogger({ role: "worker-1", format: "json" });
  const text = await capturingStderr(() => {
    logger.info('two\nlines and a "quote"');
    logger.warn("about a client", { conn: 7 });
    logger.error("about another", { conn: 2n ** 60n });
    logger.info("about nobody", { conn: undefined });
  });
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  const common = { role: "worker-1", pid: Deno.pid };
  for (const line of lines) {
    assertMatch(line.time, /^[\d-]{10}T[\d:]{8}\.123[+-]\d\d:\d\d$/);
    assertEquals(new Date(line.time).getTime(), event.getTime());
    delete line.time;
  }
  assertEquals(lines, [
    { level: "INFO", ...common, message: 'two\nlines and a "quote"' },
    { level: "WARN", ...common, conn: 7, message: "about a client" },
    {
      level: "ERROR",
      ...common,
      conn: `${2n ** 60n}`,
      message: "about another",
    },
    { level: "INFO", ...common, message: "about nobody" },
  ]);
});

Deno.test("createLogger() tells the connection in text too", async () => {
  const logger = createLogger({ role: "gateway" });
  const text = await capturingStderr(() => {
    logger.warn("closed", { conn: 12 });
    logger.warn("closed", {});
  });
  assertMatch(
    text,
    / WARN {2}gateway\[\d+\] conn=12 closed\n.* WARN {2}gateway\[\d+\] closed\n$/,
  );
});

Deno.test("createLogger() keeps an event in one line of text, whatever is in it", async () => {
  const logger = createLogger({ role: "worker" });
  const text = await capturingStderr(() =>
    logger.error("threw: Error: x\n    at f (a.ts:1:2)\r\n\x1b[31mred\x07\x9b")
  );
  assertMatch(
    text,
    / worker\[\d+\] threw: Error: x \| at f \(a\.ts:1:2\) \| \\x1b\[31mred\\x07\\x9b\n$/,
  );
});

Deno.test("createLogger() counts warnings and errors in a storm, and tells the count when it is disposed", async () => {
  const logger = createLogger({ role: "gateway", level: "DEBUG" });
  const text = await capturingStderr(() => {
    for (let i = 0; i < 100; i++) {
      logger.error(`client ${i} broke`, { conn: i });
      logger.debug(`look ${i}`);
      logger.info(`told ${i}`);
    }
    return logger[Symbol.asyncDispose]();
  });
  const lines = text.trimEnd().split("\n");
  const errors = lines.filter((line) => line.includes(" ERROR "));
  assertEquals(errors.length, 6);
  assertMatch(
    errors[5]!,
    / conn=99 client 99 broke \(and 94 more like it in the last second\)$/,
  );
  assertEquals(lines.length, 206, "DEBUG and INFO are never counted");
});

Deno.test("RoleLogger.setLevel() changes what is logged and tells it at every level", async () => {
  const logger = createLogger({ role: "gateway" });
  for (
    const [level, count] of [["DEBUG", 4], ["ERROR", 1], ["WARN", 2]] as const
  ) {
    const text = await capturingStderr(() => {
      logger.setLevel(level, "for a test");
      logAll(logger);
    });
    const [first, ...lines] = text.trimEnd().split("\n");
    assertMatch(
      first!,
      new RegExp(
        ` INFO {2}gateway\\[\\d+\\] log level ${level} \\(for a test\\)$`,
      ),
    );
    assertEquals([logger.level, lines.length], [level, count]);
  }
});

Deno.test("flushLog() writes what was counted and lets other loggers be", async () => {
  const logger = createLogger({ role: "gateway" });
  const text = await capturingStderr(() => {
    for (let i = 0; i < 7; i++) logger.warn("again");
    return Promise.all([flushLog(logger), flushLog(SILENT)]);
  });
  assertMatch(text, / again \(and 1 more like it in the last second\)\n$/);
});

Deno.test("SILENT drops everything", async () => {
  assertEquals(await capturingStderr(() => logAll(SILENT)), "");
});
