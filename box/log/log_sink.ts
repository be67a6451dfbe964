// LogSink: a bounded buffer in front of where log lines go, so that no write is waited for: a pipe
// that nobody reads, or a disk that hangs, must not hold the event loop.

import { endedWithin } from "../ended_within.ts";

/** Where a sink writes. */
export interface LogTarget {
  /** Bytes that go out in one write, in whole lines; a longer line goes alone. */
  readonly room: number;
  /** Writes lines, none included. It never rejects: what cannot be written is lost or told. */
  write(lines: Uint8Array): Promise<void>;
  /**
   * The same at once, for the last words of a program; what a write that is under way has not
   * handed on yet goes first.
   */
  writeNow(lines: Uint8Array): void;
}

/** Bytes that wait at most to be written; the lines behind them are dropped and counted. */
export const SINK_BYTES = 256 * 1024;

// A write that takes longer is taken for one that waits for a reader.
const STUCK_MS = 100;
// What a write that is under way is given when the program ends.
const LAST_WRITE_MS = 30;

const encoder = new TextEncoder();
const busy = new Set<LogSink>();
let watching = false;
let ended = false;
let droppedInAll = 0;

/** Lines that were dropped by all sinks of this process or thread. */
export function droppedLogLines(): number {
  return droppedInAll;
}

/** Waits until all that was logged is written, but no longer than `timeoutMs`. */
export async function writeOutLogs(timeoutMs = 1000): Promise<void> {
  if (busy.size === 0) return;
  const all = Promise.all(Array.from(busy, (sink) => sink.writtenOut()));
  await endedWithin(all, timeoutMs);
}

/** A bounded buffer of lines that are written one batch after the other. */
export class LogSink {
  readonly #target: LogTarget;
  readonly #lines: Uint8Array[] = [];
  #bytes = 0;
  #dropped = 0;
  #tellDropped: ((count: number) => string) | undefined;
  #running: Promise<void> | undefined;
  #writingSince: number | undefined;
  #woken = false;

  /** @param target Where the lines go. */
  constructor(target: LogTarget) {
    this.#target = target;
  }

  /**
   * Takes a line, without a newline at its end; drops it when the buffer is full.
   *
   * @param tellDropped Makes the line that says how many were dropped.
   */
  push(line: string, tellDropped?: (count: number) => string): void {
    const bytes = encoder.encode(line + "\n");
    if (ended) {
      this.#target.writeNow(bytes);
      return;
    }
    // Until it is told that lines are missing, none may follow.
    if (this.#dropped > 0 || this.#bytes + bytes.length > SINK_BYTES) {
      this.#dropped++;
      droppedInAll++;
      this.#tellDropped = tellDropped;
    } else this.#add(bytes);
    this.#start();
  }

  /** Has the target called, also when there is no line. */
  wake(): void {
    this.#woken = true;
    this.#start();
  }

  /** Resolves when nothing waits to be written. */
  async writtenOut(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Writes what waits, at once, unless that would wait for a reader. */
  writeNow(): void {
    if (this.#writingSince !== undefined) {
      if (performance.now() - this.#writingSince > STUCK_MS) return;
      this.#target.writeNow(new Uint8Array(0));
      pause(LAST_WRITE_MS);
    }
    for (let batch; (batch = this.#take());) this.#target.writeNow(batch);
  }

  #add(bytes: Uint8Array): void {
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
  }

  #start(): void {
    if (this.#running) return;
    if (!watching) watchEnd();
    busy.add(this);
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      busy.delete(this);
      // What came between the last look and this moment.
      if (this.#lines.length > 0 || this.#woken) this.#start();
    });
  }

  async #run(): Promise<void> {
    // Whoever logs and ends at once has nothing under way, and so loses nothing.
    await undefined;
    for (let batch; (batch = this.#take());) {
      this.#writingSince = performance.now();
      await this.#target.write(batch);
      this.#writingSince = undefined;
      this.#bytes -= batch.length;
    }
  }

  // Whole lines: those of several processes on one pipe stay whole if they are written whole.
  #take(): Uint8Array | undefined {
    this.#sayDropped();
    const { room } = this.#target;
    let [count, length] = [0, 0];
    for (const line of this.#lines) {
      if (count > 0 && length + line.length > room) break;
      count++;
      length += line.length;
    }
    if (count === 0 && !this.#woken) return undefined;
    this.#woken = false;
    const batch = new Uint8Array(length);
    let at = 0;
    for (const line of this.#lines.splice(0, count)) {
      batch.set(line, at);
      at += line.length;
    }
    return batch;
  }

  #sayDropped(): void {
    if (this.#dropped === 0 || this.#bytes > SINK_BYTES / 2) return;
    const line = this.#tellDropped?.(this.#dropped);
    this.#dropped = 0;
    if (line !== undefined) this.#add(encoder.encode(line + "\n"));
  }
}

function watchEnd(): void {
  watching = true;
  addEventListener("unload", () => {
    ended = true;
    for (const sink of busy) sink.writeNow();
  });
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
