// What a worker counts, and the counters while they count.

import {
  DURATION_BOUNDS,
  Histogram,
  type HistogramData,
} from "@maple/box/internal";

/** One gateway, as a worker sees it. */
export interface GatewayLinkStats {
  /** `127.0.0.1:28000` */
  readonly name: string;
  /** Whether the worker is attached to it now. */
  readonly attached: boolean;
  /** Tasks of it that are being worked on. */
  readonly inHand: number;
  /** The cluster that it is one of; left out where it is of none. */
  readonly cluster?: string;
  /** Its node in that; left out while it is not known. */
  readonly node?: number;
}

/** The requests of one endpoint. Those of a cmd without route are in none. */
export interface EndpointStats {
  /** Requests that are finished, those whose handler threw included. */
  readonly finished: number;
  /** Requests whose handler, or a hook before it, threw. */
  readonly errors: number;
  /** Requests that are being worked on. */
  readonly inHand: number;
  /** Seconds that the finished ones took in all, hooks included. */
  readonly seconds: number;
  /** Seconds that the longest one took. */
  readonly maxSeconds: number;
  /** How many took how long, in seconds. */
  readonly durations: HistogramData;
}

/** Tasks that came, by kind. */
export interface TaskKindStats {
  /** Requests of clients. */
  readonly client: number;
  /** Requests of triggers and workers. */
  readonly inner: number;
  /** News of clients that connected. */
  readonly created: number;
  /** News of clients that are gone. */
  readonly closed: number;
}

/**
 * The counters of a worker in one process; see `Worker.stats`. All totals are since it was
 * attached, all times seconds, all sizes bytes. It is JSON as it is.
 */
export interface WorkerProcessStats {
  /** The option `name`. */
  readonly name: string;
  /** The process. */
  readonly pid: number;
  /** The version of this library. */
  readonly version: string;
  /** Seconds since it was attached; 0 before, and when it is closed. */
  readonly uptime: number;
  /** Memory of the process, in bytes. */
  readonly rss: number;
  /**
   * Seconds that the event loop was late at most, in the last second; measured from the first call
   * of `stats` on.
   */
  readonly loopDelay: number;
  /** The gateways. */
  readonly gateways: readonly GatewayLinkStats[];
  /** Tasks that came. */
  readonly tasks: TaskKindStats;
  /** Those of them that were given to another worker before, which was lost. */
  readonly redelivered: number;
  /** Requests whose cmd has no route; they were answered with `RET.INVALID_CMD`. */
  readonly unknownCmds: number;
  /** Tasks that took longer than `workTimeout`; each is counted when that is over. */
  readonly lateTasks: number;
  /** Tasks that made no sense: an unknown command or a body that is no box. */
  readonly badTasks: number;
  /** Errors that nobody has handled: unhandled rejections, throws outside of any handler. */
  readonly unhandled: number;
  /** The requests by the endpoint of their route; an endpoint is here from its first request on. */
  readonly endpoints: Readonly<Record<string, EndpointStats>>;
}

/** The counters of one endpoint. */
export class EndpointCounter {
  /** See {@linkcode EndpointStats}. */
  errors = 0;
  /** See {@linkcode EndpointStats}. */
  inHand = 0;
  /** See {@linkcode EndpointStats}. */
  maxSeconds = 0;
  /** See {@linkcode EndpointStats}. */
  readonly durations: Histogram = new Histogram(DURATION_BOUNDS);

  /** A request is finished. */
  finish(seconds: number): void {
    this.inHand--;
    this.durations.observe(seconds);
    if (seconds > this.maxSeconds) this.maxSeconds = seconds;
  }

  /** As it is now. */
  stats(): EndpointStats {
    const { errors, inHand, maxSeconds } = this;
    const durations = this.durations.toJSON();
    const { count: finished, sum: seconds } = durations;
    return { finished, errors, inHand, seconds, maxSeconds, durations };
  }
}

/** The counters of the tasks of one worker. */
export class TaskCounters {
  /** See {@linkcode TaskKindStats}. */
  readonly kinds = { client: 0, inner: 0, created: 0, closed: 0 };
  /** See {@linkcode WorkerProcessStats}. */
  redelivered = 0;
  /** See {@linkcode WorkerProcessStats}. */
  unknownCmds = 0;
  /** See {@linkcode WorkerProcessStats}. */
  lateTasks = 0;
  /** See {@linkcode WorkerProcessStats}. */
  badTasks = 0;
  readonly #endpoints = new Map<string, EndpointCounter>();

  /** The counters of an endpoint. */
  endpoint(name: string): EndpointCounter {
    let counter = this.#endpoints.get(name);
    if (counter === undefined) {
      counter = new EndpointCounter();
      this.#endpoints.set(name, counter);
    }
    return counter;
  }

  /** As they are now. */
  stats(): Pick<
    WorkerProcessStats,
    | "tasks"
    | "redelivered"
    | "unknownCmds"
    | "lateTasks"
    | "badTasks"
    | "endpoints"
  > {
    const { redelivered, unknownCmds, lateTasks, badTasks } = this;
    const endpoints = Object.fromEntries(
      [...this.#endpoints].map(([name, counter]) => [name, counter.stats()]),
    );
    const tasks = { ...this.kinds };
    return { tasks, redelivered, unknownCmds, lateTasks, badTasks, endpoints };
  }
}
