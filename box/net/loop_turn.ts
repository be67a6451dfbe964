// LoopTurn: one turn of Deno's event loop, for a loop of ours that runs in it.
//
// Deno's loop looks for data on its own sockets when nothing else is ready, or once in some sixty
// turns: a loop of ours, for which there is always something to do, would keep all that is Deno's
// waiting. So the look is forced: there is a connection of the process with itself, a byte is
// written at one end, and that it can be read at the other end Deno can only find by looking, which
// finds all else at the same time.

import { setImmediate } from "node:timers";
import type { SystemCalls } from "./system_calls.ts";

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

/** The two ends of the connection. */
interface Ends {
  /** A descriptor of ours. */
  readonly near: number;
  /** A connection of Deno's. */
  readonly far: Promise<Deno.TcpConn>;
}

/** Turns of Deno's event loop, by a connection of the process with itself. */
export class OwnConnection implements LoopTurn {
  readonly #calls: SystemCalls;
  readonly #hasImmediate: boolean;
  readonly #byte = new Uint8Array(1);
  readonly #inbox = new Uint8Array(16);
  #ends: Ends | undefined;

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
    this.#ends = this.#connect();
  }

  /** Resolves when all that had become ready elsewhere has had its turn. */
  async full(): Promise<void> {
    try {
      await this.#look(this.#ends ??= this.#connect());
    } catch {
      // It was broken, or no descriptor is left: it is made anew the next time, and this turn is
      // one without a look.
      await this.close();
      await immediate();
    }
  }

  /** Resolves when timers have had their turn. */
  quick(): Promise<void> {
    return this.#hasImmediate ? immediate() : this.full();
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    const ends = this.#ends;
    this.#ends = undefined;
    if (!ends) return;
    this.#calls.close(ends.near);
    await ends.far.then((far) => far.close(), () => {});
  }

  async #look({ near, far }: Ends): Promise<void> {
    const conn = await far;
    // The read is begun first: begun with the byte already there it would be answered without a
    // look.
    const read = conn.read(this.#inbox);
    const sent = this.#calls.send(near, this.#byte);
    if (sent < 0) {
      read.catch(() => {});
      throw this.#calls.error(-sent);
    }
    if (await read === null) throw new Error("it was closed");
  }

  #connect(): Ends {
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    const near = this.#calls.connectLoopback(listener.addr.port);
    if (near < 0) {
      listener.close();
      throw this.#calls.error(-near);
    }
    const far = acceptFrom(listener, this.#calls.portOf(near));
    // Whoever needs it is told.
    far.catch(() => {});
    return { near, far };
  }
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
