// runChild: one of several processes of a gateway, as it is started by its parent.

import {
  CHILD_ENV,
  ControlClient,
  createLogger,
  flushLog,
  followLogSignals,
  type LogLevel,
  type RoleLogger,
  setLogLevel,
  setProcessName,
  stopLimitMs,
  takeEarlyWatch,
  takeEnv,
  watchMaster,
  watchUnhandled,
} from "@maple/box/internal";
import { dropPermissions } from "../drop_permissions.ts";
import { GatewayError } from "../errors.ts";
import { Gateway } from "../gateway.ts";
import { reportOf } from "../metrics/report.ts";
import { reload } from "../reload.ts";
import { changersOf, renewFiles } from "../renewing.ts";
import type { Settings } from "../settings.ts";
import { busOf, childSettings, type Given } from "./child_settings.ts";
import type { ChildTask, ChildTold } from "./told.ts";

/** How a child finds its parent. */
export interface ChildPlace {
  /** Which of the processes it is, from 1. */
  readonly index: number;
  /** Where its parent waits for its line. */
  readonly port: number;
  /** What its parent knows it by. */
  readonly token: string;
}

/** What this process was told by a parent; undefined when it has none. */
export function takePlace(): ChildPlace | undefined {
  const index = takeEnv(CHILD_ENV.INDEX);
  const control = takeEnv(CHILD_ENV.CONTROL);
  if (index === undefined || control === undefined) return undefined;
  const [port, token] = control.split(":");
  return { index: Number(index), port: Number(port), token: token! };
}

/**
 * Serves until the parent says otherwise, or is gone.
 *
 * @returns The exit code.
 * @throws {GatewayError} with one line, when it cannot start.
 */
export async function runChild(
  { index, port, token }: ChildPlace,
  { isProgram }: { readonly isProgram: boolean },
): Promise<number> {
  setProcessName(processName(index));
  using _watch = takeEarlyWatch() ?? watchMaster(port, stopLimitMs(0));
  const first = Promise.withResolvers<ChildTask>();
  // Where it is told nothing, it may not have come so far as to wait for it.
  first.promise.catch(() => {});
  const child = new Child(index);
  // What comes to all processes at once, as Ctrl-C does, comes by way of the parent as well.
  using _signals = ignoring("SIGINT", "SIGHUP");
  Deno.addSignalListener("SIGTERM", () => child.leave());
  const connecting = ControlClient.connect(port, { token, index }, {
    onMasterGone: () => {
      child.leave("the parent is gone: leaving");
      first.reject(new GatewayError("The parent is gone"));
    },
    onMessage: ({ told, hurry, logLevel }) => {
      const { task, settings, report } = (told ?? {}) as ChildTold;
      if (task) first.resolve(task);
      if (settings) child.reload(settings);
      if (report) child.report(line);
      if (hurry) child.hurry();
      if (logLevel !== undefined) child.setLogLevel(logLevel);
    },
  });
  const line = await connecting;
  try {
    await child.serve(await first.promise, { isProgram, line });
  } finally {
    line.close();
  }
  return 0;
}

/** The gateway of one process. */
class Child {
  readonly #index: number;
  #given: Given | undefined;
  #settings: Settings | undefined;
  #logger: RoleLogger | undefined;
  #logLevel: LogLevel | undefined;
  #gateway: Gateway | undefined;
  // What came while it was starting.
  #pending: Settings | undefined;
  #serves = false;
  #isLeaving = false;

  constructor(index: number) {
    this.#index = index;
  }

  /** Serves until it is told to leave, and has left. */
  async serve(
    task: ChildTask,
    { isProgram, line }: {
      readonly isProgram: boolean;
      readonly line: ControlClient;
    },
  ): Promise<void> {
    if (this.#isLeaving) return;
    const given = this.#given = { ...task, index: this.#index };
    const settings = this.#settings = this.#settingsOf(task.settings);
    const logger = this.#logger = createLogger({
      role: `gateway-${this.#index}`,
      level: this.#logLevel ?? settings.logLevel,
      format: settings.logFormat,
    });
    using unhandled = watchUnhandled(logger);
    using _levels = followLogSignals(logger);
    const gateway = this.#gateway = new Gateway({
      ...settings.gateway,
      bus: busOf(settings, given),
      logger,
    });
    gateway.handover.endsThen = true;
    try {
      await gateway.listen();
    } catch (error) {
      if (this.#isLeaving) return;
      throw error;
    }
    this.#serves = true;
    if (this.#pending) this.reload(this.#pending);
    line.sendStats(reportOf(gateway, { addresses: true }));
    line.send({ ready: true });
    unhandled.started();
    // To run programs too: older versions of Deno then do not let the thread that watches the
    // parent end this process, which matters only where its event loop stands still for good.
    if (isProgram) dropPermissions(settings);
    // As the parent has said, or an admin has asked.
    await Promise.race([gateway.finished, gateway.replaced]);
    if (gateway.isReplaced) await gateway.close();
    await flushLog(logger);
  }

  /** Leaves in order; or at once where another has its place and it is asked a second time. */
  leave(why?: string): void {
    if (why !== undefined) this.#logger?.warn(why);
    if (this.#isLeaving) {
      if (why === undefined && this.#gateway?.isReplaced) this.hurry();
      return;
    }
    this.#isLeaving = true;
    // Who waits for its end hears of it.
    this.#gateway?.close().catch(() => {});
  }

  /** Closes at once. */
  hurry(): void {
    this.#isLeaving = true;
    this.#gateway?.closeNow().catch(() => {});
  }

  /** Goes by other settings, those of the whole gateway, as far as that can be. */
  reload(settings: Settings): void {
    const [before, logger, gateway] = [
      this.#settings,
      this.#logger,
      this.#gateway,
    ];
    if (!this.#serves || !before || !logger || !gateway) {
      this.#pending = settings;
      return;
    }
    this.#settings = reload(before, {
      read: () => this.#settingsOf(settings),
      logger,
      // The parent has told already what changes.
      tell: (line) => logger.debug(line),
      changers: changersOf(gateway),
      renew: (now) => renewFiles(gateway, now),
    });
  }

  /** Tells how it is. */
  report(line: ControlClient): void {
    const gateway = this.#gateway;
    if (gateway) line.sendStats(reportOf(gateway, { addresses: true }));
  }

  /** Logs as much as the parent does. */
  setLogLevel(level: LogLevel): void {
    this.#logLevel = level;
    if (this.#logger) setLogLevel(this.#logger, level);
  }

  #settingsOf(settings: Settings): Settings {
    return childSettings(settings, this.#given!);
  }
}

function ignoring(...signals: Deno.Signal[]): Disposable {
  const ignore = () => {};
  for (const signal of signals) Deno.addSignalListener(signal, ignore);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, ignore);
    },
  };
}

// The system knows 15 characters of it.
function processName(index: number): string {
  return index < 10 ? `maple-gateway-${index}` : `maple-gateway${index}`;
}
