// Step 3: the game on the server. Who plays is answered, and both see the table at once.
//
//   deno run -A examples/tutorial/step3_game.ts [PORT]

import { Box } from "@maple/box";
import { type AnyApp, Haven } from "@maple/haven";
import { EMPTY, play, sit, type Table, viewOf } from "./step2_rules.ts";

/** What clients send, and TABLE, which they are sent. */
export const Cmd = { SIT: 1, PLAY: 2, TABLE: 100 } as const;
/** What is answered beside 0. */
export const Ret = { FULL: 1, NOT_NOW: 2 } as const;

/** Where the table is kept. */
export interface Store {
  /** Puts what `next` makes of the table in its place, unless that is `undefined`; gives it. */
  change(next: (table: Table) => Table | undefined): Table | undefined;
}

/** Keeps it in this process. */
export class MemoryStore implements Store {
  #table = EMPTY;

  change(next: (table: Table) => Table | undefined): Table | undefined {
    const table = next(this.#table);
    if (table) this.#table = table;
    return table;
  }
}

/** Registers the game, on whatever serves. */
export function registerGame(app: AnyApp, store: Store): void {
  // Each sees the own cards only.
  const show = (table: Table) =>
    app.writeToUsers(table.seats.map(({ uid }) => {
      return [[uid], { cmd: Cmd.TABLE, body: viewOf(table, uid) }];
    }));

  app.route(Cmd.SIT, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    const table = store.change((table) => sit(table, uid));
    if (!table) return { ret: Ret.FULL };
    request.loginClient(uid);
    show(table);
    return { ret: 0 };
  });

  app.route(Cmd.PLAY, (request) => {
    const { card } = request.box.json<{ card: number }>();
    const table = store.change((table) => play(table, request.uid, card));
    // What was refused may have been played by a worker that was killed then: all are told.
    show(table ?? store.change((table) => table)!);
    return { ret: table ? 0 : Ret.NOT_NOW };
  });
}

if (import.meta.main) {
  const app = new Haven(Box);
  registerGame(app, new MemoryStore());
  await app.run("127.0.0.1", Number(Deno.args[0] ?? 7777));
}
