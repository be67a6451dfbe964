// StateCloner: what an application keeps, as bytes for another process, by the rules of
// structuredClone; and what cannot go along.

import { Deserializer, Serializer } from "node:v8";
import type { Kept } from "../kept.ts";
import { type Flat, type FlatObjects, unflatten } from "./flat_state.ts";
import { Flattener } from "./flattener.ts";
import { pathOf, StateLosses } from "./state_losses.ts";

/** What an application keeps. */
export interface AppState {
  /** What its handOver hooks have given. */
  readonly kept: Kept;
  /** What it keeps of connections, by their numbers. */
  readonly states: ReadonlyMap<number, object>;
}

/** The same where not all of it can be cloned. */
interface FlatAppState {
  readonly objects: FlatObjects;
  readonly kept: Flat;
  readonly states: ReadonlyMap<number, Flat>;
}

// So many objects are looked at for classes: clients wait meanwhile.
const LOOKED_AT = 100_000;
// So many objects inside each other are cloned by the system: what it has written it reads only
// while its stack has room.
const DEPTH = 1000;

/**
 * Makes bytes of what an application keeps, and remembers what did not go along. All of it goes as
 * one: an object that two connections share is one in the other process as well.
 */
export class StateCloner {
  readonly #losses = new StateLosses();

  /** The bytes. */
  give({ kept, states }: AppState): Uint8Array {
    try {
      const bytes = bytesOf({ kept, states });
      const seen = new Set<object>();
      this.#look(kept, "kept", { seen, depth: 0 });
      for (const state of states.values()) {
        this.#look(state, "conn.state", { seen, depth: 0 });
      }
      return bytes;
    } catch {
      // A part of it cannot be cloned, or lies too deep.
    }
    this.#losses.clear();
    const flattener = new Flattener(this.#losses, canClone);
    const flat: FlatAppState = {
      kept: flattener.add(kept, "kept"),
      states: new Map(
        Array.from(
          states,
          ([id, state]) => [id, flattener.add(state, "conn.state")],
        ),
      ),
      objects: flattener.objects(),
    };
    return bytesOf(flat);
  }

  /** What did not go along as it is, in one line; undefined where all did. */
  get remark(): string | undefined {
    return this.#losses.remark;
  }

  #look(
    value: unknown,
    path: string,
    { seen, depth }: { readonly seen: Set<object>; readonly depth: number },
  ): void {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    if (seen.size >= LOOKED_AT) return;
    if (depth > DEPTH) throw new RangeError("it lies too deep");
    seen.add(value);
    this.#losses.look(value, path);
    if (ArrayBuffer.isView(value) || value instanceof Error) return;
    const inside = { seen, depth: depth + 1 };
    if (Array.isArray(value) || value instanceof Set) {
      const path1 = pathOf(path, "[]");
      for (const one of value) this.#look(one, path1, inside);
    } else if (value instanceof Map) {
      const path1 = pathOf(path, "[]");
      for (const [key, one] of value) {
        this.#look(key, path1, inside);
        this.#look(one, path1, inside);
      }
    } else {
      for (const [key, one] of Object.entries(value)) {
        this.#look(one, pathOf(path, `.${key}`), inside);
      }
    }
  }
}

/** What the bytes were made of. */
export function takeState(bytes: Uint8Array): AppState {
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  const state = deserializer.readValue() as AppState | FlatAppState;
  if (!("objects" in state)) return state;
  const own = unflatten(state.objects);
  return {
    kept: own(state.kept) as Kept,
    states: new Map(
      Array.from(state.states, ([id, flat]) => [id, own(flat) as object]),
    ),
  };
}

// Not by `serialize` and `deserialize` of node:v8: theirs are views of the bytes of all, as long as
// that is, and what shares a buffer does not share it any more.
function bytesOf(value: unknown): Uint8Array {
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

function canClone(value: object): boolean {
  try {
    bytesOf(value);
    return true;
  } catch {
    return false;
  }
}
