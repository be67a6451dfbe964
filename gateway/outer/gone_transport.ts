// GoneTransport: in place of what has carried the frames of a client that is gone, or whose
// connection another process could not hand over.

import type {
  CloseCause,
  FrameHandler,
  ServerTransport,
} from "@maple/box/internal";

/** Carries nothing. */
export class GoneTransport implements ServerTransport {
  /** It is. */
  readonly closed = true;
  readonly remoteAddr: Deno.NetAddr;
  readonly pendingBytes = 0;
  readonly hasSent = false;
  readonly partialBytes = 0;
  readonly memoryBytes = 0;
  readonly #cause: CloseCause;

  /** @param cause Why it is gone, for whoever is to be told by `run`. */
  constructor(remoteAddr: Deno.NetAddr, cause: CloseCause) {
    this.remoteAddr = remoteAddr;
    this.#cause = cause;
  }

  stalledSteps(): number {
    return 0;
  }

  pause(): void {}
  resume(): void {}
  send(): boolean {
    return false;
  }

  close(): void {}
  destroy(): void {}

  /** Tells that it is closed. */
  run(handler: FrameHandler): Promise<void> {
    handler.onClose(this.#cause);
    handler.onGone?.(false);
    return Promise.resolve();
  }
}
