// What the gateway as a program shows: the metrics, the stat file and the line that says that it is
// ready.

import {
  formatAddress,
  type Logger,
  type StatusAccess,
  whenFree,
} from "@maple/box/internal";
import type { GatewayReport } from "./metrics/report.ts";
import type { HistoryPiece } from "./metrics/history.ts";
import { MetricsServer } from "./metrics/server.ts";
import { StatFile } from "./metrics/stat_file.ts";
import type { Settings } from "./settings.ts";

/** Where what is shown comes from. */
export interface ShownOptions {
  /** Makes a report; addresses of clients are in it only where that is said. */
  readonly report: (options: { readonly addresses: boolean }) => GatewayReport;
  /** Where to log. */
  readonly logger: Logger;
}

/** How the metrics are served. */
export interface MetricsOptions extends ShownOptions {
  /** Who may ask. */
  readonly access: StatusAccess;
  /** Seconds to wait for the port. */
  readonly bindTimeout: number;
  /** What the process before has shown. */
  readonly history?: HistoryPiece | undefined;
}

// Another gateway that has handed over closes the port at this moment.
const AFTER = { everyMs: 20, quietMs: 1000 } as const;

/**
 * Serves the metrics where the settings say.
 *
 * @throws {Error} with one line, when it cannot be listened there.
 */
export async function openMetrics(
  { metrics, metricsHosts, gateway: { handover } }: Settings,
  { report, logger, access, bindTimeout, history }: MetricsOptions,
): Promise<MetricsServer | undefined> {
  if (metrics === undefined) return undefined;
  const hosts = metricsHosts.split(",").map((name) => name.trim());
  // Of clients nothing is told but to whoever brings a token.
  const shown = () => report({ addresses: !access.isOpen });
  return await whenFree(
    () => new MetricsServer(metrics, shown, { logger, hosts, access, history }),
    { bindTimeout, logger, ...(handover !== undefined && AFTER) },
  );
}

/**
 * Writes the stat file where the settings say.
 *
 * @throws {GatewayError} with one line, when it cannot be written.
 */
export async function openStatFile(
  { statFile }: Settings,
  { report, logger }: ShownOptions,
): Promise<StatFile | undefined> {
  return statFile === undefined ? undefined : await StatFile.start(statFile, {
    report: () => report({ addresses: true }),
    logger,
  });
}

/** Where a gateway is reached. */
export interface ReadyAddresses {
  readonly outer: Deno.NetAddr;
  readonly inner: Deno.NetAddr;
  readonly ws: Deno.NetAddr | undefined;
  readonly tls: Deno.NetAddr | undefined;
  readonly wss: Deno.NetAddr | undefined;
}

/** The line that says that it accepts connections. */
export function readyLine(
  { outer, inner, ...optional }: ReadyAddresses,
): string {
  const { ws, tls, wss } = optional;
  const places = Object.entries({ outer, inner, ws, tls, wss })
    .map(([name, addr]) => addr ? ` ${name}=${formatAddress(addr)}` : "");
  return `maple gateway ready${places.join("")}`;
}
