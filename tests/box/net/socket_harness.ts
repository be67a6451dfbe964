// A FrameSocket under test, with what the test wants to know of it.

import { assert, assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import {
  type CloseCause,
  DenoConn,
  type FrameHandler,
  FrameSocket,
  type FrameSocketOptions,
} from "@maple/box/internal";
import { bounded, Loopback } from "../support.ts";

/** A frame socket at the near end of a loopback connection; the test holds the far end. */
export class Harness implements AsyncDisposable, FrameHandler {
  readonly frames: Uint8Array[] = [];
  readonly causes: CloseCause[] = [];
  readonly socket: FrameSocket;
  readonly far: Deno.TcpConn;
  /** Called for each frame. */
  onEachFrame: (frame: Uint8Array) => void = () => {};
  onEachClose: () => void = () => {};
  #waiting: { count: number; resolve: () => void } | undefined;
  #running: Promise<void> = Promise.resolve();
  readonly #loopback: Loopback;

  private constructor(
    loopback: Loopback,
    options: Partial<FrameSocketOptions>,
  ) {
    this.#loopback = loopback;
    this.far = loopback.far;
    this.socket = new FrameSocket(new DenoConn(loopback.near), {
      framing: Box,
      ownFrames: true,
      ...options,
    });
  }

  static async open(
    options: Partial<FrameSocketOptions> = {},
  ): Promise<Harness> {
    return new Harness(await Loopback.open(), options);
  }

  onFrame(frame: Uint8Array): void {
    assertEquals(this.causes, [], "a frame after onClose");
    this.frames.push(frame);
    this.onEachFrame(frame);
    if (this.#waiting && this.frames.length >= this.#waiting.count) {
      this.#waiting.resolve();
    }
  }

  onClose(cause: CloseCause): void {
    this.causes.push(cause);
    this.onEachClose();
  }

  run(): this {
    this.#running = this.socket.run(this);
    return this;
  }

  /** Resolves when so many frames have come in all. */
  received(count: number): Promise<void> {
    if (this.frames.length >= count) return Promise.resolve();
    return bounded(
      new Promise<void>((resolve) => this.#waiting = { count, resolve }),
    );
  }

  /** Resolves when the socket is done; gives the only cause. */
  async ended(): Promise<CloseCause> {
    await bounded(this.#running);
    assertEquals(this.causes.length, 1, "onClose is called exactly once");
    assert(this.socket.closed);
    return this.causes[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await bounded(this.#running);
    this.#loopback[Symbol.dispose]();
  }
}
