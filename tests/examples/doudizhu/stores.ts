// The stores, each for a test of its own.

import { openStore } from "../../../examples/doudizhu/store/open_store.ts";
import type { TableStore } from "../../../examples/doudizhu/store/table_store.ts";
import { hasRedis, startRedis } from "../../helpers/redis.ts";

/** A place that is there as long as this is. */
export interface StorePlace extends AsyncDisposable {
  /** For `openStore`. */
  readonly place: string;
}

/** A file in a folder of its own. */
export async function sqlitePlace(): Promise<StorePlace> {
  const folder = await Deno.makeTempDir({ prefix: "maple_tables_" });
  return {
    place: `${folder}/tables.db`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function redisPlace(): Promise<StorePlace> {
  const redis = await startRedis();
  return {
    place: redis.url,
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** A test that is run with each of the stores. */
export function overStores(
  name: string,
  body: (
    place: string,
    open: () => Promise<TableStore>,
  ) => Promise<void>,
): void {
  const kinds = { SQLite: sqlitePlace, Redis: redisPlace };
  for (const [kind, make] of Object.entries(kinds)) {
    Deno.test({
      name: `${name}, in ${kind}`,
      ignore: kind === "Redis" && !hasRedis,
      async fn() {
        await using stack = new AsyncDisposableStack();
        const { place } = stack.use(await make());
        await body(place, async () => stack.use(await openStore(place)));
      },
    });
  }
}
