// A server for the tests of TcpClient.

import { Box, TcpClient } from "@maple/box";
import { bounded, closeQuietly } from "./support.ts";

/** A listener whose connections the test serves itself. */
export class Server implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns: Deno.TcpConn[] = [];

  get port(): number {
    return this.#listener.addr.port;
  }

  async accept(): Promise<Deno.TcpConn> {
    const conn = await bounded(this.#listener.accept());
    this.#conns.push(conn);
    return conn;
  }

  /** A client that is connected, and the server's end of its connection. */
  async connected(timeout = 0) {
    const client = new TcpClient(Box, "127.0.0.1", this.port, { timeout });
    const [conn] = await Promise.all([
      this.accept(),
      bounded(client.connect()),
    ]);
    return { client, conn };
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    this.#conns.forEach(closeQuietly);
  }
}
