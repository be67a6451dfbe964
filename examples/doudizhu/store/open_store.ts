// openStore: Redis where there is one, a file of SQLite otherwise.

import { RedisStore } from "./redis_store.ts";
import { SqliteStore } from "./sqlite_store.ts";
import type { TableStore } from "./table_store.ts";

/**
 * Opens the store at a place.
 *
 * @param place The address of a Redis (`redis://...`, `rediss://...`, or `unix://...` for its
 * socket), or the path of a file.
 * @param onError Is called when the connection to Redis has an error.
 */
export async function openStore(
  place: string,
  onError?: (error: unknown) => void,
): Promise<TableStore> {
  return /^(rediss?|unix):\/\//.test(place)
    ? await RedisStore.connect(place, onError)
    : new SqliteStore(place);
}
