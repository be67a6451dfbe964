// Flattener: makes the list of objects that a flat state is, of what an application keeps.

import {
  type Fields,
  type Flat,
  type FlatObjects,
  Kind,
  LEFT,
} from "./flat_state.ts";
import { kindOf, pathOf, type StateLosses } from "./state_losses.ts";

// More take too long, or have no end: a getter may give a new object each time.
const OBJECTS_MAX = 1_000_000;
// What the system makes, and nothing inside it can be another's.
const WHOLE = [
  ...[Date, RegExp, ArrayBuffer, SharedArrayBuffer, Error],
  ...[Boolean, Number, String, BigInt],
];

class TooMany extends Error {
  constructor() {
    super(`there are more than ${OBJECTS_MAX} objects in what is to go along`);
  }
}

/** Makes a list of objects and all inside them. */
export class Flattener {
  readonly #losses: StateLosses;
  readonly #canClone: (value: object) => boolean;
  readonly #objects: FlatObjects = {
    kinds: [],
    names: [],
    lengths: [],
    cells: [],
  };
  // Those themselves, and what they are called.
  readonly #values: unknown[] = [];
  readonly #paths: string[] = [];
  readonly #numbers = new Map<unknown, bigint>();
  readonly #names = new Map<string, readonly string[]>();

  /**
   * The list is empty.
   *
   * @param losses Where it is told what does not go along as it is.
   * @param canClone Whether the system clones something.
   */
  constructor(losses: StateLosses, canClone: (value: object) => boolean) {
    this.#losses = losses;
    this.#canClone = canClone;
  }

  /** Adds an object. */
  add(value: object, path: string): Flat {
    return this.#flat(value, path);
  }

  /** The list with all inside what was added. */
  objects(): FlatObjects {
    // It grows meanwhile.
    for (let no = 0; no < this.#values.length; no++) this.#fill(no);
    return this.#objects;
  }

  #flat(value: unknown, path: string): Flat {
    if (isPrimitive(value)) return value;
    let number = this.#numbers.get(value);
    if (number !== undefined) return number;
    number = BigInt(this.#values.length);
    try {
      this.#add(value, path);
    } catch (error) {
      if (error instanceof TooMany) throw error;
      // Also a proxy, or what claims to be what it is not.
      number = this.#leave(path, kindOf(value));
    }
    this.#numbers.set(value, number);
    return number;
  }

  // Throws where it cannot be cloned.
  #add(value: unknown, path: string): void {
    if (typeof value === "bigint") return this.#push(value, path, Kind.WHOLE);
    if (typeof value !== "object" || value === null) throw notCloned();
    let kind: Kind = Kind.OBJECT;
    let names: readonly string[] | undefined;
    let length = 0;
    if (Array.isArray(value)) {
      kind = Kind.ARRAY;
      length = value.length;
      const all = Object.keys(value);
      if (!isDense(all, length)) names = all;
    } else if (value instanceof Map) {
      kind = Kind.MAP;
      length = value.size;
    } else if (value instanceof Set) {
      kind = Kind.SET;
      length = value.size;
    } else if (isWhole(value)) {
      kind = Kind.WHOLE;
      if (!hasBytes(value)) this.#check(value);
    } else {
      if (!hasFieldsOnly(value)) this.#check(value);
      names = this.#shared(Object.keys(value));
    }
    this.#losses.look(value, path);
    this.#push(value, path, kind, names, length);
  }

  #push(
    value: unknown,
    path: string,
    kind: Kind,
    names?: readonly string[],
    length = 0,
  ): void {
    if (this.#values.push(value) > OBJECTS_MAX) throw new TooMany();
    this.#paths.push(path);
    const objects = this.#objects;
    objects.kinds.push(kind);
    objects.names.push(names);
    objects.lengths.push(length);
  }

  #check(value: object): void {
    if (!this.#canClone(value)) throw notCloned();
  }

  // Objects of one kind have the same names: they are written once.
  #shared(names: readonly string[]): readonly string[] {
    const all = JSON.stringify(names);
    const found = this.#names.get(all);
    if (!found) this.#names.set(all, names);
    return found ?? names;
  }

  #fill(no: number): void {
    const { kinds, names, lengths, cells } = this.#objects;
    const value = this.#values[no];
    const path = this.#paths[no]!;
    switch (kinds[no]!) {
      case Kind.WHOLE:
        return void cells.push(value);
      case Kind.OBJECT:
        for (const name of names[no]!) {
          cells.push(this.#field(value as Fields, name, path));
        }
        return;
      case Kind.ARRAY:
        for (const at of names[no] ?? (value as unknown[]).keys()) {
          const flat = this.#field(value as Fields, at, path);
          // The others keep their places.
          cells.push(flat === LEFT ? undefined : flat);
        }
        return;
      case Kind.MAP:
        lengths[no] = this.#fillPairs(value as Map<unknown, unknown>, path);
        return;
      case Kind.SET:
        lengths[no] = this.#fillMembers(value as Set<unknown>, path);
    }
  }

  #fillPairs(map: Map<unknown, unknown>, path: string): number {
    const { cells } = this.#objects;
    const inside = pathOf(path, "[]");
    let count = 0;
    for (const [key, value] of Map.prototype.entries.call(map)) {
      const flatKey = this.#flat(key, inside);
      const flat = this.#flat(value, inside);
      if (flatKey === LEFT || flat === LEFT) continue;
      cells.push(flatKey, flat);
      count++;
    }
    return count;
  }

  #fillMembers(set: Set<unknown>, path: string): number {
    const { cells } = this.#objects;
    const inside = pathOf(path, "[]");
    let count = 0;
    for (const value of Set.prototype.values.call(set)) {
      const flat = this.#flat(value, inside);
      if (flat === LEFT) continue;
      cells.push(flat);
      count++;
    }
    return count;
  }

  // It may be a getter.
  #field(object: Fields, name: string | number, path: string): Flat {
    let value: unknown;
    try {
      value = object[name];
    } catch {
      return this.#leave(insideOf(path, name), "getter that throws");
    }
    return isPrimitive(value) ? value : this.#flat(value, insideOf(path, name));
  }

  #leave(path: string, what: string): bigint {
    this.#losses.leave(path, what);
    return LEFT;
  }
}

function insideOf(path: string, name: string | number): string {
  return pathOf(path, typeof name === "number" ? "[]" : `.${name}`);
}

function notCloned(): Error {
  return new TypeError("it cannot be cloned");
}

// What is in a cell as it is.
function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case "object":
      return value === null;
    case "bigint":
    case "function":
    case "symbol":
      return false;
    default:
      return true;
  }
}

function isDense(names: readonly string[], length: number): boolean {
  return names.length === length &&
    (length === 0 || names[length - 1] === `${length - 1}`);
}

function isWhole(value: object): boolean {
  return ArrayBuffer.isView(value) || WHOLE.some((one) => value instanceof one);
}

// Those can be cloned, and need not be to find that out.
function hasBytes(value: object): boolean {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  return buffer instanceof ArrayBuffer && buffer.byteLength > 0;
}

// An object of its own making, of a class or none; what the system makes says what it is.
function hasFieldsOnly(value: object): boolean {
  return Object.prototype.toString.call(value) === "[object Object]";
}
