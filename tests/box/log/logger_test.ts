import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  createLogger,
  flushLog,
  LOG_LEVELS,
  type Logger,
  type LoggerOptions,
  type RoleLogger,
  SILENT,
} from "@maple/box/internal";

/** What is written to stderr while the body runs. */
function capturingStderr(
  body: () => void,
  write?: (bytes: Uint8Array) => number,
): string {
  let text = "";
  const stderr = Deno.stderr;
  Object.assign(stderr, {
    writeSync(bytes: Uint8Array): number {
      const count = write ? write(bytes) : bytes.length;
      text += new TextDecoder().decode(bytes.subarray(0, count));
      return count;
    },
  });
  try {
    body();
  } finally {
    Reflect.deleteProperty(stderr, "writeSync");
  }
  return text;
}

/** A logger to a file of a folder that lives as long as the scope. */
class FileLog implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly file = `${this.#folder}/maple.log`;
  readonly #loggers: RoleLogger[] = [];

  open(options: Partial<LoggerOptions> = {}): RoleLogger {
    const logger = createLogger({
      role: "gateway",
      file: this.file,
      ...options,
    });
    this.#loggers.push(logger);
    return logger;
  }

  close(): void {
    for (const logger of this.#loggers.splice(0)) logger[Symbol.dispose]();
  }

  lines(suffix = ""): string[] {
    return Deno.readTextFileSync(this.file + suffix).trimEnd().split("\n");
  }

  files(): string[] {
    return [...Deno.readDirSync(this.#folder)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    this.close();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function logAll(logger: Logger): void {
  logger.debug("a debug message");
  logger.info("an info message");
  logger.warn("a warning");
  logger.error("an error");
}

Deno.test("createLogger() writes a line for each event to stderr", () => {
  const logger = createLogger({ role: "worker" });
  const text = capturingStderr(() => {
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

Deno.test("createLogger() tells the time of the event, in local time", () => {
  const event = new Date("2026-01-31T23:59:59.123Z");
  using _ = new FakeTime(event);
  const logger = createLogger({ role: "worker" });
  const text = capturingStderr(() => logger.info("now"));
  const time = text.slice(0, text.indexOf(" "));
  assertEquals(new Date(time).getTime(), event.getTime());
  const hour = String(event.getHours()).padStart(2, "0");
  assertEquals(time.slice(11, 13), hour);
});

for (const [i, level] of LOG_LEVELS.entries()) {
  Deno.test(`createLogger() logs ${level} and above with level ${level}`, () => {
    const logger = createLogger({ role: "trigger", level });
    const text = capturingStderr(() => logAll(logger));
    const names = text.trimEnd().split("\n").map((line) => line.split(" ")[1]);
    assertEquals<unknown>(names, LOG_LEVELS.slice(i));
  });
}

Deno.test("createLogger() logs INFO and above by default", () => {
  const logger = createLogger({ role: "trigger" });
  const text = capturingStderr(() => logAll(logger));
  assertEquals(text.trimEnd().split("\n").length, 3);
});

Deno.test("createLogger() goes on where stderr takes a part of a line", () => {
  const logger = createLogger({ role: "worker" });
  const text = capturingStderr(
    () => logger.info("a longer message"),
    (bytes) => Math.min(bytes.length, 7),
  );
  assertMatch(text, /a longer message\n$/);
});

Deno.test("createLogger() survives a stderr that is closed", () => {
  const logger = createLogger({ role: "worker" });
  const text = capturingStderr(() => logger.info("lost"), () => {
    throw new Deno.errors.BrokenPipe("Broken pipe");
  });
  assertEquals(text, "");
});

Deno.test("createLogger() appends to a file, each line at once", () => {
  using log = new FileLog();
  Deno.writeTextFileSync(log.file, "line of a former life\n");
  const logger = log.open();
  const nothing = capturingStderr(() => {
    logger.info("one");
    assertEquals(log.lines().length, 2);
    logger.warn("two");
  });
  assertEquals(nothing, "");
  const lines = log.lines();
  assertEquals(lines[0], "line of a former life");
  assertMatch(lines[1]!, / INFO {2}gateway\[\d+\] one$/);
  assertMatch(lines[2]!, / WARN {2}gateway\[\d+\] two$/);
});

Deno.test("createLogger() puts a full file aside and keeps so many", () => {
  using log = new FileLog();
  const logger = log.open({ fileMaxBytes: 200, fileMaxCount: 2 });
  for (let i = 0; i < 20; i++) logger.info(`message ${i} ${"x".repeat(50)}`);
  assertEquals(log.files(), ["maple.log", "maple.log.1", "maple.log.2"]);
  const kept = ["", ".1", ".2"].flatMap((suffix) => {
    assertEquals(Deno.statSync(log.file + suffix).size <= 200, true);
    return log.lines(suffix).reverse();
  });
  const numbers = kept.map((line) => Number(/message (\d+)/.exec(line)![1]));
  assertEquals(numbers, numbers.map((_, i) => 19 - i), "newest first, no gap");
});

Deno.test("createLogger() counts what is in the file already", () => {
  using log = new FileLog();
  Deno.writeTextFileSync(log.file, "y".repeat(190) + "\n");
  log.open({ fileMaxBytes: 200 }).info("new file");
  assertEquals(log.files(), ["maple.log", "maple.log.1"]);
  assertEquals(log.lines().length, 1);
});

Deno.test("createLogger() logs to stderr what a file does not take", () => {
  using log = new FileLog();
  const logger = log.open();
  const real = Deno.FsFile.prototype.writeSync;
  Object.assign(Deno.FsFile.prototype, {
    writeSync() {
      throw new Error("No space left on device");
    },
  });
  try {
    const text = capturingStderr(() => logger.error("important"));
    assertMatch(
      text,
      / ERROR gateway\[\d+\] important \(not in the log file: No space left on device\)\n$/,
    );
  } finally {
    Object.assign(Deno.FsFile.prototype, { writeSync: real });
  }
});

Deno.test("createLogger() says which file cannot be opened", () => {
  using log = new FileLog();
  const file = `${log.file}/below/a/file.log`;
  assertThrows(() => log.open({ file }), Error, `Cannot log to ${file}: `);
});

Deno.test("createLogger() with format json writes an object a line", () => {
  const event = new Date("2026-01-31T23:59:59.123Z");
  using _ = new FakeTime(event);
  const logger = createLogger({ role: "worker-1", format: "json" });
  const text = capturingStderr(() => {
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

Deno.test("createLogger() tells the connection in text too", () => {
  const logger = createLogger({ role: "gateway" });
  const text = capturingStderr(() => {
    logger.warn("closed", { conn: 12 });
    logger.warn("closed", {});
  });
  assertMatch(
    text,
    / WARN {2}gateway\[\d+\] conn=12 closed\n.* WARN {2}gateway\[\d+\] closed\n$/,
  );
});

Deno.test("createLogger() keeps an event in one line of text, whatever is in it", () => {
  const logger = createLogger({ role: "worker" });
  const text = capturingStderr(() =>
    logger.error("threw: Error: x\n    at f (a.ts:1:2)\r\n\x1b[31mred\x07\x9b")
  );
  assertMatch(
    text,
    / worker\[\d+\] threw: Error: x \| at f \(a\.ts:1:2\) \| \\x1b\[31mred\\x07\\x9b\n$/,
  );
});

Deno.test("createLogger() counts warnings and errors in a storm, and tells the count when it is disposed", () => {
  const logger = createLogger({ role: "gateway", level: "DEBUG" });
  const text = capturingStderr(() => {
    for (let i = 0; i < 100; i++) {
      logger.error(`client ${i} broke`, { conn: i });
      logger.debug(`look ${i}`);
      logger.info(`told ${i}`);
    }
    logger[Symbol.dispose]();
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

Deno.test("RoleLogger.setLevel() changes what is logged and tells it at every level", () => {
  const logger = createLogger({ role: "gateway" });
  for (
    const [level, count] of [["DEBUG", 4], ["ERROR", 1], ["WARN", 2]] as const
  ) {
    const text = capturingStderr(() => {
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

Deno.test("createLogger() logs to its file also when the program ends and the file is closed", () => {
  using log = new FileLog();
  const logger = log.open();
  logger.info("before");
  log.close();
  logger.error("the last word");
  const [, last, ...rest] = log.lines();
  assertMatch(last!, / ERROR gateway\[\d+\] the last word$/);
  assertEquals(rest, []);
});

Deno.test("flushLog() writes what was counted and lets other loggers be", () => {
  const logger = createLogger({ role: "gateway" });
  const text = capturingStderr(() => {
    for (let i = 0; i < 7; i++) logger.warn("again");
    flushLog(logger);
    flushLog(SILENT);
  });
  assertMatch(text, / again \(and 1 more like it in the last second\)\n$/);
});

Deno.test("SILENT drops everything", () => {
  assertEquals(capturingStderr(() => logAll(SILENT)), "");
});
