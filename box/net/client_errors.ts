// The errors of a Client that is closed, or whose connection is lost.

import { BoxError } from "../errors.ts";

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Its connection is lost. */
export function lostBy(reason: string): BoxError {
  return new BoxError("closed", `the connection is lost (${reason})`);
}

/** It is closed for good. */
export function closed(what: string): BoxError {
  return new BoxError("closed", `Cannot ${what}: the client is closed`);
}
