// Answer: what a handler may return.

import type { BodyInput, BoxInit, BoxOf } from "@maple/box";

/**
 * An answer to a request: the fields of a box, which is then the request's box `map`ped to them; a
 * box, sent as it is; or bytes or text, which are the body.
 */
export type Answer<F extends object> =
  | BoxOf<F>
  | (keyof F extends never ? { body?: BodyInput } : BoxInit<F>)
  | Uint8Array
  | string;

/**
 * What a handler may return: an {@linkcode Answer}, which is sent unless the request was answered
 * before; nothing, or the `boolean` that many functions of a request give; or a promise of these.
 */
export type Returned<F extends object> =
  | Answer<F>
  | boolean
  | void
  | Promise<Answer<F> | boolean | void>;
