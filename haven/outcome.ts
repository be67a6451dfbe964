// What a handler or hook returned: over, or still going on.

const SENT: Promise<boolean> = Promise.resolve(true);
const UNSENT: Promise<boolean> = Promise.resolve(false);

/**
 * A promise that is resolved already; the same one for each value, so that an answer allocates
 * none.
 */
export function resolved(value: boolean): Promise<boolean> {
  return value ? SENT : UNSENT;
}

/**
 * Whether `outcome` has to be awaited. What {@linkcode resolved} gave has not: handlers often end
 * in `return request.reply(...)`.
 */
export function isPending(outcome: unknown): outcome is PromiseLike<unknown> {
  return typeof outcome === "object" && outcome !== null &&
    outcome !== SENT && outcome !== UNSENT &&
    typeof (outcome as { then?: unknown }).then === "function";
}
