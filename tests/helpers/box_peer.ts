// BoxPeer: a client that speaks Box over any transport, as TcpClient does over TCP.

import { Box, type BoxFields, type BoxInit } from "@maple/box";
import type { RawPeer } from "./raw_peer.ts";

/** What tests need of a client. */
export interface BoxClient extends AsyncDisposable {
  /** Sends a box. */
  write(data: BoxInit<BoxFields>): Promise<void>;
  /** Sends bytes as they are. */
  writeBytes(bytes: Uint8Array): Promise<void>;
  /** The next box; null when the gateway has closed. */
  read(): Promise<Box | null>;
  /** Closes the connection. */
  close(): void;
}

/** A client that speaks Box over any transport. */
export class BoxPeer implements BoxClient {
  readonly #peer: RawPeer;

  /** @param peer The connection, which belongs to this peer from now on. */
  constructor(peer: RawPeer) {
    this.#peer = peer;
  }

  /** Sends a box. */
  write(data: BoxInit<BoxFields>): Promise<void> {
    return this.#peer.sendBytes(new Box(data).pack());
  }

  /** Sends bytes as they are. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    return this.#peer.sendBytes(bytes);
  }

  /** The next box; null when the gateway has closed. */
  async read(): Promise<Box | null> {
    const frame = await this.#peer.nextFrame();
    return frame && Box.fromFrame(frame) as Box;
  }

  /** Closes the connection. */
  close(): void {
    this.#peer.close();
  }

  /** Closes the connection and waits for a read that is under way. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#peer[Symbol.asyncDispose]();
  }
}
