// Room: how much of the queue is taken, and how much of it each client may take.

import { Gate } from "@maple/box/internal";
import type { QueueClient, QueuedTask } from "./queued_task.ts";

/** How large the queue is. */
export interface RoomOptions {
  /** Tasks at which it is full; the news of clients does not count. */
  readonly queueMax: number;
  /** Bytes at which it is full. */
  readonly queueBytes: number;
  /** News of clients at which no client is let in. */
  readonly newsMax: number;
}

/** What one process tells another of its room. */
export interface RoomPiece extends
  Pick<
    Room,
    "stops" | "size" | "peak" | "bytes" | "news" | "clients" | "heldBack"
  > {
  /** How many clients were held back at most since it was asked last. */
  readonly heldBackPeak: number;
  /** Bytes of the requests that came when their client had nothing waiting. */
  readonly firstBytes: number;
  /** Whether triggers wait. */
  readonly isShut: boolean;
  /** Whether clients wait outside. */
  readonly isNewsShut: boolean;
}

// Once something is full, this share of it must be left before it is filled again, so that not
// every single task opens and shuts a gate.
const LEFT_SHARE = 0.75;
// A client that was held back is read from again when it has this part of its share.
const READ_ON_SHARE = 0.5;

/**
 * How much of the queue is taken, and by whom.
 *
 * Each client that has something waiting may have its share: the room divided by their number, and
 * one request in any case. One that has more is not read from until it has half of that. A client
 * that has nothing waiting is always read from, also when the room is full: so the requests that
 * wait take twice the room at most. Only when one of each client would be more than the room holds,
 * a further client's request does not fit.
 */
export class Room {
  /** Shut while it is full: triggers wait at it. */
  readonly gate: Gate = new Gate();
  /** Shut while there is too much news: clients wait outside. */
  readonly newsGate: Gate = new Gate();
  /** How often it was full of tasks, and of bytes, and how often there was too much news. */
  readonly stops = { tasks: 0, bytes: 0, news: 0 };
  /** Tasks that wait. */
  size = 0;
  /** Tasks that have waited at most. */
  peak = 0;
  /** Bytes that the waiting tasks take. */
  bytes = 0;
  /** The waiting tasks that are news of clients. */
  news = 0;
  /** Clients that have requests waiting. */
  clients = 0;
  /** Clients that are held back. */
  heldBack = 0;
  /** Clients that are gone and have requests waiting. */
  readonly gone: Set<QueueClient> = new Set();
  #heldBackPeak = 0;
  // Bytes of the requests that came when their client had nothing waiting.
  #firstBytes = 0;
  readonly #options: RoomOptions;

  /** @param options How large it is. */
  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Whether a request of a client may wait, of so many bytes with its header. */
  fits(client: QueueClient, bytes: number): boolean {
    if (client.waiting > 0 || this.clients === 0) return true;
    const { queueMax, queueBytes } = this.#options;
    return this.clients < queueMax && this.#firstBytes + bytes <= queueBytes;
  }

  /** Whether twice as much waits as there is room for: nothing more may come, from nobody. */
  get isTwiceFull(): boolean {
    const { queueMax, queueBytes } = this.#options;
    return this.size - this.news >= 2 * queueMax ||
      this.bytes >= 2 * queueBytes;
  }

  /** A task waits from now on. */
  add(task: QueuedTask): void {
    const { bytes } = task;
    this.bytes += bytes;
    if (++this.size > this.peak) this.peak = this.size;
    const { queueMax, queueBytes, newsMax } = this.#options;
    if (task.isNews && ++this.news >= newsMax && this.newsGate.isOpen) {
      this.stops.news++;
      this.newsGate.shut();
    }
    const isFull = this.size - this.news >= queueMax;
    if (this.gate.isOpen && (isFull || this.bytes >= queueBytes)) {
      this.stops[isFull ? "tasks" : "bytes"]++;
      this.gate.shut();
    }
    if (task.isRequest) this.#addOf(task.session!, bytes);
  }

  /** A task does not wait any more. */
  take(task: QueuedTask): void {
    const { bytes } = task;
    this.bytes -= bytes;
    this.size--;
    const { queueMax, queueBytes, newsMax } = this.#options;
    if (task.isNews && --this.news <= newsMax * LEFT_SHARE) {
      this.newsGate.open();
    }
    if (
      !this.gate.isOpen && this.size - this.news <= queueMax * LEFT_SHARE &&
      this.bytes <= queueBytes * LEFT_SHARE
    ) this.gate.open();
    if (task.isRequest) this.#takeOf(task.session!, bytes);
  }

  /** How many clients were held back at most since the last call. */
  takeHeldBackPeak(): number {
    const peak = this.#heldBackPeak;
    this.#heldBackPeak = this.heldBack;
    return peak;
  }

  /** Nobody needs to read from a client any more. */
  leave(client: QueueClient): void {
    client.gone = true;
    if (client.waiting > 0) this.gone.add(client);
    if (!client.heldBack) return;
    client.heldBack = false;
    this.heldBack--;
  }

  /** How much is taken, for another process. */
  give(): RoomPiece {
    const { stops, size, peak, bytes, news, clients, heldBack } = this;
    return {
      ...{ stops: { ...stops }, size, peak, bytes, news, clients, heldBack },
      heldBackPeak: this.#heldBackPeak,
      firstBytes: this.#firstBytes,
      isShut: !this.gate.isOpen,
      isNewsShut: !this.newsGate.isOpen,
    };
  }

  /** Takes that; those that are gone tell by `retakeGone`. */
  takeOver(piece: RoomPiece): void {
    const { stops, heldBackPeak, firstBytes, isShut, isNewsShut, ...rest } =
      piece;
    Object.assign(this, rest);
    Object.assign(this.stops, stops);
    this.#heldBackPeak = heldBackPeak;
    this.#firstBytes = firstBytes;
    if (isShut) this.gate.shut();
    if (isNewsShut) this.newsGate.shut();
  }

  /** Takes a client that another process has given. */
  retakeGone(client: QueueClient): void {
    if (client.gone && client.waiting > 0) this.gone.add(client);
  }

  /** Lets in all who wait. */
  open(): void {
    this.gate.open();
    this.newsGate.open();
  }

  #addOf(client: QueueClient, bytes: number): void {
    if (client.waiting++ === 0) {
      this.clients++;
      client.firstBytes = bytes;
      this.#firstBytes += bytes;
    }
    client.waitingBytes += bytes;
    if (client.gone) {
      this.gone.add(client);
      return;
    }
    if (client.heldBack) return;
    if (this.gate.isOpen && this.#isWithin(client, 1)) return;
    client.heldBack = true;
    if (++this.heldBack > this.#heldBackPeak) {
      this.#heldBackPeak = this.heldBack;
    }
    client.holdBack();
  }

  #takeOf(client: QueueClient, bytes: number): void {
    client.waitingBytes -= bytes;
    if (--client.waiting === 0) {
      this.clients--;
      this.#firstBytes -= client.firstBytes;
    }
    if (client.gone) {
      if (client.waiting === 0) this.gone.delete(client);
      return;
    }
    if (!client.heldBack) return;
    const mayGoOn = client.waiting === 0 ||
      this.gate.isOpen && this.#isWithin(client, READ_ON_SHARE);
    if (!mayGoOn) return;
    client.heldBack = false;
    this.heldBack--;
    client.readOn();
  }

  // Whether a client has less than that part of its share.
  #isWithin(client: QueueClient, part: number): boolean {
    const { queueMax, queueBytes } = this.#options;
    return client.waiting * this.clients < queueMax * part &&
      client.waitingBytes * this.clients < queueBytes * part;
  }
}
