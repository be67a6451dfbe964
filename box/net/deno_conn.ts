// DenoConn: a connection of Deno's as a Conn.

import type { ByteSink, Conn } from "./conn.ts";
import { ConnWriter } from "./conn_writer.ts";
import {
  enterFairTurns,
  leaveFairTurns,
  turnToClose,
  turnToRead,
} from "./fair_turns.ts";

/** A connection of Deno's as a {@linkcode Conn}, which takes fair turns with all others. */
export class DenoConn implements Conn {
  readonly #conn: Deno.Conn<Deno.NetAddr>;
  readonly #writer: ConnWriter;
  #closed = false;

  /**
   * Takes a connection over.
   *
   * @param conn The connection, which belongs to this object from now on.
   */
  constructor(conn: Deno.Conn<Deno.NetAddr>) {
    this.#conn = conn;
    this.#writer = new ConnWriter(conn);
  }

  /** Address and port of the other side. */
  get remoteAddr(): Deno.NetAddr {
    return this.#conn.remoteAddr;
  }

  /** Gives what comes to the sink. */
  async run(sink: ByteSink): Promise<void> {
    let broken: unknown;
    enterFairTurns();
    try {
      while (!this.#closed) {
        const wait = sink.next();
        if (wait) {
          await wait;
          continue;
        }
        const turn = turnToRead();
        if (turn) {
          await turn;
          if (this.#closed) break;
        }
        const count = await this.#conn.read(sink.space());
        if (count === null) {
          const last = turnToClose();
          if (last) await last;
          break;
        }
        sink.filled(count);
      }
    } catch (error) {
      broken = error;
    }
    leaveFairTurns();
    await sink.ended(broken);
  }

  /** Writes some of the bytes. */
  write(bytes: Uint8Array): Promise<number> {
    return this.#writer.write(bytes);
  }

  /** Tells the other side that nothing more comes. */
  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Closes it at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
    this.#writer.end();
  }
}

/** A connection that a server has accepted. */
export function acceptedConn(conn: Deno.TcpConn): DenoConn {
  conn.setNoDelay(true);
  conn.setKeepAlive(true);
  return new DenoConn(conn);
}
