// The one error class of this package.

/**
 * What went wrong, for callers that handle some errors themselves:
 *
 * - `option`: a setting or an argument is wrong: a mistake in the calling code
 * - `connection`: no gateway could be reached, or the connection broke
 * - `timeout`: the time allowed is over
 * - `secret`: the gateway and the trigger do not know the same secret, or one of them has none
 * - `limit`: too many bytes wait to be sent
 * - `closed`: the trigger was closed
 * - `unknown`: the connection was lost, or the time was over, before the receipt came: it may have
 *   been done
 * - `refused`: the gateway says why it has not done it
 * - `unsupported`: the gateway gives no receipts, as those of the original system
 */
export type TriggerErrorCode =
  | "option"
  | "connection"
  | "timeout"
  | "secret"
  | "limit"
  | "closed"
  | "unknown"
  | "refused"
  | "unsupported";

/**
 * The error that this package throws.
 *
 * @example Telling a gateway that is away from a mistake in the call
 * ```ts
 * import { assert } from "@std/assert";
 * import { TriggerError } from "@maple/trigger";
 *
 * function isAway(error: unknown): boolean {
 *   return error instanceof TriggerError && error.code === "timeout";
 * }
 * assert(isAway(new TriggerError("timeout", "Cannot send: not done within 10 s")));
 * ```
 */
export class TriggerError extends Error {
  /** The kind of error. */
  readonly code: TriggerErrorCode;

  /**
   * Makes an error.
   *
   * @param code The kind of error.
   * @param message What was wrong and what was expected.
   * @param options `cause`, where another error is behind this one.
   */
  constructor(code: TriggerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TriggerError";
    this.code = code;
  }
}
