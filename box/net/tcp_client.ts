// TcpClient: a client that sends boxes to a server and reads the server's boxes.

import type { BoxClass, BoxInit, BoxOf } from "../box_class.ts";
import { BoxError } from "../errors.ts";
import { FrameReader } from "../frame_reader.ts";
import { onAbort } from "../on_abort.ts";
import { checkNumber, SECONDS } from "../options.ts";
import { Outbox } from "../outbox.ts";

/** Settings of a {@linkcode TcpClient}. */
export interface TcpClientOptions {
  /**
   * Seconds that a connect, a read or a write may take; 0 = without end. @default {0}
   */
  timeout?: number;
  /** A longer frame is refused. @default {16777216} */
  maxFrameBytes?: number;
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
}

interface Link {
  readonly conn: Deno.Conn;
  readonly reader: FrameReader;
  readonly outbox: Outbox;
  pendingRead: Promise<number | null> | undefined;
  failure: unknown;
  abort: Disposable | undefined;
}

/**
 * A client that sends boxes to a server and reads the server's boxes.
 *
 * @example
 * ```ts
 * import { Box, TcpClient } from "@maple/box";
 *
 * async function ask(question: string): Promise<string | undefined> {
 *   await using client = new TcpClient(Box, "127.0.0.1", 7777, { timeout: 3 });
 *   await client.connect();
 *   await client.write({ cmd: 1, sn: 1, body: question });
 *   const reply = await client.read();
 *   return reply?.text();
 * }
 * ```
 */
export class TcpClient<F extends object> implements AsyncDisposable {
  readonly #boxClass: BoxClass<F>;
  readonly #host: string;
  readonly #port: number;
  readonly #timeout: number;
  readonly #signal: AbortSignal | undefined;
  readonly #maxFrameBytes: number | undefined;
  #link: Link | undefined;
  #connecting: Promise<void> | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  /**
   * Makes a client that is not connected yet.
   *
   * @param boxClass The class of the boxes that the server speaks.
   * @throws {BoxError} `option` when an option is out of its range.
   */
  constructor(
    boxClass: BoxClass<F>,
    host: string,
    port: number,
    options: TcpClientOptions = {},
  ) {
    const { timeout = 0 } = options;
    checkNumber(
      "Option timeout",
      timeout,
      SECONDS,
      (message) => new BoxError("option", message),
    );
    this.#boxClass = boxClass;
    this.#host = host;
    this.#port = port;
    this.#timeout = timeout;
    this.#signal = options.signal;
    this.#maxFrameBytes = options.maxFrameBytes;
  }

  /** Whether there is no connection: not yet, or not any more. */
  get closed(): boolean {
    return this.#link === undefined;
  }

  /**
   * Connects; a client that is connected already stays so.
   *
   * @throws {BoxError} `timeout`; `closed` when the server cannot be reached or the client is
   * closed meanwhile, also by its `signal`.
   */
  connect(): Promise<void> {
    if (this.#link) return Promise.resolve();
    if (this.#connecting) return this.#connecting;
    const connecting = this.#open().then((link) => {
      if (this.#connecting !== connecting) {
        link.conn.close();
        throw lost("connect", new Error("the client was closed"));
      }
      this.#link = link;
      link.abort = onAbort(this.#signal, () => this.close());
    }).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    this.#connecting = connecting;
    return connecting;
  }

  async #open(): Promise<Link> {
    const connecting = Deno.connect({
      hostname: this.#host,
      port: this.#port,
      ...(this.#signal ? { signal: this.#signal } : {}),
    });
    const where = `${this.#host}:${this.#port}`;
    let conn: Deno.TcpConn;
    try {
      conn = await this.#limit(connecting, `connect to ${where}`);
    } catch (cause) {
      connecting.then((late) => late.close(), () => {});
      if (cause instanceof BoxError) throw cause;
      const why = this.#signal?.aborted
        ? "its signal is aborted"
        : (cause as Error).message;
      throw new BoxError(
        "closed",
        `Cannot connect to ${where}: ${why}`,
        { cause },
      );
    }
    conn.setNoDelay(true);
    const link: Link = {
      conn,
      reader: new FrameReader(this.#boxClass, {
        maxFrameBytes: this.#maxFrameBytes,
      }),
      outbox: new Outbox(conn, {
        onError: (error) => {
          link.failure = error;
        },
      }),
      pendingRead: undefined,
      failure: undefined,
      abort: undefined,
    };
    return link;
  }

  /**
   * Sends a box, or a box made from the fields given. Resolves when the bytes are handed to the
   * system; many calls without `await` become one write.
   *
   * @throws {BoxError} `closed`; `timeout` when the server does not read (the box still waits to be
   * sent then, so it must not be sent again); `limit` when too much waits already; or what making
   * the box throws.
   */
  async write(data: BoxOf<F> | BoxInit<F>): Promise<void> {
    const link = this.#connected("write");
    const box = data instanceof this.#boxClass
      ? data
      : new this.#boxClass(data as BoxInit<F>);
    await this.#send(link, (box as BoxOf<F>).pack());
  }

  /**
   * Sends raw bytes as they are.
   *
   * @throws {BoxError} `closed`, `timeout` or `limit`, as `write`.
   */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    await this.#send(this.#connected("write"), bytes);
  }

  async #send(link: Link, bytes: Uint8Array): Promise<void> {
    if (!link.outbox.push(bytes)) {
      if (link.failure !== undefined || this.#link !== link) {
        throw lost("write", link.failure);
      }
      throw new BoxError(
        "limit",
        `Cannot write: ${link.outbox.pendingBytes} bytes wait to be sent and the server does not read`,
      );
    }
    await this.#limit(link.outbox.drained(), "write");
    if (link.failure !== undefined) throw lost("write", link.failure);
  }

  /**
   * The next box, in bytes of its own; null when the connection is closed. Several reads at a time
   * get their boxes in order. A read that timed out has lost nothing: the next one goes on.
   *
   * @throws {BoxError} `timeout`; `frame` when the server sends what is no box; the connection is
   * closed then.
   */
  read(): Promise<BoxOf<F> | null> {
    const next = this.#reading.then(() => this.#read());
    this.#reading = next.catch(() => {});
    return next;
  }

  async #read(): Promise<BoxOf<F> | null> {
    for (;;) {
      const link = this.#link;
      if (!link) return null;
      let frame: Uint8Array | null;
      try {
        frame = link.reader.take();
      } catch (error) {
        if (this.#link === link) this.close();
        throw error;
      }
      if (frame) return this.#boxClass.fromFrame(frame);
      link.pendingRead ??= link.conn.read(link.reader.space())
        .catch(() => null);
      const count = await this.#limit(link.pendingRead, "read");
      link.pendingRead = undefined;
      if (count === null) {
        if (this.#link === link) this.close();
        return null;
      }
      link.reader.commit(count);
    }
  }

  /**
   * Closes the connection at once: reads get null, writes that are not done fail. May be called
   * twice.
   */
  close(): void {
    this.#connecting = undefined;
    const link = this.#link;
    if (!link) return;
    this.#link = undefined;
    link.abort?.[Symbol.dispose]();
    if (link.outbox.pendingBytes > 0) {
      link.failure ??= new Error("closed before all was sent");
    }
    link.outbox.close();
    link.conn.close();
  }

  /** The boxes as they come, until the connection is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<BoxOf<F>> {
    for (;;) {
      const box = await this.read();
      if (!box) return;
      yield box;
    }
  }

  /** Closes the connection and waits for a read that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pendingRead = this.#link?.pendingRead;
    this.close();
    await pendingRead;
    await this.#reading;
  }

  #connected(what: string): Link {
    if (!this.#link) throw lost(what, undefined);
    return this.#link;
  }

  #limit<T>(work: Promise<T>, what: string): Promise<T> {
    if (this.#timeout === 0) return work;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new BoxError(
            "timeout",
            `Cannot ${what}: not done within ${this.#timeout} s`,
          ),
        );
      }, this.#timeout * 1000);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

function lost(what: string, cause: unknown): BoxError {
  const why = cause === undefined
    ? "it is not connected"
    : `the connection is gone (${(cause as Error).message})`;
  return new BoxError("closed", `Cannot ${what}: ${why}`, { cause });
}
