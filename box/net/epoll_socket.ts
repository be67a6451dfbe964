// EpollSocket: a connection on the system's own calls as a Conn.

import type { ByteSink, ConnPiece, OwnSocket } from "./conn.ts";
import { type EpollLoop, Watched } from "./epoll_loop.ts";
import { Poll } from "./poll_events.ts";
import { Errno } from "./system_calls.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** A write for which the other side has to be waited for. */
interface WaitingWrite {
  readonly bytes: Uint8Array;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection on the system's own calls: bytes come by callback, a write is done at once. */
export class EpollSocket extends Watched implements OwnSocket {
  /** Address and port of the other side. */
  readonly remoteAddr: Deno.NetAddr;
  #sink: ByteSink | undefined;
  #onDone: ((done: void | Promise<void>) => void) | undefined;
  // The sink has something to wait for.
  #paused = false;
  // Why it is broken, where the end waits for its turn.
  #broken: unknown;
  // The sink was told of the end.
  #ended = false;
  #writing: WaitingWrite | undefined;

  /**
   * Takes a connection over; nothing is read before `run` is called.
   *
   * @param loop Who tells when it is ready.
   * @param descriptor The connection, which belongs to this object from now on.
   * @param remoteAddr Address and port of the other side.
   */
  constructor(loop: EpollLoop, descriptor: number, remoteAddr: Deno.NetAddr) {
    super(loop, descriptor);
    this.remoteAddr = remoteAddr;
  }

  /**
   * Has the loop look after it before it runs, so that there is less to do then. Nothing is read:
   * when something comes the loop lets go of it, until `run`.
   *
   * @throws {Error} when the system cannot look after it.
   */
  register(): void {
    this.loop.ask(this, Poll.in);
  }

  /** Gives what comes to the sink. */
  run(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    return new Promise((resolve) => {
      this.#onDone = resolve;
      this.#goOn();
    });
  }

  /** Writes some of the bytes. */
  write(bytes: Uint8Array): number | Promise<number> {
    if (this.released) throw closedError();
    if (this.#writing) throw new Error("Cannot write: a write is under way");
    const count = this.loop.calls.send(this.descriptor, bytes);
    if (count >= 0) return count;
    if (!isPassing(count)) throw this.loop.calls.error(-count);
    return new Promise((resolve, reject) => {
      this.#writing = { bytes, resolve, reject };
      this.#ask(this.events | Poll.out);
    });
  }

  /** Tells the other side that nothing more comes. */
  closeWrite(): Promise<void> {
    if (this.released) return Promise.reject(closedError());
    const { calls } = this.loop;
    const failed = calls.endSending(this.descriptor);
    return failed < 0
      ? Promise.reject(calls.error(-failed))
      : Promise.resolve();
  }

  /** Closes it at once. */
  close(): void {
    if (this.released) return;
    // As Deno does: with something unread what follows is a reset, and who reads sees an end first.
    this.loop.calls.endSending(this.descriptor);
    this.release();
    // An error is dear to make, and thousands may leave at the same moment.
    if (this.#writing) this.#failWriting(closedError());
    // Not in place: whoever closes it may be in the middle of a frame that is in the sink's memory.
    if (this.#sink && !this.#paused) queueMicrotask(() => this.#end());
  }

  /** What another process needs to go on with it: the descriptor is all. */
  give(): ConnPiece | undefined {
    if (this.released) return undefined;
    return { socket: this, remoteAddr: this.remoteAddr, unread: NOTHING };
  }

  /** Who takes its bytes; undefined before `run`. */
  get sink(): ByteSink | undefined {
    return this.#sink;
  }

  /** For the loop. */
  onReady(events: number): void {
    // Whoever has it until it runs reads that.
    if (!this.#sink) return this.#ask(0);
    // An error is what the next call tells, whether it reads or writes.
    if (this.#writing && events & ~Poll.in) this.#writeOn();
    if (this.events & Poll.in && events & ~Poll.out) this.#read();
  }

  /** For the loop. */
  onLoopEnd(error: Error): void {
    this.events = 0;
    this.#failWriting(error);
    if (this.#sink && !this.#paused) this.#end(error);
  }

  /** For the loop. */
  override onLeave(): void {
    this.#end(this.#broken);
  }

  #read(): void {
    const sink = this.#sink!;
    try {
      const count = this.loop.calls.receive(this.descriptor, sink.space());
      if (count > 0) {
        sink.filled(count);
        this.#goOn();
      } else if (count === 0) this.#leave();
      else if (!isPassing(count)) this.#leave(this.loop.calls.error(-count));
    } catch (error) {
      this.#end(error);
    }
  }

  // The other side has left; there may be thousands of them.
  #leave(error?: unknown): void {
    this.#broken = error;
    this.#ask(this.events & ~Poll.in);
    this.loop.leave(this);
  }

  // Lets the sink handle what has come, and reads on as soon as it may.
  #goOn(): void {
    this.#paused = false;
    if (this.#ended) return;
    if (this.released) return this.#end();
    let wait: Promise<void> | undefined;
    try {
      wait = this.#sink!.next();
    } catch (error) {
      return this.#end(error);
    }
    // What closes it ends it as well.
    if (this.released) return;
    if (!wait) return this.#ask(this.events | Poll.in);
    this.#paused = true;
    this.#ask(this.events & ~Poll.in);
    wait.then(() => this.#goOn(), (error) => this.#end(error));
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ask(this.events & ~Poll.in);
    this.#onDone!(this.#sink!.ended(error));
  }

  #writeOn(): void {
    const { bytes, resolve } = this.#writing!;
    const count = this.loop.calls.send(this.descriptor, bytes);
    if (isPassing(count)) return;
    if (count < 0) return this.#failWriting(this.loop.calls.error(-count));
    this.#writing = undefined;
    this.#ask(this.events & ~Poll.out);
    resolve(count);
  }

  #failWriting(error: unknown): void {
    const writing = this.#writing;
    this.#writing = undefined;
    this.#ask(this.events & ~Poll.out);
    writing?.reject(error);
  }

  // Where the system cannot look after it, it is as good as broken.
  #ask(events: number): void {
    if (this.released) return;
    try {
      this.loop.ask(this, events);
    } catch (error) {
      this.#failWriting(error);
      if (this.#sink && !this.#paused) queueMicrotask(() => this.#end(error));
    }
  }
}

// Nothing is wrong: it can be done later.
function isPassing(count: number): boolean {
  return count === -Errno.again || count === -Errno.interrupted;
}

function closedError(): Error {
  return new Deno.errors.BadResource("The connection is closed");
}
