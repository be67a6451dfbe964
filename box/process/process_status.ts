// serveProcessStatus: shows how the processes of an app are doing, over HTTP.

import type { Logger } from "../log/logger.ts";
import type { PrometheusText } from "../metrics/prometheus.ts";
import {
  serveStatus,
  type StatusGuard,
  statusUrl,
} from "../metrics/serve_status.ts";

/** One process of an app. */
export interface ProcessStatus {
  /** Which of its master's children it is, from 1; 0 = there is no master. */
  readonly index: number;
  /** Whether it does its work; false also while its event loop stands still. */
  readonly ready: boolean;
  /** Whether its event loop seems to stand still: nothing was heard of it for 3 s. */
  readonly silent: boolean;
  /** Times that it had ended by itself and was started again. */
  readonly restarts: number;
  /** What it has counted, as it is in JSON; `undefined` until it has told. */
  readonly stats: unknown;
}

/** Where the status comes from. */
export interface StatusSource {
  /** Where the address is logged. */
  readonly logger: Logger;
  /** Further names by which it may be asked for. */
  readonly hosts?: readonly string[] | undefined;
  /** Who may ask. */
  readonly access?: StatusGuard | undefined;
  /** Whether all processes do their work. */
  healthy(): boolean;
  /** All processes. */
  processes(): readonly ProcessStatus[];
}

/** Makes Prometheus metrics of what processes have counted. */
export type ProcessMetrics = (
  processes: readonly ProcessStatus[],
) => PrometheusText;

/**
 * Serves `/metrics` for Prometheus, `/healthz` (200 when all processes are ready, else 503) and
 * `/stats.json` until it is disposed of.
 *
 * @throws {Error} with one line that names the address, when it cannot be opened.
 */
export function serveProcessStatus(
  address: string,
  metrics: ProcessMetrics,
  source: StatusSource,
): AsyncDisposable {
  const server = serveStatus(address, {
    "/metrics": () => metrics(source.processes()).toResponse(),
    "/healthz": () =>
      source.healthy()
        ? new Response("ready\n")
        : new Response("not ready\n", { status: 503 }),
    "/stats.json": () =>
      Response.json({
        time: new Date().toISOString(),
        ready: source.healthy(),
        processes: source.processes(),
      }, { headers: { "cache-control": "no-store" } }),
  }, source);
  source.logger.info(`metrics at ${statusUrl(server.addr)}metrics`);
  return { [Symbol.asyncDispose]: () => server.close() };
}
