// WebSocketLine: what carries the boxes of a chaos client that speaks by a WebSocket, Deno's own.

import type { FrameHandler, FrameSocket } from "@maple/box/internal";
import type { Address } from "../../helpers/raw_peer.ts";

/** What carries the boxes of a chaos client. */
export type ChaosLine = Pick<FrameSocket, "closed" | "send" | "run" | "close">;

/** Carries boxes by a WebSocket, one in a message. */
export class WebSocketLine implements ChaosLine {
  readonly #socket: WebSocket;
  #isClosed = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Connects. */
  static async open({ hostname, port }: Address): Promise<WebSocketLine> {
    const socket = new WebSocket(`ws://${hostname}:${port}/`);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("no WebSocket"));
    });
    return new WebSocketLine(socket);
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /** Sends a box. */
  send(box: Uint8Array): boolean {
    if (this.#isClosed) return false;
    this.#socket.send(new Uint8Array(box));
    return true;
  }

  /** Gives out what comes, until it is closed. */
  run(handler: FrameHandler): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.onmessage = ({ data }) =>
        handler.onFrame(new Uint8Array(data));
      this.#socket.onerror = null;
      this.#socket.onclose = ({ code, reason }) => {
        this.#isClosed = true;
        handler.onClose({ kind: "peer", message: `${code} ${reason}` });
        resolve();
      };
    });
  }

  /** Closes it. */
  close(): void {
    this.#socket.close();
  }
}
