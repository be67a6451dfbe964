// StateCloner: what an application keeps, as bytes for another process, by the rules of
// structuredClone; and what cannot go along.

import { deserialize, serialize } from "node:v8";

const NOTHING: Uint8Array = new Uint8Array(0);
// So many names are told.
const TOLD = 8;
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

/** Makes bytes of what an application keeps, and remembers what did not go along. */
export class StateCloner {
  readonly #left = new Map<string, Lost>();
  readonly #classes = new Map<string, Lost>();

  /**
   * The bytes of an object; none for one that has nothing.
   *
   * @param name What it is called in the remark.
   */
  give(state: object, name: string): Uint8Array {
    if (Object.keys(state).length === 0) return NOTHING;
    let kept: unknown = state;
    let bytes: Uint8Array;
    try {
      bytes = serialize(state);
    } catch {
      kept = this.#cloneable(state, name, new Map()) ?? {};
      bytes = serialize(kept);
    }
    this.#lookForClasses(kept, name, new Set());
    return bytes;
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
  #cloneable(
    value: unknown,
    path: string,
    seen: Map<object, unknown>,
  ): unknown {
    try {
      serialize(value);
      return value;
    } catch {
      // A part of it cannot, or all of it.
    }
    const isObject = typeof value === "object" && value !== null;
    if (isObject && seen.has(value)) return seen.get(value);
    if (Array.isArray(value)) {
      const copy: unknown[] = [];
      seen.set(value, copy);
      for (const one of value) {
        copy.push(this.#cloneable(one, `${path}[]`, seen));
      }
      return copy;
    }
    if (isObject && isPlain(value)) {
      const copy: Record<string, unknown> = {};
      seen.set(value, copy);
      for (const [key, one] of Object.entries(value)) {
        const cloned = this.#cloneable(one, `${path}.${key}`, seen);
        if (cloned !== undefined) copy[key] = cloned;
      }
      return copy;
    }
    count(this.#left, path, kindOf(value));
    return undefined;
  }

  #lookForClasses(value: unknown, path: string, seen: Set<object>): void {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value) || value instanceof Error) return;
    if (Array.isArray(value) || value instanceof Set) {
      for (const one of value) this.#lookForClasses(one, `${path}[]`, seen);
    } else if (value instanceof Map) {
      for (const one of value.values()) {
        this.#lookForClasses(one, `${path}[]`, seen);
      }
    } else if (isPlain(value)) {
      for (const [key, one] of Object.entries(value)) {
        this.#lookForClasses(one, `${path}.${key}`, seen);
      }
    } else if (!KEPT.includes(value.constructor)) {
      count(this.#classes, path, kindOf(value));
    }
  }
}

/** What the bytes were made of. */
export function takeState(bytes: Uint8Array): object | undefined {
  return bytes.length === 0 ? undefined : deserialize(bytes) as object;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
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
