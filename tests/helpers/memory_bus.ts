// MemoryBuses: buses between gateways of one process, which can be cut and frozen.

import type { Bus, BusReceiver, NotCarried } from "@maple/gateway";

/** What carries messages between all buses that are made of it. */
export class MemoryBuses {
  /** All that are open. */
  readonly open: Set<MemoryBus> = new Set();
  /** Bytes of the longest message. */
  readonly maxBytes: number;
  /** Bytes that may wait while a bus is frozen. */
  readonly waitingBytes: number;
  /** Whether what one sends comes to another: a network that is cut in two. */
  reaches: (from: MemoryBus, to: MemoryBus) => boolean = () => true;

  /** Nobody is on it yet. */
  constructor(
    { maxBytes = 64 * 1024, waitingBytes = 1024 * 1024 }: {
      maxBytes?: number;
      waitingBytes?: number;
    } = {},
  ) {
    this.maxBytes = maxBytes;
    this.waitingBytes = waitingBytes;
  }

  /** The bus of one more gateway. */
  make(): MemoryBus {
    return new MemoryBus(this);
  }
}

type Way = "up" | "away" | "frozen" | "late";

/** The bus of one gateway. */
export class MemoryBus implements Bus {
  readonly name = "memory";
  readonly notCarried: NotCarried = { away: 0, full: 0, late: 0, cut: 0 };
  /** What it has carried. */
  carried = 0;
  /** Changes what it carries, or drops it where it gives none. */
  onCarried: ((message: Uint8Array) => Uint8Array | undefined) | undefined;
  readonly #all: MemoryBuses;
  readonly #nodes = new Set<number>();
  #receiver: BusReceiver | undefined;
  #way: Way = "up";
  #waiting: (() => void)[] = [];
  #waitingBytes = 0;

  /** To be made by {@linkcode MemoryBuses}. */
  constructor(all: MemoryBuses) {
    this.#all = all;
  }

  get maxBytes(): number {
    return this.#all.maxBytes;
  }

  get isUp(): boolean {
    return this.#receiver !== undefined && ["up", "frozen"].includes(this.#way);
  }

  open(receiver: BusReceiver): Promise<void> {
    this.#receiver = receiver;
    this.#all.open.add(this);
    return Promise.resolve();
  }

  listenAs(node: number): void {
    this.#nodes.add(node);
  }

  publish(message: Uint8Array): boolean {
    return this.#carry(message, () => true);
  }

  send(node: number, message: Uint8Array): boolean {
    return this.#carry(message, (bus) => bus.#nodes.has(node));
  }

  close(): Promise<void> {
    this.#all.open.delete(this);
    this.#receiver = undefined;
    return Promise.resolve();
  }

  /** It is cut: nothing comes and nothing goes. */
  cut(): void {
    this.#set("away", "cut by the test");
  }

  /** What it is given waits; it has not noticed yet. */
  freeze(): void {
    this.#way = "frozen";
  }

  /** It has noticed that it is frozen. */
  notice(): void {
    this.#set("late", "no sign of life");
  }

  /** All is as it was; what was waiting is carried. */
  heal(): void {
    const isBack = this.#way !== "frozen";
    this.#way = "up";
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const carry of waiting) carry();
    if (isBack) this.#receiver?.onState(true, "healed by the test");
  }

  #set(way: Way, why: string): void {
    this.#way = way;
    this.#receiver?.onState(false, why);
  }

  #carry(message: Uint8Array, isFor: (bus: MemoryBus) => boolean): boolean {
    if (message.length > this.maxBytes) throw new Error("too long for the bus");
    const bytes = message.slice();
    if (this.#way === "away" || !this.#receiver) return this.#refuse("away");
    if (this.#way === "late") return this.#refuse("late");
    const carry = () => this.#deliver(bytes, isFor);
    if (this.#way === "frozen") {
      if (this.#waitingBytes + bytes.length > this.#all.waitingBytes) {
        return this.#refuse("full");
      }
      this.#waitingBytes += bytes.length;
      this.#waiting.push(carry);
    } else {
      // As from a socket: later, in order.
      queueMicrotask(carry);
    }
    this.carried++;
    return true;
  }

  #deliver(bytes: Uint8Array, isFor: (bus: MemoryBus) => boolean): void {
    const carried = this.onCarried ? this.onCarried(bytes) : bytes;
    if (!carried) return;
    for (const bus of this.#all.open) {
      // One that is frozen by itself does not hear, and hears nothing of it later.
      if (bus === this || bus.#way !== "up" || !isFor(bus)) continue;
      if (!this.#all.reaches(this, bus)) continue;
      bus.#receiver?.onMessage(carried.slice());
    }
  }

  #refuse(cause: keyof NotCarried): false {
    this.notCarried[cause]++;
    return false;
  }
}
