// DenoListener: a listener of Deno's as a Listener.

import type { Conn } from "./conn.ts";
import { acceptedConn } from "./deno_conn.ts";
import { isGone, listenTcp, type ListenTcpOptions } from "./listen.ts";
import type { Listener } from "./listener.ts";

/** A listener of Deno's, whose connections are taken as a server wants them. */
export class DenoListener implements Listener {
  readonly #listener: Deno.TcpListener;

  /** Takes a listener over. */
  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
  }

  /** Opens one: see {@linkcode listenTcp}. */
  static listen(
    { what, hostname, port }: { what: string; hostname: string; port: number },
    options: ListenTcpOptions,
  ): DenoListener {
    return new DenoListener(listenTcp(what, hostname, port, options));
  }

  /** Where it listens, with the real port. */
  get addr(): Deno.NetAddr {
    return this.#listener.addr as Deno.NetAddr;
  }

  /** The next connection. */
  async accept(): Promise<Conn> {
    for (;;) {
      const conn = await this.#listener.accept();
      try {
        return acceptedConn(conn);
      } catch (error) {
        conn.close();
        if (!isGone(error)) throw error;
      }
    }
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#listener.close();
  }
}
