// The one error class of this package.

/**
 * What went wrong, for callers that handle some errors themselves:
 *
 * - `route`: a cmd is no 32-bit integer, or it has another handler already
 * - `hook`: the app has no such hook
 * - `blueprint`: a blueprint has a wrong or taken name
 * - `request`: a request was answered twice, or with what is no answer
 * - `limit`: a message is longer than `outboxBytes`
 * - `option`: a setting is wrong
 * - `listen`: an address cannot be listened on
 * - `state`: it is too late, or too early, for this call
 * - `timeout`: the other processes or threads have not answered a question
 */
export type HavenErrorCode =
  | "route"
  | "hook"
  | "blueprint"
  | "request"
  | "limit"
  | "option"
  | "listen"
  | "state"
  | "timeout";

/**
 * The error that this package throws.
 *
 * @example Telling one kind from the others
 * ```ts
 * import { assert } from "@std/assert";
 * import { HavenError } from "@maple/haven";
 *
 * function isTakenCmd(error: unknown): boolean {
 *   return error instanceof HavenError && error.code === "route";
 * }
 * assert(isTakenCmd(new HavenError("route", "Cannot route cmd 1: it has a handler")));
 * ```
 */
export class HavenError extends Error {
  /** The kind of error. */
  readonly code: HavenErrorCode;

  /**
   * Makes an error.
   *
   * @param code The kind of error.
   * @param message What was wrong and what was expected.
   * @param options `cause`, where another error is behind this one.
   */
  constructor(code: HavenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HavenError";
    this.code = code;
  }
}
