// WebSocketPings: finds WebSockets whose other side has vanished without a word, and keeps open
// what on the way to it would close a quiet connection.

import type { Range } from "../options.ts";
import type { CloseCause } from "./close_cause.ts";
import { Steps } from "./steps.ts";
import { WebSocketTransport } from "./web_socket_transport.ts";

/** Seconds between two pings, where nothing else is said. */
export const DEFAULT_PING = 25;

/** What the option may be; 0 = no pings. */
export const PING: Range = { min: 0, max: 86_400, whole: false };

/** How often WebSockets are pinged. */
export interface PingOptions {
  /** Seconds; 0 = never. */
  readonly interval: number;
  /** The option that sets it, for the log. */
  readonly option: string;
}

/** What pings need of a connection. */
export interface Pinged {
  /** What carries its frames. */
  readonly socket: object;
}

// Not all are pinged at the same moment: one timer for all, and each has its turn in the step in
// which it came.
const STEPS = 10;

/** Pings all WebSockets, and closes those from which nothing comes over two pings. */
export class WebSocketPings {
  readonly #connections: { all(): Iterable<Pinged> };
  readonly #cause: CloseCause;
  readonly #timer: Steps;

  /**
   * Makes pings that do not begin yet.
   *
   * @param connections All connections, WebSockets and others.
   */
  constructor(connections: { all(): Iterable<Pinged> }, options: PingOptions) {
    const { interval, option } = options;
    this.#connections = connections;
    this.#timer = new Steps(() => this.#step(), interval * 1000 / STEPS);
    this.#cause = {
      kind: "idle",
      message: `no sign of life over two pings, ${interval} s each (${option})`,
    };
  }

  /** Starts pinging. */
  start(): void {
    this.#timer.start();
  }

  /** Stops pinging. */
  stop(): void {
    this.#timer.stop();
  }

  /** Changes nothing of any until `goOn`. */
  hold(): void {
    this.#timer.hold();
  }

  /** Goes on. */
  goOn(): void {
    this.#timer.goOn();
  }

  #step(): void {
    for (const { socket } of this.#connections.all()) {
      if (!(socket instanceof WebSocketTransport)) continue;
      if (!socket.stepPing(STEPS)) socket.close(this.#cause);
    }
  }
}
