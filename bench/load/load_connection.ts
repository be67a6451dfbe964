// LoadConnection: the requests in flight on one connection.

import { readInt32, writeInt32 } from "@maple/box/internal";
import type { Link } from "./link.ts";

/** Whoever counts what becomes of the requests. */
export interface LoadCounter {
  /** A request was answered after this many milliseconds, with this return code. */
  onAnswer(connection: LoadConnection, milliseconds: number, ret: number): void;
  /** Something came that answers nothing that is in flight. */
  onPush(): void;
}

/** Where the return code stands in a box. */
export const RET = 16;
/** Where the serial number stands in a box. */
export const SN = 20;
const MAX_SN = 2 ** 31;

/**
 * The requests in flight on one connection. A serial number is a slot and how often the slot was
 * used: an answer that comes after its request was given up is known as such.
 */
export class LoadConnection {
  /** Its number in this process, from 0. */
  readonly index: number;
  /** Requests that were sent. */
  sent = 0;
  /** Requests that were answered. */
  answered = 0;
  /** How it is written to; undefined unless it is connected. */
  link: Link | undefined;
  /** Whether it is connected and logged in. */
  open = false;
  readonly #frame: Uint8Array;
  readonly #counter: LoadCounter;
  readonly #size: number;
  readonly #sns: Int32Array;
  readonly #lastSns: Int32Array;
  readonly #since: Float64Array;
  readonly #free: Int32Array;
  #freeCount: number;
  #due: number[] = [];
  #dueAt = 0;

  /**
   * Makes one that is not connected.
   *
   * @param frame The request; its serial number is written in place. All connections may share it.
   */
  constructor(
    index: number,
    counter: LoadCounter,
    { frame, depth }: { frame: Uint8Array; depth: number },
  ) {
    this.index = index;
    this.#frame = frame;
    this.#counter = counter;
    this.#size = depth;
    // 0 = the slot is free; so the first serial number of a slot is slot + depth.
    this.#sns = new Int32Array(depth);
    this.#since = new Float64Array(depth);
    this.#free = Int32Array.from({ length: depth }, (_, i) => depth - 1 - i);
    this.#freeCount = depth;
    this.#lastSns = Int32Array.from({ length: depth }, (_, i) => i);
  }

  /** Requests in flight. */
  get inFlight(): number {
    return this.#size - this.#freeCount;
  }

  /** Requests that were due but could not be sent yet. */
  get waiting(): number {
    return this.#due.length - this.#dueAt;
  }

  /** Sends a request, if it may have one more in flight. */
  send(now: number): boolean {
    if (this.#freeCount === 0 || !this.open) return false;
    const slot = this.#free[--this.#freeCount]!;
    let sn = this.#lastSns[slot]! + this.#size;
    if (sn >= MAX_SN) sn = slot + this.#size;
    this.#lastSns[slot] = sn;
    this.#sns[slot] = sn;
    this.#since[slot] = now;
    this.sent++;
    writeInt32(this.#frame, SN, sn);
    this.link!.send(this.#frame);
    return true;
  }

  /** Sends a request that was due at this time as soon as it may; its time counts from then. */
  sendDue(due: number): void {
    if (this.waiting > 0 || !this.send(due)) this.#due.push(due);
  }

  /** A frame came. */
  onFrame(frame: Uint8Array): void {
    const sn = readInt32(frame, SN);
    const slot = sn % this.#size;
    if (sn <= 0 || this.#sns[slot] !== sn) return this.#counter.onPush();
    const milliseconds = performance.now() - this.#since[slot]!;
    this.#release(slot);
    this.answered++;
    this.#sendWaiting();
    this.#counter.onAnswer(this, milliseconds, readInt32(frame, RET));
  }

  /** Gives up requests that were sent before this time, and says how many. */
  giveUp(before: number): number {
    let count = 0;
    for (let slot = 0; slot < this.#size; slot++) {
      if (this.#sns[slot] === 0 || this.#since[slot]! > before) continue;
      this.#release(slot);
      count++;
    }
    if (count > 0) this.#sendWaiting();
    return count;
  }

  /**
   * It has ended: gives up all that is in flight, and says how many that were; what waits is
   * dropped.
   */
  end(): number {
    this.open = false;
    this.#due = [];
    this.#dueAt = 0;
    return this.giveUp(Infinity);
  }

  #release(slot: number): void {
    this.#sns[slot] = 0;
    this.#free[this.#freeCount++] = slot;
  }

  #sendWaiting(): void {
    if (this.waiting === 0 || !this.send(this.#due[this.#dueAt]!)) return;
    this.#dueAt++;
    if (this.#dueAt * 2 > this.#due.length) {
      this.#due.splice(0, this.#dueAt);
      this.#dueAt = 0;
    }
  }
}
