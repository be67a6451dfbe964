// Step 5: the same game behind a gateway, in two processes that are reloaded and killed while it is
// played. What must outlive them is in a file.
//
//   deno task gateway
//   deno run -A examples/tutorial/step5_worker.ts [PORT [FILE]]

import { DatabaseSync } from "node:sqlite";
import { Box } from "@maple/box";
import { Worker } from "@maple/worker";
import { EMPTY, type Table } from "./step2_rules.ts";
import { registerGame, type Store } from "./step3_game.ts";

/** Keeps the table in a file, which several processes share. */
export class FileStore implements Store {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, json TEXT NOT NULL);
      INSERT OR IGNORE INTO tables VALUES (1, '${JSON.stringify(EMPTY)}')`);
  }

  change(next: (table: Table) => Table | undefined): Table | undefined {
    // Nobody else changes it meanwhile; who is killed in between has changed nothing.
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const row = this.#db.prepare("SELECT json FROM tables").get();
      const table = next(JSON.parse(String(row!.json)));
      if (table) {
        this.#db.prepare("UPDATE tables SET json = ?")
          .run(JSON.stringify(table));
      }
      this.#db.exec("COMMIT");
      return table;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

if (import.meta.main) {
  const [port = "28000", file = "table.sqlite"] = Deno.args;
  const app = new Worker(Box);
  registerGame(app, new FileStore(file));
  await app.run("127.0.0.1", Number(port), { workers: 2 });
}
