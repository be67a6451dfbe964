// ClientRates: how much a second each client may send, and what is done with one that sends more.

import { turnNow } from "../clock.ts";
import type { CloseCause } from "./close_cause.ts";

/** What is done with a client that sends too much: it is read from more slowly, or is closed. */
export type RateAction = "slow" | "close";

/** The words that an option `rateAction` takes. */
export const RATE_ACTIONS: readonly RateAction[] = ["slow", "close"];

/** How much each client may send; looked at when `ClientRates.changed` is called. */
export interface RateLimits {
  /** Frames a second; 0 = any number. */
  readonly clientRate: number;
  /** Bytes of frames a second; 0 = any number. */
  readonly clientBytesRate: number;
  /** What is done with one that sends more. */
  readonly rateAction: RateAction;
}

/**
 * A client with its two buckets, which fill as it sends and leak as time goes by. They are fields
 * of the client, since there are thousands.
 */
export interface RatedClient {
  /** Frames in the first one. */
  frameLevel: number;
  /** Bytes in the second one. */
  byteLevel: number;
  /** When they leaked last. */
  levelAt: number;
  /** Whether it is not read from until they have leaked. */
  slowed: boolean;
  /** What carries its frames. */
  readonly socket: {
    /** Gives out no more frames. */
    pause(): void;
    /** Closes it in order. */
    close(cause: CloseCause): void;
  };
  /** It may be read from again, unless it is held back for something else. */
  readOn(): void;
}

/** What a client had too much of. */
export type RateKind = "frames" | "bytes";

/** Settings of {@linkcode ClientRates}. */
export interface ClientRatesOptions<C> {
  /** A client is slowed or closed. */
  readonly onExceeded: (client: C, kind: RateKind) => void;
  /** Milliseconds; for tests. @default {turnNow} */
  readonly now?: () => number;
}

// A bucket holds what comes in so many seconds.
const BURST_SECONDS = 2;
// One timer for all that are slowed, which runs while there are any.
const STEP_MS = 100;
const OPTION = { frames: "clientRate", bytes: "clientBytesRate" } as const;

/** How much a second each client may send. */
export class ClientRates<C extends RatedClient> {
  /** Whether anything is limited; else nothing needs to be asked. */
  on = false;
  readonly #limits: RateLimits;
  readonly #onExceeded: (client: C, kind: RateKind) => void;
  readonly #now: () => number;
  readonly #slowed = new Set<C>();
  #timer: ReturnType<typeof setInterval> | undefined;
  // Both a millisecond; 0 where any number may come.
  #frameRate = 0;
  #byteRate = 0;
  // At a higher level there is no room for one more.
  #frameLine = Infinity;
  #byteLine = Infinity;
  #closes = false;

  /**
   * Has no clients yet.
   *
   * @param limits What each of them may send.
   */
  constructor(limits: RateLimits, options: ClientRatesOptions<C>) {
    this.#limits = limits;
    this.#onExceeded = options.onExceeded;
    this.#now = options.now ?? turnNow;
    this.changed();
  }

  /** How many clients are slowed now. */
  get slowed(): number {
    return this.#slowed.size;
  }

  /** To be called when the limits have changed. */
  changed(): void {
    const { clientRate, clientBytesRate, rateAction } = this.#limits;
    this.#frameRate = clientRate / 1000;
    this.#byteRate = clientBytesRate / 1000;
    this.#frameLine = lineOf(clientRate);
    this.#byteLine = lineOf(clientBytesRate);
    this.#closes = rateAction === "close";
    this.on = clientRate > 0 || clientBytesRate > 0;
  }

  /**
   * A client has sent a frame; to be called where `on` says so.
   *
   * @returns false when it is closed for it.
   */
  take(client: C, bytes: number): boolean {
    this.#leak(client, this.#now());
    if (this.#closes && this.#isOver(client)) {
      this.#close(client);
      return false;
    }
    client.frameLevel++;
    client.byteLevel += bytes;
    if (!this.#closes && !client.slowed && this.#isOver(client)) {
      this.#slow(client);
    }
    return true;
  }

  /** Takes a client that another process has slowed; it is read from when it may send again. */
  resume(client: C): void {
    this.#slowed.add(client);
    this.#timer ??= setInterval(() => this.step(), STEP_MS);
  }

  /** A client is gone. */
  forget(client: C): void {
    if (!client.slowed) return;
    client.slowed = false;
    this.#slowed.delete(client);
    this.#stopWhenIdle();
  }

  /** Reads on from whoever may send again; the timer does so. */
  step(): void {
    const now = this.#now();
    for (const client of this.#slowed) {
      this.#leak(client, now);
      if (this.#isOver(client)) continue;
      client.slowed = false;
      this.#slowed.delete(client);
      client.readOn();
    }
    this.#stopWhenIdle();
  }

  /** Reads on from nobody any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#slowed.clear();
  }

  #leak(client: C, now: number): void {
    const ms = now - client.levelAt;
    client.levelAt = now;
    client.frameLevel = this.#frameRate === 0
      ? 0
      : Math.max(0, client.frameLevel - ms * this.#frameRate);
    client.byteLevel = this.#byteRate === 0
      ? 0
      : Math.max(0, client.byteLevel - ms * this.#byteRate);
  }

  #isOver({ frameLevel, byteLevel }: C): boolean {
    return frameLevel > this.#frameLine || byteLevel > this.#byteLine;
  }

  #kindOf({ frameLevel }: C): RateKind {
    return frameLevel > this.#frameLine ? "frames" : "bytes";
  }

  #slow(client: C): void {
    client.slowed = true;
    client.socket.pause();
    this.#slowed.add(client);
    this.#timer ??= setInterval(() => this.step(), STEP_MS);
    this.#onExceeded(client, this.#kindOf(client));
  }

  #close(client: C): void {
    const kind = this.#kindOf(client);
    this.#onExceeded(client, kind);
    const option = OPTION[kind];
    client.socket.close({
      kind: "rate",
      message: `it sends more than ${
        this.#limits[option]
      } ${kind} a second (${option})`,
    });
  }

  #stopWhenIdle(): void {
    if (this.#slowed.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function lineOf(rate: number): number {
  return rate === 0 ? Infinity : Math.max(0, rate * BURST_SECONDS - 1);
}
