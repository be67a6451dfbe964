// The answer to a request as a box, or as the bytes that are sent.

import type { BoxClass, BoxData, BoxInit, BoxOf } from "@maple/box";
import { packTransient } from "@maple/box/internal";
import { HavenError } from "./errors.ts";

/** What an answer needs of its request. */
interface Answered<F extends object> {
  /** What was received. */
  readonly box: BoxOf<F>;
}

/**
 * The answer as a box.
 *
 * @throws {HavenError} as {@linkcode answerFrame}.
 */
export function answerBox<F extends object>(
  request: Answered<F>,
  data: BoxData<F>,
): BoxOf<F> {
  if (!(data instanceof Uint8Array)) return toOwnBox(request, data);
  return boxClassOf(request).fromFrame(answerFrame(request, data));
}

/**
 * The answer packed, valid until the next one is.
 *
 * @throws {HavenError} `request` when bytes are not one whole frame.
 */
export function answerFrame<F extends object>(
  request: Answered<F>,
  data: BoxData<F>,
): Uint8Array {
  if (!(data instanceof Uint8Array)) {
    return packTransient(toOwnBox(request, data));
  }
  const used = boxClassOf(request).check(data, Infinity);
  if (used <= 0 || used !== data.length) {
    throw new HavenError(
      "request",
      `Cannot answer ${request}: ${data.length} bytes are not one whole frame`,
    );
  }
  return data;
}

function toOwnBox<F extends object>(
  request: Answered<F>,
  data: BoxOf<F> | BoxInit<F>,
): BoxOf<F> {
  return data instanceof boxClassOf(request)
    ? data as BoxOf<F>
    : request.box.map(data as BoxInit<F>);
}

function boxClassOf<F extends object>({ box }: Answered<F>): BoxClass<F> {
  return box.constructor as BoxClass<F>;
}
