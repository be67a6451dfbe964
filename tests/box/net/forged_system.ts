// ForgedSystem: the system's calls as a test wants them: what is ready, what can be read and how a
// call fails, the test says.

import {
  EpollLoop,
  Errno,
  type LoopTurn,
  type PollEvents,
  type SystemCalls,
} from "@maple/box/internal";

/** What epoll is to tell. */
export interface ForgedEvent {
  readonly events: number;
  readonly descriptor: number;
  readonly generation: number;
}

const POLL = 1000;
const WAKER = 1001;

/** The system's calls as a test wants them. */
export class ForgedSystem implements SystemCalls {
  /** What the descriptors are asked for, and under which generation. */
  readonly asked = new Map<number, ForgedEvent>();
  /** What a read of a descriptor gives: bytes, or the number of an error; then it is to wait. */
  readonly toRead = new Map<number, (Uint8Array | number)[]>();
  /** How many bytes a write takes, or the number of an error; then it takes all. */
  readonly toWrite = new Map<number, number[]>();
  /** What the listener gives: descriptors, or the numbers of errors. */
  readonly toAccept: number[] = [];
  /** What was written. */
  readonly written: { descriptor: number; bytes: Uint8Array }[] = [];
  /** The descriptors that were closed. */
  readonly closed: number[] = [];
  /** Those that were used after they were closed. */
  readonly misused: number[] = [];
  /** The number of the error of the next calls of `control`. */
  controlError = 0;
  /** The same for `wait`. */
  waitError = 0;
  readonly peer = new Uint8Array([2, 0, 0, 80, 10, 0, 0, 1]);
  #batches: ForgedEvent[][] = [];
  #woken = false;
  #goOn: (() => void) | undefined;

  /** A loop on it. */
  readonly loop: EpollLoop = new EpollLoop(this, { turn: new QuickTurn() });

  /** Has these events told together, and waits until they are served. */
  async tell(...events: ForgedEvent[]): Promise<void> {
    this.#batches.push(events);
    this.#goOn?.();
    while (this.#batches.length > 0) await turn();
    for (let i = 0; i < 5; i++) await turn();
  }

  /** Waits until a `waitError` has ended the loop. */
  async fail(): Promise<void> {
    this.#goOn?.();
    while (!this.closed.includes(POLL)) await turn();
  }

  /** An event of a descriptor as it is looked after now. */
  now(descriptor: number, events: number): ForgedEvent {
    const { generation } = this.asked.get(descriptor)!;
    return { descriptor, events, generation };
  }

  createPoll(): number {
    return POLL;
  }

  createWaker(): number {
    return WAKER;
  }

  wake(): void {
    this.#woken = true;
    this.#goOn?.();
  }

  control(_poll: number, operation: number, about: ForgedEvent): number {
    if (this.controlError > 0) return -this.controlError;
    const { descriptor } = about;
    this.#mustBeOpen(descriptor);
    if (operation === 2) this.asked.delete(descriptor);
    else this.asked.set(descriptor, { ...about });
    return 0;
  }

  wait(_poll: number, events: PollEvents): number {
    if (this.waitError > 0) return -this.waitError;
    const batch = this.#batches.shift() ?? [];
    if (batch.length > events.max) throw new Error("too many events");
    batch.forEach((event, i) => events.set(i, event));
    return batch.length;
  }

  async waitInThread(): Promise<number> {
    if (this.#batches.length === 0 && !this.#woken) {
      await new Promise<void>((resolve) => this.#goOn = resolve);
      this.#goOn = undefined;
    }
    return 1;
  }

  accept(): number {
    return this.toAccept.shift() ?? -Errno.again;
  }

  receive(descriptor: number, into: Uint8Array): number {
    this.#mustBeOpen(descriptor);
    const next = this.toRead.get(descriptor)?.shift() ?? Errno.again;
    if (typeof next === "number") return next === 0 ? 0 : -next;
    into.set(next);
    return next.length;
  }

  send(descriptor: number, bytes: Uint8Array): number {
    this.#mustBeOpen(descriptor);
    const next = this.toWrite.get(descriptor)?.shift();
    if (next !== undefined && next < 0) return next;
    const count = Math.min(next ?? bytes.length, bytes.length);
    this.written.push({ descriptor, bytes: bytes.slice(0, count) });
    return count;
  }

  endSending(descriptor: number): number {
    this.#mustBeOpen(descriptor);
    return 0;
  }

  connectLoopback(): number {
    throw new Error("not forged");
  }

  portOf(): number {
    return 0;
  }

  close(descriptor: number): number {
    if (this.closed.includes(descriptor)) throw new Error("closed twice");
    this.closed.push(descriptor);
    return 0;
  }

  // With the real system the number may be another connection's by now.
  #mustBeOpen(descriptor: number): void {
    if (!this.closed.includes(descriptor)) return;
    this.misused.push(descriptor);
  }

  error(errno: number): Error {
    return new Error(`error ${errno}`);
  }
}

class QuickTurn implements LoopTurn {
  full(): Promise<void> {
    return turn();
  }

  quick(): Promise<void> {
    return turn();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
