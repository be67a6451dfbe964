// ParkWatch: gives up requests that have waited too long for a worker.

import { RET } from "@maple/box";
import type { Clients } from "../outer/clients.ts";
import type { GatewayContext } from "../context.ts";

// A request is given up after the park time and up to a tenth of it later: one timer for all, and
// no clock is read per frame.
const STEPS = 10;

/** Gives up requests that have waited too long for a worker. */
export class ParkWatch {
  readonly #context: GatewayContext;
  readonly #clients: Clients;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Makes a watch that does not watch yet. */
  constructor(context: GatewayContext, clients: Clients) {
    this.#context = context;
    this.#clients = clients;
  }

  /** Starts watching. */
  start(): void {
    const { parkTime } = this.#context.options;
    if (parkTime === 0) return;
    this.#timer = setInterval(() => this.#step(), parkTime * 1000 / STEPS);
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    const { queue, counters, logger, options } = this.#context;
    const expired = queue.expire(STEPS);
    for (const task of expired) {
      if (task.session) {
        this.#clients.refuse(task.session, task.body, RET.BUSY);
        this.#clients.requestDone(task.session);
      }
    }
    counters.expired += expired.length;
    if (expired.length > 0) {
      logger.warn(
        `${expired.length} tasks are given up, no worker has asked for them within ${options.parkTime} s (parkTime)`,
      );
    }
  }
}
