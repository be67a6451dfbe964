// OutgoingBoxes: the boxes of a client that wait for a connection, and the requests that were sent
// and wait for their answers.

import { BoxError } from "../errors.ts";
import type { ClientLine } from "./client_line.ts";
import type { SentRequest } from "./inbox.ts";

/** A box that was sent, or waits to be. */
export class Outgoing<F extends object> {
  /** The connection that it was sent on, while it is not lost. */
  line: ClientLine | undefined;
  /** Whether it was sent on any. */
  tried = false;

  /**
   * @param frame The box, packed.
   * @param request Of a request: who waits for the answer.
   * @param retry Whether it is sent again on the next connection when there was no answer.
   */
  constructor(
    readonly frame: Uint8Array,
    readonly request?: SentRequest<F>,
    readonly retry: boolean = false,
  ) {}
}

/** The most bytes that may wait. */
export interface OutgoingLimits {
  /** For a connection. */
  readonly maxOfflineBytes: number;
  /** On a connection. */
  readonly maxPendingBytes: number;
}

/** The boxes of a client that are not done with. */
export class OutgoingBoxes<F extends object> {
  readonly #limits: OutgoingLimits;
  readonly #boxes = new Set<Outgoing<F>>();
  #offlineBytes = 0;

  /** @param limits The most bytes that may wait. */
  constructor(limits: OutgoingLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a box and sends it; without a connection it waits for one.
   *
   * @throws {BoxError} `limit` when too much waits: the box is not taken then.
   */
  put(box: Outgoing<F>, line: ClientLine | undefined): void {
    const { length } = box.frame;
    const { maxOfflineBytes, maxPendingBytes } = this.#limits;
    if (line) {
      const { pendingBytes } = line;
      if (pendingBytes > 0 && pendingBytes + length > maxPendingBytes) {
        throw new BoxError(
          "limit",
          `Cannot send: ${pendingBytes} bytes wait to be sent and the server does not read (maxPendingBytes)`,
        );
      }
      this.#boxes.add(box);
      return this.#send(box, line);
    }
    if (this.#offlineBytes + length > maxOfflineBytes) {
      throw new BoxError(
        "limit",
        `Cannot send: there is no connection and ${this.#offlineBytes} bytes wait for one (maxOfflineBytes)`,
      );
    }
    this.#boxes.add(box);
    this.#offlineBytes += length;
  }

  /** Sends all that wait, in their order. */
  sendAll(line: ClientLine): void {
    this.#offlineBytes = 0;
    for (const box of this.#boxes) if (!box.line) this.#send(box, line);
  }

  /** Whether an answer is still to come on a connection. */
  waitsOn(line: ClientLine): boolean {
    for (const box of this.#boxes) if (box.line === line) return true;
    return false;
  }

  /** Forgets a box: it is answered, or given up. */
  delete(box: Outgoing<F>): void {
    if (!this.#boxes.delete(box) || box.line) return;
    this.#offlineBytes -= box.frame.length;
  }

  /** A connection is lost: what was sent on it is to be sent again, or fails with `error`. */
  lose(line: ClientLine, error: BoxError): void {
    for (const box of this.#boxes) {
      if (box.line !== line) continue;
      if (box.retry) {
        box.line = undefined;
        this.#offlineBytes += box.frame.length;
      } else {
        this.#boxes.delete(box);
        box.request?.cancel(error);
      }
    }
  }

  #send(box: Outgoing<F>, line: ClientLine): void {
    box.line = line;
    box.tried = true;
    if (!box.request) this.#boxes.delete(box);
    line.send(box.frame);
  }
}
