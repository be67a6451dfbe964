// SqliteStore: documents in a file of SQLite, which Deno brings along. Any number of processes of
// one machine share it; the system frees the locks of one that is killed.

import { DatabaseSync } from "node:sqlite";
import type { Change, TableStore, Versioned } from "./table_store.ts";

// A process that is killed loses nothing of what is committed; only when the machine itself goes
// down, the last moments may be missing. For that, set `synchronous` to FULL.
const SETUP = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS documents (
    key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL, due INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS documents_due ON documents (due) WHERE due IS NOT NULL`;

/** Keeps documents in a file. */
export class SqliteStore implements TableStore {
  readonly #db: DatabaseSync;
  readonly #read;
  readonly #insert;
  readonly #update;
  readonly #remove;
  readonly #take;

  /** @param path The file; `:memory:` = nowhere, for tests. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(SETUP);
    const prepare = (sql: string) => this.#db.prepare(sql);
    this.#read = prepare("SELECT version, value FROM documents WHERE key = ?");
    this.#insert = prepare(
      "INSERT INTO documents VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#update = prepare(
      "UPDATE documents SET version = version + 1, value = ?, due = ? WHERE key = ? AND version = ?",
    );
    this.#remove = prepare(
      "DELETE FROM documents WHERE key = ? AND version = ?",
    );
    this.#take = prepare(
      `UPDATE documents SET due = ? WHERE key IN
        (SELECT key FROM documents WHERE due <= ? ORDER BY due LIMIT ?) RETURNING key`,
    );
  }

  /** See {@linkcode TableStore}. */
  read<T>(key: string): Promise<Versioned<T>> {
    const row = this.#read.get(key);
    if (!row) return Promise.resolve({ version: 0, value: undefined });
    return Promise.resolve({
      version: Number(row.version),
      value: JSON.parse(String(row.value)),
    });
  }

  /** See {@linkcode TableStore}. */
  commit(changes: readonly Change[]): Promise<boolean> {
    this.#db.exec("BEGIN IMMEDIATE");
    let all = false;
    try {
      all = changes.every((change) => this.#change(change));
    } finally {
      this.#db.exec(all ? "COMMIT" : "ROLLBACK");
    }
    return Promise.resolve(all);
  }

  /** See {@linkcode TableStore}. */
  takeDue(now: number, again: number, limit: number): Promise<string[]> {
    const rows = this.#take.all(again, now, limit);
    return Promise.resolve(rows.map(({ key }) => String(key)));
  }

  /** Closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#db.close();
    return Promise.resolve();
  }

  #change({ key, version, value, due }: Change): boolean {
    const json = JSON.stringify(value);
    const { changes } = value === undefined
      ? this.#remove.run(key, version)
      : version === 0
      ? this.#insert.run(key, json, due ?? null)
      : this.#update.run(json, due ?? null, key, version);
    return Number(changes) === 1;
  }
}
