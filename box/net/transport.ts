// Transport: what a connection is made of, TCP or WebSocket.

import type { CloseCause } from "./frame_socket.ts";

/** The part of a transport that a `Connection` needs. */
export interface Transport {
  /** Whether it is closed or on its way there. */
  readonly closed: boolean;
  /**
   * Sends one packed frame; false when it is not sent. A limit that is passed closes the
   * connection.
   */
  send(frame: Uint8Array): boolean;
  /** Closes it in order: what was sent before is written. */
  close(): void;
}

/** What a server needs of a transport; `FrameSocket` is one for TCP. */
export interface ServerTransport extends Transport {
  /** Gives out no more frames. */
  pause(): void;
  /** Gives them out again. */
  resume(): void;
  /** Closes it in order, and says why. */
  close(cause?: CloseCause): void;
  /** Gives out frames until the connection has ended for good. Never rejects. */
  run(): Promise<void>;
}

/** Why connections are closed when their server stops. */
export const SERVER_STOPS: CloseCause = {
  kind: "local",
  message: "the server stops",
};
