// LoopTurn: one turn of Deno's event loop, for a loop of ours that runs in it.
//
// Deno's loop looks for data on its own sockets when nothing else is ready, or once in some sixty
// turns: a loop of ours, for which there is always something to do, would keep all that is Deno's
// waiting. So the look is forced: there is a connection of the process with itself, a byte is
// written at one end, and that it can be read at the other end Deno can only find by looking, which
// finds all else at the same time.

import { setImmediate } from "node:timers";
import type { SystemCalls } from "./libc.ts";

/** Turns of Deno's event loop. */
export interface LoopTurn {
  /** Resolves when all that had become ready elsewhere, sockets and signals, has had its turn. */
  full(): Promise<void>;
  /** The same for timers and what else Deno knows without a look. */
  quick(): Promise<void>;
  /** To be called when it is needed no more. */
  close(): Promise<void>;
}

// Before it, setImmediate waited for a millisecond.
const IMMEDIATE_SINCE = [2, 7] as const;
const LOOPBACK = "127.0.0.1";

/** Turns of Deno's event loop, by a connection of the process with itself. */
export class OwnConnection implements LoopTurn {
  readonly #calls: SystemCalls;
  readonly #near: number;
  readonly #far: Promise<Deno.TcpConn>;
  readonly #hasImmediate: boolean;
  readonly #byte = new Uint8Array(1);
  readonly #inbox = new Uint8Array(16);

  /**
   * Connects the process with itself.
   *
   * @throws {Error} when it cannot.
   */
  constructor(calls: SystemCalls, version: string = Deno.version.deno) {
    const [major = 0, minor = 0] = version.split(".").map(Number);
    this.#hasImmediate = major > IMMEDIATE_SINCE[0] ||
      major === IMMEDIATE_SINCE[0] && minor >= IMMEDIATE_SINCE[1];
    this.#calls = calls;
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    const { port } = listener.addr;
    this.#near = calls.connectLoopback(port);
    if (this.#near < 0) {
      listener.close();
      throw calls.error(-this.#near);
    }
    this.#far = acceptFrom(listener, calls.portOf(this.#near));
    // Whoever needs it is told.
    this.#far.catch(() => {});
  }

  /** Resolves when all that had become ready elsewhere has had its turn. */
  async full(): Promise<void> {
    const far = await this.#far;
    // The read is begun first: begun with the byte already there it would be answered without a
    // look.
    const read = far.read(this.#inbox);
    this.#calls.send(this.#near, this.#byte);
    await read;
  }

  /** Resolves when timers have had their turn. */
  quick(): Promise<void> {
    if (!this.#hasImmediate) return this.full();
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    this.#calls.close(this.#near);
    await this.#far.then((far) => far.close(), () => {});
  }
}

async function acceptFrom(
  listener: Deno.TcpListener,
  port: number,
): Promise<Deno.TcpConn> {
  using _closed = listener;
  for (;;) {
    const conn = await listener.accept();
    if (conn.remoteAddr.port === port) return conn;
    // Somebody else was faster to connect.
    conn.close();
  }
}
