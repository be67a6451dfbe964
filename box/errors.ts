// The one error class of this package.

/**
 * What went wrong, for callers that handle some errors themselves:
 *
 * - `schema`: a header schema or a field name is wrong: a mistake in the calling code
 * - `option`: an option is wrong: a mistake in the calling code
 * - `value`: a value does not fit its field
 * - `body`: a received body is not what it is read as
 * - `frame`: received bytes are no frame
 * - `timeout`: the time allowed for a connect, read or write is over
 * - `closed`: the connection is closed
 * - `limit`: a limit of bytes has been passed
 * - `state`: it is too late, or too early, for this call
 */
export type BoxErrorCode =
  | "schema"
  | "option"
  | "value"
  | "body"
  | "frame"
  | "timeout"
  | "closed"
  | "limit"
  | "state";

/** What a {@linkcode BoxError} is made with, beside its code and message. */
export interface BoxErrorOptions extends ErrorOptions {
  /** See {@linkcode BoxError.maybeDone}. @default {false} */
  maybeDone?: boolean;
}

/**
 * The error that this package throws.
 *
 * @example Telling a timeout from a closed connection
 * ```ts
 * import { assert } from "@std/assert";
 * import { BoxError } from "@maple/box";
 *
 * function isTimeout(error: unknown): boolean {
 *   return error instanceof BoxError && error.code === "timeout";
 * }
 * assert(isTimeout(new BoxError("timeout", "Cannot read: no box within 100 ms")));
 * ```
 */
export class BoxError extends Error {
  /** The kind of error. */
  readonly code: BoxErrorCode;
  /**
   * Of a request that has failed: whether it was sent, so that the server may have carried it out.
   * Where it is false, it was not.
   */
  readonly maybeDone: boolean;

  /**
   * Makes an error.
   *
   * @param code The kind of error.
   * @param message What was wrong and what was expected.
   * @param options `cause`, where another error is behind this one; `maybeDone`.
   */
  constructor(code: BoxErrorCode, message: string, options?: BoxErrorOptions) {
    super(message, options);
    this.name = "BoxError";
    this.code = code;
    this.maybeDone = options?.maybeDone ?? false;
  }
}
