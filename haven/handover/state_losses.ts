// StateLosses: what of an application's state does not go along as it is, for one line of the log.

// So many names are told.
const TOLD = 8;
const PATH_LENGTH = 60;
const CUT = "…";

/** What goes along as what it is, by its prototype. */
const KEPT: ReadonlySet<unknown> = new Set([
  null,
  ...[
    ...[Object, Array, Map, Set, Date, RegExp, ArrayBuffer, DataView],
    ...[Boolean, Number, String, BigInt],
    ...[Int8Array, Int16Array, Int32Array, BigInt64Array],
    ...[Uint8Array, Uint16Array, Uint32Array, BigUint64Array],
    ...[Uint8ClampedArray, Float32Array, Float64Array],
    ...[Error, EvalError, RangeError, ReferenceError, SyntaxError],
    ...[TypeError, URIError],
  ].map(({ prototype }) => prototype),
  // Not in each Deno.
  (globalThis as { Float16Array?: { prototype: object } }).Float16Array
    ?.prototype,
]);

/** How often something does not go along as it is. */
interface Lost {
  readonly what: string;
  count: number;
}

/** What of an application's state does not go along as it is. */
export class StateLosses {
  readonly #left = new Map<string, Lost>();
  readonly #classes = new Map<string, Lost>();

  /** Forgets all. */
  clear(): void {
    this.#left.clear();
    this.#classes.clear();
  }

  /** Something is left out. */
  leave(path: string, what: string): void {
    count(this.#left, path, what);
  }

  /** Looks whether an object goes along as what it is. */
  look(value: object, path: string): void {
    const isWhole = KEPT.has(Object.getPrototypeOf(value)) &&
      !(value instanceof Error && Object.keys(value).length > 0);
    if (!isWhole) count(this.#classes, path, kindOf(value));
  }

  /** All of it in one line; undefined where there is nothing. */
  get remark(): string | undefined {
    const parts: string[] = [];
    if (this.#left.size > 0) {
      parts.push(
        `cannot be handed over and is left out: ${told(this.#left)}`,
      );
    }
    if (this.#classes.size > 0) {
      parts.push(
        `is handed over without its class: ${told(this.#classes)}`,
      );
    }
    return parts.length === 0 ? undefined : parts.join("; ");
  }
}

/** What a part of something is called; a long name is cut. */
export function pathOf(path: string, part: string): string {
  if (path.endsWith(CUT)) return path;
  const whole = path + part;
  return whole.length <= PATH_LENGTH
    ? whole
    : whole.slice(0, PATH_LENGTH) + CUT;
}

/** What something is, in a word. */
export function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  try {
    return String(value.constructor.name) || "object";
  } catch {
    return "object";
  }
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
