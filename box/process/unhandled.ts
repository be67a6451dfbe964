// watchUnhandled: a rejection that nobody handles, or a throw outside of any handler, is logged and
// counted. By itself Deno would end the process, and with it all clients.

import { describeError } from "../log/describe_error.ts";
import { writeOutLogs } from "../log/log_sink.ts";
import type { Logger } from "../log/logger.ts";

/** What becomes of a process in which an error is handled by nobody. */
export type OnUnhandled = "log" | "exit";

/** The choices, the default first. */
export const ON_UNHANDLED: readonly OnUnhandled[] = ["log", "exit"];

/** Tells what is under way. */
export interface UnhandledWatch extends Disposable {
  /** The start is over; errors before it end the process in any case. */
  started(): void;
}

let count = 0;

/** Errors of this process or thread that nobody has handled. */
export function unhandledErrors(): number {
  return count;
}

/** Logs and counts errors that nobody handles, until it is disposed of. */
export function watchUnhandled(
  logger: Logger,
  mode: OnUnhandled = "log",
): UnhandledWatch {
  let starting = true;
  const onError = (event: Event, what: string, error: unknown) => {
    const ends = starting || mode === "exit";
    // A thread is ended, and its end told, by the main thread, to which the error goes.
    if (ends && "WorkerGlobalScope" in globalThis) return;
    event.preventDefault();
    count++;
    const when = starting ? " while starting" : "";
    logger.error(`${what}${when}: ${describeError(error)}`);
    if (ends) writeOutLogs().then(() => Deno.exit(1));
  };
  const onRejection = (event: Event) =>
    onError(
      event,
      "unhandled rejection, an await may be missing",
      (event as PromiseRejectionEvent).reason,
    );
  const onThrow = (event: Event) => {
    const { error, message } = event as ErrorEvent;
    onError(event, "uncaught error", error ?? message);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onThrow);
  return {
    started: () => starting = false,
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onThrow);
    },
  };
}
