// Inbox: the boxes that came for a client and who waits for them: requests for their answers,
// handlers for the boxes of their cmd, reads for whatever is left.

import type { BoxClass, BoxInit, BoxOf } from "../box_class.ts";
import type { BoxError } from "../errors.ts";
import { SerialNumbers } from "./serial_numbers.ts";
import { limit, type Waiting, waiting, type WaitOptions } from "./waiting.ts";

/** Called with each box of a cmd that answers no request. */
export type BoxHandler<F extends object> = (box: BoxOf<F>) => unknown;

/** A request whose box is packed and whose answer is waited for. */
export interface SentRequest<F extends object> {
  /** The packed request. */
  readonly frame: Uint8Array;
  /** Resolves with the answer; see {@linkcode Inbox.request} for what it rejects with. */
  readonly answer: Promise<BoxOf<F>>;
  /** Gives it up. */
  cancel(reason: unknown): void;
}

// Boxes that nobody has asked for are kept up to so many, and so many bytes of bodies; then no more
// is read from the server.
const UNREAD_MAX = 1024;
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;

/** Settings of an {@linkcode Inbox}. */
export interface InboxOptions {
  /**
   * When too many boxes are there that nobody reads the oldest go; with this the server is not read
   * from, and requests whose answers would come behind them fail with what it gives.
   * @default none
   */
  readonly whenFull?: (boxes: number, bytes: number) => BoxError;
}

/** The boxes that came for a client and who waits for them. */
export class Inbox<F extends object> {
  readonly #whenFull: InboxOptions["whenFull"];
  // A set is a queue here: it keeps its order, and anything can be taken out of its middle.
  readonly #unread = new Set<BoxOf<F>>();
  #unreadBytes = 0;
  readonly #reads = new Set<Waiting<BoxOf<F> | null>>();
  readonly #requests = new Map<number, Waiting<BoxOf<F>>>();
  readonly #handlers = new Map<number, BoxHandler<F>[]>();
  readonly #serials: SerialNumbers<F>;

  /**
   * Makes an empty inbox.
   *
   * @param boxClass The class of the boxes.
   */
  constructor(boxClass: BoxClass<F>, options: InboxOptions = {}) {
    this.#serials = new SerialNumbers(boxClass);
    this.#whenFull = options.whenFull;
  }

  /** Whether somebody waits for boxes, so that the connection should be read from. */
  get wanted(): boolean {
    return this.#reads.size > 0 || this.#requests.size > 0 ||
      (this.#handlers.size > 0 && !this.#isFull);
  }

  /** Whether boxes are there that nobody has read. */
  get hasUnread(): boolean {
    return this.#unread.size > 0;
  }

  get #isFull(): boolean {
    return this.#unread.size >= UNREAD_MAX ||
      this.#unreadBytes >= UNREAD_BYTES_MAX;
  }

  /**
   * A box came: it goes to the request that it answers, else to the handlers of its cmd, else to
   * whoever reads next.
   */
  deliver(box: BoxOf<F>): void {
    const { cmd, sn } = box as { cmd?: unknown; sn?: unknown };
    const serial = Number(sn);
    const request = this.#requests.get(serial);
    if (request) {
      this.#requests.delete(serial);
      return request.resolve(box);
    }
    // An answer that nobody waits for any more.
    if (this.#serials.free(serial)) return;
    const handlers = this.#handlers.get(Number(cmd));
    if (handlers) {
      for (const handler of [...handlers]) call(handler, box);
      return;
    }
    for (const read of this.#reads) {
      this.#reads.delete(read);
      return read.resolve(box);
    }
    this.#unread.add(box);
    this.#unreadBytes += box.body.length;
    if (!this.#whenFull) {
      for (const oldest of this.#unread) {
        if (!this.#isFull) break;
        this.#unread.delete(oldest);
        this.#unreadBytes -= oldest.body.length;
      }
    } else if (this.#isFull && this.#requests.size > 0) {
      this.#rejectRequests(
        this.#whenFull(this.#unread.size, this.#unreadBytes),
      );
    }
  }

  /** The next box that is left; null when {@linkcode Inbox.end} was called. */
  read(options: WaitOptions): Promise<BoxOf<F> | null> {
    for (const box of this.#unread) {
      this.#unread.delete(box);
      this.#unreadBytes -= box.body.length;
      return Promise.resolve(box);
    }
    const read = waiting<BoxOf<F> | null>();
    this.#reads.add(read);
    limit(read, options, "read", () => this.#reads.delete(read));
    return read.promise;
  }

  /** The connection is another one: answers to requests that were given up come no more. */
  reconnected(): void {
    this.#serials.freeAll();
  }

  /** Forgets the boxes that nobody has read. */
  clear(): void {
    this.#unread.clear();
    this.#unreadBytes = 0;
  }

  /**
   * Gives a box a serial number of its own and waits for the box that carries the same one back.
   *
   * @throws {BoxError} `schema` when the boxes have no serial number; `limit` when all numbers are
   * in flight.
   */
  request(
    data: BoxOf<F> | BoxInit<F>,
    options: WaitOptions,
  ): SentRequest<F> {
    const sn = this.#serials.next(this.#requests);
    const frame = this.#serials.put(data, sn).pack();
    const request = waiting<BoxOf<F>>();
    this.#requests.set(sn, request);
    limit(request, options, "get an answer", () => this.#giveUp(sn, request));
    return {
      frame,
      answer: request.promise,
      cancel: (reason) => {
        this.#giveUp(sn, request);
        request.reject(reason);
      },
    };
  }

  /**
   * Gives each box of that cmd that answers no request to `handler`, in the order in which they
   * come.
   *
   * @returns What ends it.
   */
  on(cmd: number, handler: BoxHandler<F>): () => void {
    const handlers = this.#handlers.get(cmd);
    if (handlers) handlers.push(handler);
    else this.#handlers.set(cmd, [handler]);
    return () => {
      const left = this.#handlers.get(cmd) ?? [];
      const at = left.indexOf(handler);
      if (at >= 0) left.splice(at, 1);
      if (left.length === 0) this.#handlers.delete(cmd);
    };
  }

  /**
   * The connection is gone: those that wait for an answer fail with `reason`; the first read fails
   * with `fault`, if the server has sent what is no box, and the others get null.
   *
   * @returns Whether a read was told the fault.
   */
  end(reason: unknown, fault?: unknown): boolean {
    this.#rejectRequests(reason);
    this.reconnected();
    let told = false;
    for (const read of this.#reads) {
      if (fault === undefined || told) read.resolve(null);
      else read.reject(fault);
      told = true;
    }
    this.#reads.clear();
    return told;
  }

  #rejectRequests(reason: unknown): void {
    const requests = [...this.#requests];
    for (const [sn, request] of requests) {
      this.#giveUp(sn, request);
      request.reject(reason);
    }
  }

  #giveUp(sn: number, request: Waiting<BoxOf<F>>): void {
    // It is answered or given up already, and the number may be another's by now.
    if (this.#requests.get(sn) !== request) return;
    this.#requests.delete(sn);
    this.#serials.keep(sn);
  }
}

// A handler that throws is its owner's: it is told as any uncaught error is, and the others go on.
function call<F extends object>(handler: BoxHandler<F>, box: BoxOf<F>): void {
  try {
    Promise.resolve(handler(box)).catch(rethrow);
  } catch (error) {
    rethrow(error);
  }
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
