// The answer that says that something went wrong.

import type { BoxClass, BoxMethods } from "@maple/box";

/**
 * The answer that says that something went wrong; `undefined` when the box class has no `ret` to
 * say it with.
 */
export function faultAnswer(
  box: BoxMethods<object>,
  ret: number,
): { ret: number } | undefined {
  const { fieldNames } = box.constructor as BoxClass<object>;
  return fieldNames.includes("ret") ? { ret } : undefined;
}
