// MetricsServer: what `--metrics` serves: figures for Prometheus, for programs and, on a page, for
// people.

import {
  serveStatus,
  type StatusOptions,
  type StatusServer,
} from "@maple/box/internal";
import { dashboardResponse } from "../dashboard/page.ts";
import { EventFeed, eventText } from "./event_feed.ts";
import { type HistoryPiece, MetricsHistory } from "./history.ts";
import { prometheusText } from "./prometheus_text.ts";
import type { GatewayReport } from "./report.ts";
import { isServing } from "./trouble.ts";

const INTERVAL_MS = 1000;
/** How far back the charts of the dashboard go. */
export const HISTORY_SECONDS = 600;
/** How many dashboards may be open at a time. */
export const LISTENERS_MAX = 32;

/** Settings of {@linkcode MetricsServer}. */
export interface MetricsOptions extends StatusOptions {
  /** What the process before has shown. */
  readonly history?: HistoryPiece | undefined;
}

/** Serves `/metrics`, `/healthz`, `/stats.json`, and the dashboard at `/` with its `/events`. */
export class MetricsServer implements AsyncDisposable {
  readonly #report: () => GatewayReport;
  readonly #history = new MetricsHistory(HISTORY_SECONDS);
  readonly #feed = new EventFeed(LISTENERS_MAX);
  readonly #server: StatusServer;
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Starts to serve.
   *
   * @param address `PORT` (of 127.0.0.1), `HOST:PORT` or `[IPV6]:PORT`.
   * @param report Gives what is served.
   * @param options Where to log, and by which names it may be asked for.
   * @throws {RangeError} when the address is none.
   * @throws {Error} with one line when it cannot be listened on.
   */
  constructor(
    address: string,
    report: () => GatewayReport,
    options: MetricsOptions,
  ) {
    this.#report = report;
    this.#server = serveStatus(address, {
      "/": () => dashboardResponse(HISTORY_SECONDS),
      "/events": () => this.#listen(),
      "/metrics": () => prometheusText(report()).toResponse(),
      "/healthz": ({ searchParams }) => this.#health(searchParams.has("ready")),
      "/stats.json": () => json(report()),
      // The page has no figures in it: it asks for them, with the token if one is wanted.
    }, { ...options, open: ["/"] });
    if (options.history) this.#history.takeOver(options.history);
    this.#history.add(report());
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
  }

  /** Where it listens, with the real port. */
  get addr(): Deno.NetAddr {
    return this.#server.addr;
  }

  /** What the charts show, for another process. */
  give(): HistoryPiece {
    return this.#history.give();
  }

  /** Ends all connections and stops to listen. May be called twice. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#feed.close();
    return this.#server.close();
  }

  /** The same as {@linkcode MetricsServer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #tick(): void {
    const point = this.#history.add(this.#report());
    if (this.#feed.size === 0) return;
    this.#feed.send(this.#event("report", { point }));
  }

  #listen(): Response {
    const { points } = this.#history;
    return this.#feed.open(this.#event("history", { points }));
  }

  #event(name: string, more: Record<string, unknown>): string {
    const { report, rates } = this.#history;
    return eventText(name, { report, rates, ...more });
  }

  // Without workers the gateway is well, and no client is served: a restart would not help it.
  // Alone it serves its own clients as ever.
  // While its clients move it is well, and no new ones are to come.
  #health(asksReady: boolean): Response {
    const { state, workers, cluster } = this.#report().stats;
    const misses = isServing(state) && workers === 0;
    const words = [
      ...(state === "serving" && misses ? [] : [state]),
      ...(misses ? ["no workers"] : []),
      ...(cluster?.state === "alone" ? ["alone"] : []),
    ];
    const isWell = state === "serving"
      ? !(asksReady && misses)
      : state === "leaving" && !asksReady;
    return new Response(`${words.join(", ")}\n`, {
      status: isWell ? 200 : 503,
      headers: {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
      },
    });
  }
}

function json(report: GatewayReport): Response {
  return Response.json(report, { headers: { "cache-control": "no-store" } });
}
