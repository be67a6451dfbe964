// FramedConn: a connection of a TcpClient: frames in, bytes out, and why it is broken.

import { BoxError } from "../errors.ts";
import { FrameReader } from "../frame_reader.ts";
import type { Framing } from "../framing.ts";
import { Outbox } from "../outbox.ts";

/** A connection of a `TcpClient`, which reads when it likes. */
export class FramedConn {
  readonly #conn: Deno.TcpConn;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  #failure: unknown;
  #closed = false;

  /** @param conn The connection, which belongs to this object from now on. */
  constructor(
    conn: Deno.TcpConn,
    framing: Framing,
    frameBytes: number | undefined,
  ) {
    conn.setNoDelay(true);
    this.#conn = conn;
    this.#reader = new FrameReader(framing, { frameBytes });
    this.#outbox = new Outbox(conn, {
      onError: (error) => {
        this.#failure = error;
      },
    });
  }

  /**
   * Sends bytes at the end of the turn.
   *
   * @throws {BoxError} `closed` when it is closed or broken; `limit` when too much waits already.
   */
  push(bytes: Uint8Array): void {
    if (this.#outbox.push(bytes)) return;
    if (this.#failure !== undefined || this.#closed) {
      throw lost("write", this.#failure);
    }
    throw new BoxError(
      "limit",
      `Cannot write: ${this.#outbox.pendingBytes} bytes wait to be sent and the server does not read`,
    );
  }

  /** Resolves when all is written, or it is closed or broken. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /** @throws {BoxError} `closed` when not all could be written. */
  throwIfBroken(): void {
    if (this.#failure !== undefined) throw lost("write", this.#failure);
  }

  /**
   * The next whole frame of those that were read, in bytes of its own; null when there is none.
   *
   * @throws {BoxError} `frame` or `limit` when it is none.
   */
  take(): Uint8Array | null {
    return this.#reader.take();
  }

  /**
   * Reads what has come, or waits for it.
   *
   * @returns false when nothing comes any more.
   */
  async read(): Promise<boolean> {
    const count = await this.#conn.read(this.#reader.space()).catch(() => null);
    if (count === null) return false;
    this.#reader.commit(count);
    return true;
  }

  /** Closes it at once: what is not written is lost. */
  close(): void {
    this.#closed = true;
    if (this.#outbox.pendingBytes > 0) {
      this.#failure ??= new Error("closed before all was sent");
    }
    this.#outbox.close();
    this.#conn.close();
  }
}

/** The error of whoever needs a connection that is not there. */
export function lost(what: string, cause: unknown): BoxError {
  const why = cause === undefined
    ? "it is not connected"
    : `the connection is gone (${(cause as Error).message})`;
  return new BoxError("closed", `Cannot ${what}: ${why}`, { cause });
}
