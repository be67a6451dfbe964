// A worker of the card table whose process kills itself at the worst moment, each time it has
// written a change to a table: the move is made, nobody was told, and the player has no answer.
//
//   deno run -A doomed_worker.ts PORT PLACE

import { Box } from "@maple/box";
import { Worker } from "@maple/worker";
import { openStore } from "../../../examples/doudizhu/store/open_store.ts";
import type {
  Change,
  TableStore,
} from "../../../examples/doudizhu/store/table_store.ts";
import { registerTables } from "../../../examples/doudizhu/worker.ts";

const [port, place] = Deno.args as [string, string];

function doomed(store: TableStore): TableStore {
  return {
    read: (key) => store.read(key),
    takeDue: (now, again, limit) => store.takeDue(now, again, limit),
    async commit(changes: readonly Change[]) {
      const done = await store.commit(changes);
      const isDue = changes.some(({ key, version }) =>
        key.startsWith("table:") && version > 0
      );
      if (done && isDue) Deno.kill(Deno.pid, "SIGKILL");
      return done;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

const app = new Worker(Box);
registerTables(app, { open: async () => doomed(await openStore(place)) });
await app.run("127.0.0.1", Number(port), { workers: 0 });
