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
 * @throws {TypeError} When it looks like an address, but not of a Redis: no file is called so.
 */
export async function openStore(
  place: string,
  onError?: (error: unknown) => void,
): Promise<TableStore> {
  if (/^(rediss?|unix):\/\//.test(place)) {
    return await RedisStore.connect(place, onError);
  }
  if (/^(\w+:\/\/|[\w.-]*:\d+$)/.test(place)) {
    throw new TypeError(
      `A store is redis://HOST:PORT, rediss://, unix:// or the path of a file, got "${place}"`,
    );
  }
  return new SqliteStore(place);
}
