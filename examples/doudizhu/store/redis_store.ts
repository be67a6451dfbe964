// RedisStore: documents in Redis, for workers on several machines.

import type { Change, TableStore, Versioned } from "./table_store.ts";

type Redis = typeof import("npm:redis@6.3.1");
type Client = ReturnType<Redis["createClient"]>;

const RETRY_MS = 50;
const RETRY_MAX_MS = 2000;
/** What all keys begin with. */
const PREFIX = "doudizhu:";
const DUE = `${PREFIX}due`;

// Redis runs a script as a whole, with nothing in between. KEYS: the list of what is due, then the
// documents; ARGV: for each its name, version, value (empty = remove) and due (empty = never).
const COMMIT = `
  for i = 2, #KEYS do
    local at = (i - 2) * 4
    local version = redis.call("HGET", KEYS[i], "version") or "0"
    if version ~= ARGV[at + 2] then return 0 end
  end
  for i = 2, #KEYS do
    local at = (i - 2) * 4
    local name, version, value, due = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    if value == "" then redis.call("DEL", KEYS[i])
    else redis.call("HSET", KEYS[i], "version", version + 1, "value", value) end
    if due == "" then redis.call("ZREM", KEYS[1], name)
    else redis.call("ZADD", KEYS[1], due, name) end
  end
  return 1`;

const TAKE = `
  local names = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[1], "LIMIT", 0, ARGV[3])
  for _, name in ipairs(names) do redis.call("ZADD", KEYS[1], ARGV[2], name) end
  return names`;

/** Keeps documents in Redis. */
export class RedisStore implements TableStore {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Connects. When the connection is lost later, the client comes back by itself, and what is asked
   * meanwhile waits; what was under way fails, and may have been done.
   *
   * @param url For instance `redis://127.0.0.1:6379/0`.
   * @param onError Is called with each error of the connection.
   */
  static async connect(
    url: string,
    onError: (error: unknown) => void = () => {},
  ): Promise<RedisStore> {
    const { createClient } = await import("npm:redis@6.3.1");
    let isThere = false;
    const client: Client = createClient({
      url,
      socket: {
        reconnectStrategy: (retries, cause) =>
          // A Redis that is not there at first is a wrong address.
          isThere ? Math.min(RETRY_MS * (retries + 1), RETRY_MAX_MS) : cause,
      },
    });
    client.on("error", onError);
    await client.connect();
    isThere = true;
    return new RedisStore(client);
  }

  /** See {@linkcode TableStore}. */
  async read<T>(key: string): Promise<Versioned<T>> {
    const [version, value] = await this.#client.hmGet(PREFIX + key, [
      "version",
      "value",
    ]);
    if (version == null || value == null) {
      return { version: 0, value: undefined };
    }
    return { version: Number(version), value: JSON.parse(value) };
  }

  /** See {@linkcode TableStore}. */
  async commit(changes: readonly Change[]): Promise<boolean> {
    const done = await this.#client.eval(COMMIT, {
      keys: [DUE, ...changes.map(({ key }) => PREFIX + key)],
      arguments: changes.flatMap(({ key, version, value, due }) => [
        ...[key, String(version)],
        ...[value === undefined ? "" : JSON.stringify(value)],
        due === undefined ? "" : String(due),
      ]),
    });
    return done === 1;
  }

  /** See {@linkcode TableStore}. */
  async takeDue(now: number, again: number, limit: number): Promise<string[]> {
    const names = await this.#client.eval(TAKE, {
      keys: [DUE],
      arguments: [now, again, limit].map(String),
    });
    return names as string[];
  }

  /** Disconnects, after what was asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}
