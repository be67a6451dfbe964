// Documents: what is in the store, by name: the hall, tables, players.

import { EMPTY_HALL, type Hall } from "./hall.ts";
import type { Change, TableStore, Versioned } from "./store/table_store.ts";
import type { Table } from "./table.ts";

/** What is kept of a player. */
export interface Player {
  /** What the others see. */
  readonly name: string;
  /** The player's connection, empty = away. */
  readonly connection: string;
  /** The table at which the player sits; 0 = none. */
  readonly table: number;
  /** All that was won and lost. */
  readonly score: number;
}

/** The key of the hall; those of tables end with their numbers. */
export const HALL = "hall";

/** The key of a table. */
export function tableKey(id: number): string {
  return `table:${id}`;
}

/** The number of a table by its key; NaN of what is none. */
export function tableOf(key: string): number {
  return Number(key.split(":")[1]);
}

/** The key of a player. */
export function playerKey(uid: number): string {
  return `player:${uid}`;
}

/** A document that is there. */
export type Found<T> = Versioned<T> & { readonly value: T };

/** Reads documents. */
export class Documents {
  readonly #store: TableStore;

  /** @param store Where they are. */
  constructor(store: TableStore) {
    this.#store = store;
  }

  /** The hall: an empty one before anybody was there. */
  async hall(): Promise<Found<Hall>> {
    const { version, value } = await this.#store.read<Hall>(HALL);
    return { version, value: value ?? EMPTY_HALL };
  }

  /** A table; there is none of number 0. */
  async table(id: number): Promise<Versioned<Table>> {
    return id > 0
      ? await this.#store.read<Table>(tableKey(id))
      : { version: 0, value: undefined };
  }

  /** A player. */
  player(uid: number): Promise<Versioned<Player>> {
    return this.#store.read<Player>(playerKey(uid));
  }
}

/** The change that puts a value in the place of what was read. */
export function put(
  key: string,
  { version }: Versioned<unknown>,
  value: unknown,
  due?: number,
): Change {
  return { key, version, value, due };
}
