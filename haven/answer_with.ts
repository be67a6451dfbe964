// answerWith: what a handler has returned, as the answer to its request.

import { HavenError } from "./errors.ts";
import type { AnyRequest } from "./request.ts";

/**
 * Answers a request with what its handler returned, unless that is nothing or the request was
 * answered before.
 *
 * @throws {HavenError} `request` when a handler may not return such a thing, and as `reply`.
 */
export function answerWith(
  request: AnyRequest,
  returned: unknown,
): void {
  if (returned === undefined || request.responded) return;
  if (typeof returned === "string" || returned instanceof Uint8Array) {
    request.reply({ body: returned });
  } else if (typeof returned === "object") {
    // The promises of `reply` need no waiting for.
    if (returned === null || returned instanceof Promise) return;
    request.reply(returned);
  } else if (typeof returned !== "boolean") {
    throw new HavenError(
      "request",
      `Cannot answer ${request} with the ${typeof returned} that its handler returned: return fields, a box, bytes, a string or nothing`,
    );
  }
}
