// StateCloner: what an application keeps, as bytes for another process, by the rules of
// structuredClone; and what cannot go along.

import { deserialize, serialize } from "node:v8";
import type { Kept } from "../kept.ts";

/** What an application keeps. */
export interface AppState {
  /** What its handOver hooks have given. */
  readonly kept: Kept;
  /** What it keeps of connections, by their numbers. */
  readonly states: ReadonlyMap<number, object>;
}

// So many names are told.
const TOLD = 8;
// So many objects are looked at for classes: clients wait meanwhile.
const LOOKED_AT = 100_000;
// In place of what is left out.
const LEFT = Symbol("left out");
// What goes along as what it is.
const KEPT: readonly unknown[] = [
  ...[Object, Array, Map, Set, Date, RegExp, ArrayBuffer, DataView],
  ...[Boolean, Number, String, BigInt],
];

/** How often something did not go along as it is. */
interface Lost {
  readonly what: string;
  count: number;
}

/**
 * Makes bytes of what an application keeps, and remembers what did not go along. All of it goes as
 * one: an object that two connections share is one in the other process as well.
 */
export class StateCloner {
  readonly #left = new Map<string, Lost>();
  readonly #classes = new Map<string, Lost>();

  /** The bytes. */
  give({ kept, states }: AppState): Uint8Array {
    try {
      const bytes = serialize({ kept, states });
      const seen = new Set<object>();
      this.#lookForClasses(kept, "kept", seen);
      for (const state of states.values()) {
        this.#lookForClasses(state, "conn.state", seen);
      }
      return bytes;
    } catch {
      // A part of it cannot be cloned.
    }
    const seen = new Map<object, unknown>();
    return serialize({
      kept: this.#copy(kept, "kept", seen),
      states: new Map(
        Array.from(
          states,
          ([id, state]) => [id, this.#copy(state, "conn.state", seen)],
        ),
      ),
    });
  }

  /** What did not go along as it is, in one line; undefined where all did. */
  get remark(): string | undefined {
    const parts: string[] = [];
    if (this.#left.size > 0) {
      parts.push(`cannot be handed over and is left out: ${told(this.#left)}`);
    }
    if (this.#classes.size > 0) {
      parts.push(
        `is handed over without its class: ${told(this.#classes)}`,
      );
    }
    return parts.length === 0 ? undefined : parts.join("; ");
  }

  // A copy without what cannot be cloned.
  #copy(value: unknown, path: string, seen: Map<object, unknown>): unknown {
    if (typeof value !== "object" || value === null) {
      return typeof value === "function" || typeof value === "symbol"
        ? this.#leave(value, path)
        : value;
    }
    if (seen.has(value)) return seen.get(value);
    const inside = (one: unknown) => this.#copy(one, `${path}[]`, seen);
    if (Array.isArray(value)) {
      const copy: unknown[] = [];
      seen.set(value, copy);
      // The others keep their places.
      for (const one of value) copy.push(orNothing(inside(one)));
      return copy;
    }
    if (value instanceof Map) {
      const copy = new Map();
      seen.set(value, copy);
      for (const [key, one] of value) {
        const [ownKey, own] = [inside(key), inside(one)];
        if (ownKey !== LEFT && own !== LEFT) copy.set(ownKey, own);
      }
      return copy;
    }
    if (value instanceof Set) {
      const copy = new Set();
      seen.set(value, copy);
      for (const one of value) {
        const own = inside(one);
        if (own !== LEFT) copy.add(own);
      }
      return copy;
    }
    if (hasFieldsOnly(value)) {
      const copy: Record<string, unknown> = {};
      seen.set(value, copy);
      if (!isPlain(value)) count(this.#classes, path, kindOf(value));
      for (const key of Object.keys(value)) {
        const own = this.#copyOf(value, key, `${path}.${key}`, seen);
        if (own !== LEFT) copy[key] = own;
      }
      return copy;
    }
    seen.set(value, value);
    try {
      serialize(value);
    } catch {
      seen.set(value, this.#leave(value, path));
    }
    return seen.get(value);
  }

  // Of a field, which may be a getter.
  #copyOf(
    object: object,
    key: string,
    path: string,
    seen: Map<object, unknown>,
  ): unknown {
    let value: unknown;
    try {
      value = (object as Record<string, unknown>)[key];
    } catch {
      count(this.#left, path, "getter that throws");
      return LEFT;
    }
    return this.#copy(value, path, seen);
  }

  #leave(value: unknown, path: string): typeof LEFT {
    count(this.#left, path, kindOf(value));
    return LEFT;
  }

  #lookForClasses(value: unknown, path: string, seen: Set<object>): void {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    if (seen.size >= LOOKED_AT) return;
    seen.add(value);
    if (ArrayBuffer.isView(value) || value instanceof Error) return;
    if (Array.isArray(value) || value instanceof Set) {
      for (const one of value) this.#lookForClasses(one, `${path}[]`, seen);
    } else if (value instanceof Map) {
      for (const [key, one] of value) {
        this.#lookForClasses(key, `${path}[]`, seen);
        this.#lookForClasses(one, `${path}[]`, seen);
      }
    } else if (isPlain(value) || !KEPT.includes(value.constructor)) {
      if (!isPlain(value)) count(this.#classes, path, kindOf(value));
      for (const [key, one] of Object.entries(value)) {
        this.#lookForClasses(one, `${path}.${key}`, seen);
      }
    }
  }
}

/** What the bytes were made of. */
export function takeState(bytes: Uint8Array): AppState {
  return deserialize(bytes) as AppState;
}

function orNothing(value: unknown): unknown {
  return value === LEFT ? undefined : value;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

// An object of its own making, of a class or none; what the system makes says what it is.
function hasFieldsOnly(value: object): boolean {
  return Object.prototype.toString.call(value) === "[object Object]";
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  return value.constructor?.name || "object";
}

function count(lost: Map<string, Lost>, path: string, what: string): void {
  const found = lost.get(path);
  if (found) found.count++;
  else lost.set(path, { what, count: 1 });
}

function told(lost: ReadonlyMap<string, Lost>): string {
  const all = [...lost].map(([path, { what, count }]) =>
    `${path} (${what}${count === 1 ? "" : `, ${count} times`})`
  );
  const more = all.length - TOLD;
  return all.slice(0, TOLD).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
