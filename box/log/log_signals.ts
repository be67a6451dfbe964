// Log levels at run time: USR1 logs more, USR2 logs less.

import inspector from "node:inspector";
import {
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  RoleLogger,
} from "./logger.ts";

// When to look whether the signal has opened a debugger: it may come up a little after the signal
// has arrived.
const LOOKS_MS = [0, 5, 20, 100, 1000];

/** What a signal does that would else change the level. */
export type InsteadOfLevel = Partial<
  Record<"SIGUSR1" | "SIGUSR2", () => void>
>;

/**
 * Makes USR1 log more and USR2 log less, one level each, until it is disposed. No effect on
 * Windows.
 *
 * @param logger One of `createLogger`; the level of another is its owner's affair.
 * @param onChange Called with the new level.
 * @param instead What one of the signals does instead.
 */
export function followLogSignals(
  logger: Logger,
  onChange: (level: LogLevel) => void = () => {},
  instead: InsteadOfLevel = {},
): Disposable {
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  const step = (signal: "SIGUSR1" | "SIGUSR2", by: number) => {
    if (instead[signal]) {
      instead[signal]();
      return;
    }
    if (!(logger instanceof RoleLogger)) {
      logger.info(`${signal}: the level of this log is not maple's to change`);
      return;
    }
    const at = LOG_LEVELS.indexOf(logger.level) + by;
    const last = LOG_LEVELS.length - 1;
    const level = LOG_LEVELS[Math.min(Math.max(at, 0), last)]!;
    logger.setLevel(level, signal);
    onChange(level);
  };
  const debuggerWanted = debuggerUrl() !== undefined;
  const more = () => {
    if (!debuggerWanted) { for (const ms of LOOKS_MS) closeDebuggerAfter(ms); }
    step("SIGUSR1", -1);
  };
  const less = () => step("SIGUSR2", 1);
  Deno.addSignalListener("SIGUSR1", more);
  Deno.addSignalListener("SIGUSR2", less);
  return {
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGUSR1", more);
      Deno.removeSignalListener("SIGUSR2", less);
    },
  };
}

/**
 * Sets the level that another process or thread has told; no effect on a logger that `createLogger`
 * has not made.
 */
export function setLogLevel(logger: Logger, level: LogLevel): void {
  if (!(logger instanceof RoleLogger) || logger.level === level) return;
  logger.setLevel(level, "as the master");
}

// Deno 2.9.2 and later take USR1, besides, for the wish to debug, and open a port on loopback by
// which anybody on the machine can run code in this process. Nobody who wants to see more of the
// log wants that.
function closeDebuggerAfter(ms: number): void {
  const look = () => {
    if (debuggerUrl() !== undefined) inspector.close();
  };
  if (ms === 0) look();
  else Deno.unrefTimer(setTimeout(look, ms));
}

function debuggerUrl(): string | undefined {
  try {
    // Looking without the permission would ask for it.
    const { state } = Deno.permissions.querySync(
      {
        name: "sys",
        kind: "inspector",
      } as unknown as Deno.SysPermissionDescriptor,
    );
    return state === "granted" ? inspector.url() ?? undefined : undefined;
  } catch {
    // A Deno that knows neither the permission nor the debugger by signal.
    return undefined;
  }
}
