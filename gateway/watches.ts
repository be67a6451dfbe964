// Watches: all that looks at a gateway again and again while it serves.

import { ClientWatch, LoopDelay, WebSocketPings } from "@maple/box/internal";
import type { GatewayContext } from "./context.ts";
import type { InnerLinks } from "./inner/inner_links.ts";
import { WorkerWatch } from "./inner/worker_watch.ts";
import { BacklogOverflows } from "./metrics/backlog_overflows.ts";
import { ParkWatch } from "./queue/park_watch.ts";
import { RoomWatch } from "./queue/room_watch.ts";

/** All that looks at a gateway again and again while it serves. */
export class Watches {
  readonly #all: readonly { start(): void; stop(): void }[];
  readonly #clientWatch: ClientWatch;
  readonly #pings: WebSocketPings;
  readonly #loopDelay = new LoopDelay();
  readonly #backlogOverflows = new BacklogOverflows();

  /** @param context What they look at. */
  constructor(context: GatewayContext, links: InnerLinks) {
    const { options, counters, sessions, queue, dispatcher, logger } = context;
    this.#clientWatch = new ClientWatch(sessions, {
      idle: options.connTimeout,
      idleOption: "connTimeout",
      firstFrame: options.firstFrameTimeout,
      frame: options.frameTimeout,
      write: options.writeTimeout,
    });
    this.#pings = new WebSocketPings(sessions, {
      interval: (options.wsPort ?? options.wssPort) === undefined
        ? 0
        : options.wsPing,
      option: "wsPing",
    });
    this.#all = [
      this.#loopDelay,
      this.#backlogOverflows,
      this.#clientWatch,
      this.#pings,
      new ParkWatch(queue, {
        parkTime: options.parkTime,
        onExpired(count) {
          counters.expired += count;
          logger.warn(
            `${count} tasks are given up, no worker has asked for them within ${options.parkTime} s (parkTime)`,
          );
        },
        recallOld: (steps) => dispatcher.recallOld(steps),
      }),
      new WorkerWatch({
        workers: () => links.workers,
        waiting: () => queue.size,
        logger,
      }),
      new RoomWatch(queue.room, {
        ...options,
        refused: () => counters.refused,
        logger,
      }),
    ];
  }

  /** Connections that the system did not hold; see {@linkcode BacklogOverflows}. */
  get backlogOverflows(): number {
    return this.#backlogOverflows.count;
  }

  /** Milliseconds of a step of the watch of clients. */
  get clientStepMs(): number {
    return this.#clientWatch.stepMs;
  }

  /** How late the event loop is, in seconds. */
  get loopDelay(): number {
    return this.#loopDelay.seconds;
  }

  /** They look from now on. */
  start(): void {
    for (const one of this.#all) one.start();
  }

  /** Those that change something of each client hold still until `goOn`. */
  hold(): void {
    this.#clientWatch.hold();
    this.#pings.hold();
  }

  /** They go on. */
  goOn(): void {
    this.#clientWatch.goOn();
    this.#pings.goOn();
  }

  /** They look no more. */
  stop(): void {
    for (const one of this.#all) one.stop();
  }
}
