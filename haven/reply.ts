// Reply: an answer that is thrown.

import type { Answer } from "./answer.ts";
import type { BoxFields } from "@maple/box";

/**
 * An answer that is thrown, from any depth below a handler or a hook of a request: the request is
 * answered with it, unless it was answered before, and nothing is logged. In a hook before the
 * handler it works as `request.interrupt`.
 *
 * The hooks afterRequest and error see it as they see any throw.
 *
 * @typeParam F The fields of the box's header.
 *
 * @example
 * ```ts
 * import { type AppRequest, Reply } from "@maple/haven";
 *
 * function coinsOf(request: AppRequest): number {
 *   const { coins } = request.box.json<{ coins: number }>();
 *   if (!(coins > 0)) throw new Reply({ ret: -5, body: "coins must be positive" });
 *   return coins;
 * }
 * ```
 */
export class Reply<F extends object = BoxFields> extends Error {
  /** What the request is answered with. */
  readonly answer: Answer<F>;

  /**
   * Makes an answer to be thrown.
   *
   * @param answer What a handler may return: fields, a box, or the bytes or text of a body.
   */
  constructor(answer: Answer<NoInfer<F>>) {
    super("an answer that is thrown; only handlers and hooks of requests may");
    this.name = "Reply";
    this.answer = answer as Answer<F>;
  }
}
