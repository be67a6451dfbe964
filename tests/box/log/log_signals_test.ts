// followLogSignals() and setLogLevel() with loggers that are not maple's.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { setLogLevel } from "@maple/box/internal";
import { pathOf } from "../../helpers/paths.ts";
import { runProcess } from "../../helpers/process.ts";

const MODULE = JSON.stringify(pathOf("../../box/internal_mod.ts"));

function run(code: string) {
  return runProcess(Deno.execPath(), { args: ["eval", "--quiet", code] });
}

Deno.test({
  name:
    "followLogSignals() leaves a logger of somebody else alone and the program alive",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { code, stdout } = await run(`
      const { followLogSignals, SILENT } = await import(${MODULE});
      const told = Promise.withResolvers();
      const logger = { ...SILENT, info: told.resolve };
      using _ = followLogSignals(logger, () => console.log("changed"));
      const alive = setInterval(() => {}, 1000);
      Deno.kill(Deno.pid, "SIGUSR2");
      console.log(await told.promise);
      clearInterval(alive);
    `);
    assertEquals([code, stdout], [
      0,
      ["SIGUSR2: the level of this log is not maple's to change"],
    ]);
  },
});

Deno.test({
  name: "followLogSignals() listens until it is disposed",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { stdout, stderr } = await run(`
      const { createLogger, followLogSignals } = await import(${MODULE});
      const changed = Promise.withResolvers();
      const logger = createLogger({ role: "test" });
      const levels = followLogSignals(logger, changed.resolve);
      const alive = setInterval(() => {}, 1000);
      Deno.kill(Deno.pid, "SIGUSR2");
      console.log(await changed.promise, logger.level);
      levels[Symbol.dispose]();
      // Nobody listens any more: the system ends the program.
      Deno.kill(Deno.pid, "SIGUSR2");
      setTimeout(() => console.log("still there"), 1000);
    `);
    assertEquals(stdout, ["WARN WARN"]);
    assertStringIncludes(stderr, "log level WARN (SIGUSR2)");
  },
});

Deno.test("setLogLevel() does nothing to a logger of somebody else", () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  setLogLevel({ debug: log, info: log, warn: log, error: log }, "DEBUG");
  assertEquals(lines, []);
});
