// The log file: put aside when it is full, opened again when it is gone, never in the way.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  createLogger,
  type LoggerOptions,
  reopenLog,
  type RoleLogger,
} from "@maple/box/internal";
import { runProcess } from "../../helpers/process.ts";
import { pathOf, ROOT } from "../../helpers/paths.ts";
import { capturingStderr } from "../../helpers/stderr.ts";

/** A logger to a file of a folder that lives as long as the scope. */
class FileLog implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync();
  readonly file: string = `${this.folder}/maple.log`;
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

  async close(): Promise<void> {
    for (const logger of this.#loggers.splice(0)) {
      await logger[Symbol.asyncDispose]();
    }
  }

  lines(suffix = ""): string[] {
    return Deno.readTextFileSync(this.file + suffix).trimEnd().split("\n");
  }

  /** The messages in a file. */
  messages(suffix = ""): string[] {
    return this.lines(suffix).map((line) => line.replace(/^.*\[\d+\] /, ""));
  }

  files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

// The logger looks once a second whether its file is still there.
function untilItLooks(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1050));
}

Deno.test("createLogger() appends to a file, soon", async () => {
  await using log = new FileLog();
  Deno.writeTextFileSync(log.file, "line of a former life\n");
  const logger = log.open();
  const nothing = await capturingStderr(async () => {
    logger.info("one");
    await logger.writtenOut();
    assertEquals(log.lines().length, 2);
    logger.warn("two");
  });
  assertEquals(nothing, "");
  const lines = log.lines();
  assertEquals(lines[0], "line of a former life");
  assertMatch(lines[1]!, / INFO {2}gateway\[\d+\] one$/);
  assertMatch(lines[2]!, / WARN {2}gateway\[\d+\] two$/);
});

Deno.test("createLogger() puts a full file aside and keeps so many", async () => {
  await using log = new FileLog();
  const logger = log.open({ fileMaxBytes: 200, fileMaxCount: 2 });
  for (let i = 0; i < 20; i++) logger.info(`message ${i} ${"x".repeat(50)}`);
  await log.close();
  assertEquals(log.files(), ["maple.log", "maple.log.1", "maple.log.2"]);
  const kept = ["", ".1", ".2"].flatMap((suffix) => {
    assertEquals(Deno.statSync(log.file + suffix).size <= 200, true);
    return log.lines(suffix).reverse();
  });
  const numbers = kept.map((line) => Number(/message (\d+)/.exec(line)![1]));
  assertEquals(numbers, numbers.map((_, i) => 19 - i), "newest first, no gap");
});

Deno.test("createLogger() counts what is in the file already", async () => {
  await using log = new FileLog();
  Deno.writeTextFileSync(log.file, "y".repeat(190) + "\n");
  log.open({ fileMaxBytes: 200 }).info("new file");
  await log.close();
  assertEquals(log.files(), ["maple.log", "maple.log.1"]);
  assertEquals(log.lines().length, 1);
});

Deno.test("createLogger() goes on in a file that cannot be put aside, and says so", async () => {
  await using log = new FileLog();
  const logger = log.open({ fileMaxBytes: 200, fileMaxCount: 1 });
  // A folder that holds something is in the way.
  Deno.mkdirSync(`${log.file}.1/full`, { recursive: true });
  const told = await capturingStderr(async () => {
    for (let i = 0; i < 4; i++) logger.info(`message ${i} ${"x".repeat(50)}`);
    await log.close();
  });
  assertEquals(log.lines().length, 4);
  assertMatch(told, /^the log file .* is full and cannot be put aside/);
});

Deno.test("createLogger() logs to stderr what a full disk does not take", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using log = new FileLog();
  const logger = log.open({ file: "/dev/full" });
  const text = await capturingStderr(async () => {
    logger.error("important");
    await logger.writtenOut();
    logger.error("just as important");
    await logger.writtenOut();
  });
  assertMatch(
    text,
    / ERROR gateway\[\d+\] important \(not in the log file: No space left.*\)\n.*just as important \(not in/,
  );
});

Deno.test("createLogger() says which file cannot be opened", () => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/below/a/file.log`;
  const open = () => createLogger({ role: "gateway", file });
  assertThrows(open, Error, `Cannot log to ${file}: `);
  Deno.removeSync(folder);
});

Deno.test("createLogger() opens its file again when it was renamed, and makes its folder when that was removed", async () => {
  await using log = new FileLog();
  const file = `${log.folder}/logs/maple.log`;
  Deno.mkdirSync(`${log.folder}/logs`);
  const logger = log.open({ file });
  logger.info("one");
  await logger.writtenOut();
  Deno.renameSync(file, log.file);
  await untilItLooks();
  logger.info("two");
  await logger.writtenOut();
  assertEquals(log.messages(), ["one"]);
  assertMatch(Deno.readTextFileSync(file), / two\n$/);
  Deno.removeSync(`${log.folder}/logs`, { recursive: true });
  await untilItLooks();
  logger.info("three");
  await logger.writtenOut();
  assertMatch(Deno.readTextFileSync(file), /^[^\n]* three\n$/);
});

Deno.test("reopenLog() opens the file again at once, also when no line comes", async () => {
  await using log = new FileLog();
  const logger = log.open();
  logger.info("one");
  await logger.writtenOut();
  Deno.renameSync(log.file, `${log.file}.old`);
  reopenLog(logger);
  await logger.writtenOut();
  assertEquals(log.files(), ["maple.log", "maple.log.old"]);
  logger.info("two");
  await logger.writtenOut();
  assertEquals(log.messages(".old"), ["one"]);
  assertEquals(log.messages(), ["two"]);
});

Deno.test(
  "reopenLog() keeps a file that has its name still and cannot be opened again",
  {
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    await using log = new FileLog();
    const logger = log.open();
    logger.info("one");
    await logger.writtenOut();
    const real = Deno.open;
    Deno.open = () => Promise.reject(new Deno.errors.PermissionDenied("no"));
    try {
      reopenLog(logger);
      logger.info("two");
      await logger.writtenOut();
    } finally {
      Deno.open = real;
    }
    assertEquals(log.messages(), ["one", "two"]);
  },
);

Deno.test("createLogger() logs to its file also when the file is closed and somebody has a last word", async () => {
  await using log = new FileLog();
  const logger = log.open();
  logger.info("before");
  await log.close();
  logger.error("the last word");
  await logger.writtenOut();
  assertEquals(log.messages(), ["before", "the last word"]);
});

Deno.test("what was logged is in the file when the program ends at once", async () => {
  await using log = new FileLog();
  const module = new URL(`file://${pathOf("../../box/internal_mod.ts")}`).href;
  const { code, stderr } = await runProcess(Deno.execPath(), {
    args: [
      ...["eval", "--quiet", "--config", `${ROOT}/deno.json`],
      `import { createLogger } from ${JSON.stringify(module)};
       const logger = createLogger({ role: "a", file: ${
        JSON.stringify(log.file)
      } });
       const other = createLogger({ role: "b" });
       for (let i = 0; i < 100; i++) { logger.info("f" + i); other.info("e" + i); }
       Deno.exit(7);`,
    ],
  });
  assertEquals(code, 7, stderr);
  assertEquals(log.messages(), Array.from({ length: 100 }, (_, i) => `f${i}`));
  assert(stderr.endsWith(" e99\n"), stderr);
});
