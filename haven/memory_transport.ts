// MemoryTransport: what carries the frames of a client without a socket.

import type {
  CloseCause,
  FrameHandler,
  ServerTransport,
} from "@maple/box/internal";
import type { MemoryEnd } from "./in_memory.ts";

const LOCAL: CloseCause = { kind: "local", message: "closed by this side" };
const PEER: CloseCause = { kind: "peer", message: "closed by the other side" };

/** Carries the frames of a client without a socket, at once. */
export class MemoryTransport implements ServerTransport {
  /** The client's address, at port 1. */
  readonly remoteAddr: Deno.NetAddr;
  /** Nothing waits. */
  readonly pendingBytes = 0;
  /** All frames come whole. */
  readonly partialBytes = 0;
  /** None that count. */
  readonly memoryBytes = 0;
  /** Whether anything was ever sent on it. */
  hasSent = false;
  /** Whether it is closed. */
  closed = false;
  readonly #end: MemoryEnd;
  readonly #waiting: Uint8Array[] = [];
  #handler: FrameHandler | undefined;
  #paused = false;
  #setEnded!: () => void;

  /** @param end The client's end. */
  constructor(end: MemoryEnd) {
    this.#end = end;
    this.remoteAddr = { transport: "tcp", hostname: end.address, port: 1 };
  }

  /** Whether it holds frames that were not given out. */
  get hasFrames(): boolean {
    return this.#waiting.length > 0;
  }

  /** It never stalls. */
  stalledSteps(): number {
    return 0;
  }

  /** Sends the client a frame. */
  send(frame: Uint8Array): boolean {
    if (this.closed) return false;
    this.hasSent = true;
    this.#end.onFrame(frame.slice());
    return true;
  }

  /** The client has sent a frame. */
  take(frame: Uint8Array): void {
    this.#waiting.push(frame);
    this.#giveOut();
  }

  /** The client has closed the connection. */
  hangUp(): void {
    this.#close(PEER);
  }

  /** Gives out no more frames. */
  pause(): void {
    this.#paused = true;
  }

  /** Gives them out again. */
  resume(): void {
    this.#paused = false;
    this.#giveOut();
  }

  /** Closes it. */
  close(cause: CloseCause = LOCAL): void {
    this.#close(cause);
  }

  /** Closes it. */
  destroy(cause: CloseCause = LOCAL): void {
    this.#close(cause);
  }

  /** Gives out frames until it is closed. */
  run(handler: FrameHandler): Promise<void> {
    this.#handler = handler;
    return new Promise((resolve) => this.#setEnded = resolve);
  }

  #giveOut(): void {
    while (!this.#paused && !this.closed && this.#handler) {
      const frame = this.#waiting.shift();
      if (!frame) return;
      this.#handler.onFrame(frame);
    }
  }

  #close(cause: CloseCause): void {
    if (this.closed) return;
    this.closed = true;
    // Whoever closes it is in the middle of something.
    queueMicrotask(() => {
      this.#handler?.onClose(cause);
      this.#handler?.onGone?.(false);
      if (cause !== PEER) this.#end.onClose();
      this.#setEnded();
    });
  }
}
