// ClientMoves: how a Client changes from one connection to another without losing a request, when
// its server asks for it.

import { BackOff, type Delays, pause } from "./back_off.ts";
import { lostBy } from "./client_errors.ts";
import type { ClientLine } from "./client_line.ts";

// How long a connection that was left stays open when all its answers are there: what others sent
// to it is still on its way, while they learn of the new one.
const LINGER_MS = 1000;
// No client waits for longer, whatever it is told.
const AFTER_MAX_MS = 3_600_000;

/** The client that moves. */
export interface MoveHost {
  /** The connection over which all is sent. */
  line(): ClientLine | undefined;
  /** Opens another one, to the same address, and runs what is to be run on it. */
  open(signal: AbortSignal): Promise<ClientLine>;
  /** All is sent over this one from now on. */
  take(line: ClientLine): void;
  /** Whether an answer is still to come on one. */
  waitsOn(line: ClientLine): boolean;
  /** Closes one. */
  end(line: ClientLine): void;
}

/** How a client changes from one connection to another. */
export class ClientMoves {
  readonly #host: MoveHost;
  readonly #delays: Delays;
  // Those that were left; with a timer when all answers are there.
  readonly #left = new Map<
    ClientLine,
    ReturnType<typeof setTimeout> | undefined
  >();
  #moving: AbortController | undefined;
  #running: Promise<void> | undefined;

  /**
   * @param host The client.
   * @param delays Between two attempts.
   */
  constructor(host: MoveHost, delays: Delays) {
    this.#host = host;
    this.#delays = delays;
  }

  /** Whether connections are still open that were left. */
  get hasLeft(): boolean {
    return this.#left.size > 0;
  }

  /**
   * The box came on a connection that asks for it, or one of the same command that asks for
   * nothing: a worker's answer to the client's own.
   */
  asked(line: ClientLine, box: { json(): unknown }): void {
    let after: unknown;
    try {
      ({ after } = box.json() as { after?: unknown });
    } catch {
      return;
    }
    if (typeof after !== "number" || !(after >= 0)) return;
    line.moveAfter = Math.min(after, AFTER_MAX_MS);
    if (line === this.#host.line()) this.begin(line);
  }

  /** A connection has become the one over which all is sent: moves if that was asked meanwhile. */
  begin({ moveAfter }: ClientLine): void {
    if (moveAfter === undefined || this.#moving) return;
    this.#moving = new AbortController();
    this.#running = this.#move(moveAfter, this.#moving.signal);
  }

  /** That connection is lost: the client connects anew in any case. */
  stop(): void {
    this.#moving?.abort(lostBy("the client connects anew"));
    this.#moving = undefined;
  }

  /** Closes one; gives whether it was one of those that were left. */
  drop(line: ClientLine): boolean {
    clearTimeout(this.#left.get(line));
    const wasLeft = this.#left.delete(line);
    if (wasLeft) this.#host.end(line);
    return wasLeft;
  }

  /** An answer is there, or nobody waits for it: closes those that were left and have all. */
  answered(): void {
    for (const [line, timer] of this.#left) {
      if (timer !== undefined || this.#host.waitsOn(line)) continue;
      this.#left.set(line, setTimeout(() => this.drop(line), LINGER_MS));
    }
  }

  /** Closes all that were left. Resolves when nothing runs any more. */
  async close(): Promise<void> {
    for (const line of this.#left.keys()) this.drop(line);
    await this.#running;
  }

  async #move(after: number, signal: AbortSignal): Promise<void> {
    const host = this.#host;
    const backOff = new BackOff(this.#delays);
    await pause(after, signal);
    while (!signal.aborted) {
      let line: ClientLine;
      try {
        line = await host.open(signal);
      } catch {
        // The one that it has is as good as before.
        await backOff.wait(signal);
        continue;
      }
      if (signal.aborted) return host.end(line);
      this.#moving = undefined;
      this.#left.set(host.line()!, undefined);
      host.take(line);
      return this.answered();
    }
  }
}
