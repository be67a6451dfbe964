// Flat state: what an application keeps as a list of its objects, each without those inside it,
// which are named by their numbers. So what cannot be cloned can be left out wherever it is, and it
// does not matter how deep the rest lies: the system clones some thousand objects inside each other
// and no more.

/** An object by its number, a bigint; what else is none is as it is. */
export type Flat = unknown;

/** Objects, each without those inside it. */
export interface FlatObjects {
  /** What each is. */
  readonly kinds: Kind[];
  /** The names of its fields; undefined for what has none, or all of an array. */
  readonly names: (readonly string[] | undefined)[];
  /** How long it is, without names. */
  readonly lengths: number[];
  /** All that is inside them, one after the other. */
  readonly cells: Flat[];
}

/** What an object is. */
export const Kind = { WHOLE: 0, OBJECT: 1, ARRAY: 2, MAP: 3, SET: 4 } as const;
/** One of {@linkcode Kind}. */
export type Kind = typeof Kind[keyof typeof Kind];
/** An object whose fields are told by their names. */
export type Fields = Record<string | number, unknown>;

/** In place of what is left out. */
export const LEFT = -1n;

const FIELD = { configurable: true, enumerable: true, writable: true };

/** Gives the objects of a list back, by what `add` has given. */
export function unflatten(
  { kinds, names, lengths, cells }: FlatObjects,
): (flat: Flat) => unknown {
  const objects: unknown[] = kinds.map((kind, no) => blank(kind, lengths[no]!));
  const own = (flat: Flat) =>
    typeof flat === "bigint" ? objects[Number(flat)] : flat;
  // Those that are whole first: others are in a Map by their numbers.
  let at = 0;
  for (const [no, kind] of kinds.entries()) {
    if (kind === Kind.WHOLE) objects[no] = cells[at];
    at += cellsOf(kind, names[no], lengths[no]!);
  }
  at = 0;
  for (const [no, kind] of kinds.entries()) {
    const object = objects[no];
    const end = at + cellsOf(kind, names[no], lengths[no]!);
    for (let i = 0; at < end; i++, at++) {
      if (kind === Kind.SET) (object as Set<unknown>).add(own(cells[at]));
      else if (kind === Kind.MAP) {
        const key = own(cells[at++]);
        (object as Map<unknown, unknown>).set(key, own(cells[at]));
      } else if (kind !== Kind.WHOLE && cells[at] !== LEFT) {
        setField(object as Fields, names[no]?.[i] ?? i, own(cells[at]));
      }
    }
  }
  return own;
}

function blank(kind: Kind, length: number): unknown {
  switch (kind) {
    case Kind.WHOLE:
      return undefined;
    case Kind.OBJECT:
      return {};
    case Kind.ARRAY:
      return new Array(length);
    case Kind.MAP:
      return new Map();
    case Kind.SET:
      return new Set();
  }
}

// How many cells an object has.
function cellsOf(
  kind: Kind,
  names: readonly string[] | undefined,
  length: number,
): number {
  if (kind === Kind.WHOLE) return 1;
  return names?.length ?? (kind === Kind.MAP ? 2 * length : length);
}

function setField(object: Fields, name: string | number, value: unknown): void {
  if (name !== "__proto__") object[name] = value;
  // By an assignment it would become its prototype.
  else Object.defineProperty(object, name, { value, ...FIELD });
}
