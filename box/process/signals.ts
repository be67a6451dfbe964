// followSignals: what signals do to a process of an app, until it is over.

import { followLogSignals } from "../log/log_signals.ts";
import type { Logger, LogLevel } from "../log/logger.ts";

/** The signals that can be given the meaning of TERM, as `stopSignal`. */
export const STOP_SIGNALS = [
  "SIGUSR1",
  "SIGUSR2",
  "SIGINT",
  "SIGQUIT",
] as const;

/** One of {@linkcode STOP_SIGNALS}. */
export type StopSignal = typeof STOP_SIGNALS[number];

/** What a process does at signals; what is not named is left to the system. */
export interface SignalActions {
  /** Leaves in order. */
  SIGTERM: () => void;
  /** Ctrl-C. */
  SIGINT: () => void;
  /** Ends at once. */
  SIGQUIT: () => void;
  /** Reloads. */
  SIGHUP?: () => void;
}

/** How signals are followed. */
export interface FollowOptions {
  /** A signal that does what TERM does, whatever else it would do. */
  readonly stopSignal: StopSignal | undefined;
  /** Whose level USR1 and USR2 change. */
  readonly logger: Logger;
  /** Called with the new level. */
  readonly onLevel: (level: LogLevel) => void;
}

/**
 * Calls the actions at their signals, and changes the level of the log at USR1 and USR2, until it
 * is disposed of.
 */
export function followSignals(
  actions: SignalActions,
  { stopSignal, logger, onLevel }: FollowOptions,
): Disposable {
  const stop = actions.SIGTERM;
  const stops = stopSignal && { [stopSignal]: stop };
  const byUser = stopSignal === "SIGUSR1" || stopSignal === "SIGUSR2";
  const stack = new DisposableStack();
  // USR1 is more than a signal for Deno, so the log's part of it has both.
  stack.use(followLogSignals(logger, onLevel, byUser ? stops : {}));
  const all = byUser ? actions : { ...actions, ...stops };
  for (const [signal, action] of Object.entries(all)) {
    // Windows knows only this one.
    if (Deno.build.os === "windows" && signal !== "SIGINT") continue;
    Deno.addSignalListener(signal as Deno.Signal, action);
    stack.defer(() => Deno.removeSignalListener(signal as Deno.Signal, action));
  }
  return stack;
}
