// RoomWatch: says in the log when the queue's room is used up and clients pay for it, and when they
// do not any more.

import type { Logger } from "@maple/box/internal";
import type { Room, RoomOptions } from "./room.ts";

const LOOK_MS = 500;
// It is over when so many looks have found nothing.
const QUIET_LOOKS = 2;

/** What a {@linkcode RoomWatch} needs. */
export interface RoomWatchOptions extends RoomOptions {
  /** How many requests were refused so far. */
  readonly refused: () => number;
  /** Where to log. */
  readonly logger: Logger;
}

/** Something that lasts for a while. */
interface Episode {
  readonly since: number;
  readonly refused: number;
  peak: number;
  quietLooks: number;
}

/** Says in the log when the queue's room is used up. */
export class RoomWatch {
  readonly #room: Room;
  readonly #options: RoomWatchOptions;
  #holding: Episode | undefined;
  #isShut = false;
  #refused = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Makes a watch that does not watch yet. */
  constructor(room: Room, options: RoomWatchOptions) {
    this.#room = room;
    this.#options = options;
  }

  /** Starts watching. */
  start(): void {
    this.#timer = setInterval(() => {
      this.#lookAtClients();
      this.#lookAtNews();
    }, LOOK_MS);
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #lookAtClients(): void {
    const { logger, queueMax, queueBytes } = this.#options;
    const { size, bytes, clients } = this.#room;
    const peak = this.#room.takeHeldBackPeak();
    const before = this.#refused;
    const refused = this.#refused = this.#options.refused();
    if (peak > 0 || refused > before) {
      if (!this.#holding) {
        logger.warn(
          `${peak} clients are held back: ${size} tasks with ${bytes} bytes wait, requests of ${clients} clients among them, who share a room of ${queueMax} tasks (queueMax) and ${queueBytes} bytes (queueBytes)`,
        );
        const since = performance.now();
        this.#holding = { since, refused: before, peak, quietLooks: 0 };
      }
      this.#holding.peak = Math.max(this.#holding.peak, peak);
      this.#holding.quietLooks = 0;
      return;
    }
    const held = this.#holding;
    if (!held || ++held.quietLooks < QUIET_LOOKS) return;
    this.#holding = undefined;
    const seconds = (performance.now() - held.since) / 1000;
    logger.info(
      `no client is held back any more, after ${
        Math.round(seconds)
      } s: up to ${held.peak} were at a time, and ${
        refused - held.refused
      } requests were refused`,
    );
  }

  #lookAtNews(): void {
    const { logger, newsMax } = this.#options;
    const { news, newsGate } = this.#room;
    if (newsGate.isOpen !== this.#isShut) return;
    this.#isShut = !newsGate.isOpen;
    if (this.#isShut) {
      logger.warn(
        `no client is let in: ${news} times workers are to be told that a client came or is gone, ${newsMax} is the most (newsMax)`,
      );
    } else logger.info(`clients are let in again: ${news} news of them wait`);
  }
}
