// callPlace(): where in the code a function was called.

/**
 * The line and column from which `callee`, which is being called, was called, as a key. It costs
 * some microseconds: for what happens rarely.
 */
export function callPlace(callee: (...args: never[]) => unknown): string {
  const limit = Error.stackTraceLimit;
  const holder: { stack?: string } = {};
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, callee);
  const { stack } = holder;
  Error.stackTraceLimit = limit;
  return String(stack);
}
