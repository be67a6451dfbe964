// ChaosHost: the gateway under test, of one process or of several.

import type { GatewayStats } from "@maple/gateway";
import { eventually } from "../../helpers/eventually.ts";
import type { Address } from "../../helpers/raw_peer.ts";

/** The gateway under test. */
export interface ChaosHost extends AsyncDisposable {
  /** Where clients connect. */
  readonly outer: Address;
  /** Where WebSockets connect. */
  readonly ws: Address;
  /** Where workers and triggers connect. */
  readonly inner: Address;
  /** Seconds for which all stood still at each handover; of several processes the longest. */
  readonly pauses: readonly number[];

  /**
   * Has another process take its place, or one that of each of its processes.
   *
   * @returns What it is now.
   * @throws {Error} with both logs when that is not done.
   */
  replace(): Promise<string>;

  /**
   * Its counters.
   *
   * @throws {Error} with its log when it tells none.
   */
  stats(): Promise<GatewayStats>;

  /** Has it read its secrets anew; resolves when it has. */
  renewSecrets(): Promise<void>;

  /** Waits for up to 30 s until its counters are as they should be, and tells whether they are. */
  reaches(wanted: Partial<GatewayStats>): Promise<boolean>;

  /** How many connections at its ports it has open; undefined where the system does not tell. */
  openConnections(): number | undefined;
}

const LISTENS = "0A";

/** Waits for up to 30 s until the counters are as they should be, and tells whether they are. */
export function reaches(
  { stats: statsOf }: Pick<ChaosHost, "stats">,
  wanted: Partial<GatewayStats>,
): Promise<boolean> {
  return eventually(async () => {
    const stats = await statsOf();
    return Object.entries(wanted).every(([name, value]) =>
      stats[name as keyof GatewayStats] === value
    );
  }, { timeout: 30_000 }).then(() => true, () => false);
}

/** How many connections at these ports are open; undefined where the system does not tell. */
export function openConnectionsAt(
  ports: readonly number[],
): number | undefined {
  let table: string;
  try {
    table = Deno.readTextFileSync("/proc/net/tcp");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return table.trim().split("\n").slice(1).filter((line) => {
    const columns = line.trim().split(/\s+/);
    const [, local, , state] = columns;
    // A connection that no process has any more has no inode.
    return ports.includes(parseInt(local!.split(":")[1]!, 16)) &&
      state !== LISTENS && columns[9] !== "0";
  }).length;
}
