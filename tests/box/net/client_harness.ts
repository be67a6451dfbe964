// A server whose connections the test serves itself, and a client that does not wait long.

import { assertEquals } from "@std/assert";
import {
  Box,
  type BoxFields,
  Client,
  type ClientState,
  type DenoClientOptions,
  FrameReader,
} from "@maple/box";
import { bounded } from "../support.ts";

/** A server whose connections the test serves itself. */
export class ClientPeerServer implements Disposable {
  #listener: Deno.TcpListener;
  readonly port: number;
  readonly #peers: ClientPeer[] = [];

  constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  async accept(): Promise<ClientPeer> {
    const peer = new ClientPeer(await bounded(this.#listener.accept()));
    this.#peers.push(peer);
    return peer;
  }

  stop(): void {
    this.#listener.close();
  }

  restart(): void {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
  }

  [Symbol.dispose](): void {
    try {
      this.stop();
    } catch {
      // Stopped already.
    }
    for (const peer of this.#peers) peer.close();
  }
}

/** The server's end of a connection. */
export class ClientPeer {
  readonly #conn: Deno.TcpConn;
  readonly #reader = new FrameReader(Box);
  #closed = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** The next box; null at the end. */
  async read(): Promise<Box | null> {
    for (;;) {
      const frame = this.#reader.take();
      if (frame) return Box.fromFrame(frame);
      const count = await bounded(this.#conn.read(this.#reader.space()))
        .catch(() => null);
      if (count === null) return null;
      this.#reader.commit(count);
    }
  }

  async expect(cmd: number): Promise<Box> {
    const box = await this.read();
    assertEquals(box?.cmd, cmd);
    return box!;
  }

  async write(box: Box): Promise<void> {
    await this.writeBytes(box.pack());
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    await this.#conn.write(bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}

/** Delays that a test can wait for. */
export const FAST: DenoClientOptions = { minDelay: 0.02, maxDelay: 0.05 };

/** A client, its states so far, and the next time that it is in one. */
export function newClient(options: DenoClientOptions = {}): {
  client: Client<BoxFields>;
  states: ClientState[];
  until: (state: ClientState) => Promise<unknown>;
} {
  const client = new Client(Box, { ...FAST, ...options });
  const states: ClientState[] = [];
  const waiting = new Map<ClientState, (error: unknown) => void>();
  client.onStateChange((state, error) => {
    states.push(state);
    waiting.get(state)?.(error);
    waiting.delete(state);
  });
  return {
    client,
    states,
    until: (state) =>
      bounded(new Promise((resolve) => waiting.set(state, resolve))),
  };
}
