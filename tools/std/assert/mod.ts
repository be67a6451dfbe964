// A stand-in for the parts of @std/assert that this project uses, for networks
// that do not reach JSR (see tools/deno.ts). Never published. What the functions
// do is documented in the real package.

import nodeAssert from "node:assert";
import { isDeepStrictEqual } from "node:util";

// deno-lint-ignore no-explicit-any
type Class<E> = abstract new (...args: any[]) => E;
type Check<A, B = A> = (actual: A, expected: B, msg?: string) => void;
type Compare = <T>(actual: T, expected: T, msg?: string) => void;

export class AssertionError extends Error {
  override name = "AssertionError";
}

const show = (value: unknown): string => Deno.inspect(value);
const prototypeOf = (x: object): object =>
  Object.getPrototypeOf(x) ?? Object.prototype;
const viaNode = [Date, Map, Set, ArrayBuffer];
// Of an instance also the getters count, and with them its private fields.
function keysOf(x: object): PropertyKey[] {
  if (x === Object.prototype || x === Array.prototype) return [];
  return [...Reflect.ownKeys(x), ...keysOf(prototypeOf(x))];
}

function equal(a: unknown, b: unknown, seen = new Map()): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  if (prototypeOf(a) !== prototypeOf(b)) return false;
  if (ArrayBuffer.isView(a) || viaNode.some((type) => a instanceof type)) {
    return isDeepStrictEqual(a, b);
  }
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  const [x, y] = [a, b] as { [key: PropertyKey]: unknown }[];
  return keysOf(a).length === keysOf(b).length &&
    keysOf(a).every((key) => key in b && equal(x![key], y![key], seen));
}

export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${msg ? `: ${msg}` : "."}`);
}
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${msg ? `: ${msg}` : "."}`);
}

function failSame(what: string, a: unknown, b: unknown, msg = ""): never {
  let difference = `${show(a)} is not ${show(b)}`;
  try {
    nodeAssert.deepStrictEqual(a, b);
  } catch (error) {
    difference = (error as Error).message;
  }
  throw new AssertionError(`Values are not ${what}. ${msg}\n${difference}`);
}

// deno-lint-ignore no-explicit-any
function that<A = any, B = A>(verb: string, holds: (a: A, b: B) => boolean) {
  return (a: A, b: B, msg = ""): void => {
    if (!holds(a, b)) fail(`${show(a)} ${verb} ${show(b)} ${msg}`);
  };
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}
type Falsy = false | 0 | 0n | "" | null | undefined;
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}
export function assertExists<T>(a: T, msg = ""): asserts a is NonNullable<T> {
  if (a == null) fail(`a value expected, got ${a} ${msg}`);
}
export function assertInstanceOf<T>(
  a: unknown,
  type: Class<T>,
  msg = "",
): asserts a is T {
  if (!(a instanceof type)) fail(`${show(a)} is no ${type.name} ${msg}`);
}
export function assertStrictEquals<T>(
  a: unknown,
  b: T,
  msg?: string,
): asserts a is T {
  if (!Object.is(a, b)) failSame("strictly equal", a, b, msg);
}
export function assertEquals<T>(a: T, b: T, msg?: string): void {
  if (!equal(a, b)) failSame("equal", a, b, msg);
}
export const assertNotEquals: Compare = that("!=", (a, b) => !equal(a, b));
export const assertGreater: Compare = that(">", (a, b) => a > b);
export const assertGreaterOrEqual: Compare = that(">=", (a, b) => a >= b);
export const assertLess: Compare = that("<", (a, b) => a < b);
export const assertLessOrEqual: Compare = that("<=", (a, b) => a <= b);
export const assertMatch: Check<string, RegExp> = that(
  "matches",
  (text, pattern) => pattern.test(text),
);
export const assertStringIncludes: Check<string> = that(
  "includes",
  (text, part) => text.includes(part),
);
export const assertArrayIncludes: Check<ArrayLike<unknown> & object> = that(
  "includes",
  (list, some) =>
    Array.from(some).every((b) => Array.from(list).some((a) => equal(a, b))),
);

function pick(from: unknown, like: unknown): unknown {
  if (Array.isArray(from) && Array.isArray(like)) {
    return from.slice(0, like.length).map((item, i) => pick(item, like[i]));
  }
  if (String(from) !== "[object Object]" || !like) return from;
  const source = from as Record<string, unknown>;
  const entries = Object.entries(like).filter(([key]) => key in source);
  return Object.fromEntries(entries.map(([k, v]) => [k, pick(source[k], v)]));
}
export const assertObjectMatch: Check<object> = (a, b, msg) =>
  assertEquals(pick(a, b), pick(b, b), msg);

type Text = string | undefined;
type Expected<E> = [type: Class<E>, msgIncludes?: Text, msg?: Text];
type Args = Expected<Error> | [msg?: Text];

function checkError(error: unknown, args: Args): unknown {
  const [type, includes = "", msg = ""] = args;
  if (typeof type !== "function") return error;
  if (error instanceof type && error.message.includes(includes)) return error;
  fail(`${type.name} "${includes}" expected, got ${show(error)} ${msg}`);
}

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ...expected: Expected<E>
): E;
export function assertThrows(fn: () => unknown, ...args: Args): unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, args);
  }
  fail(`function expected to throw ${args.at(-1) ?? ""}`);
}

type Async = () => PromiseLike<unknown>;
export function assertRejects(fn: Async, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error>(
  fn: Async,
  ...expected: Expected<E>
): Promise<E>;
export async function assertRejects(
  fn: Async,
  ...args: Args
): Promise<unknown> {
  return await fn().then(
    () => fail(`function expected to reject ${args.at(-1) ?? ""}`),
    (error) => checkError(error, args),
  );
}
