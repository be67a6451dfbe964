// TcpClient: a client that sends boxes to a server and reads the server's boxes. Its Inbox is
// Client's; but it reads the server only while somebody waits for boxes, and connects when told.

import type { BoxClass, BoxInit, BoxOf } from "../box_class.ts";
import { BoxError } from "../errors.ts";
import { onAbort } from "../on_abort.ts";
import { checkNames, checkTimeout } from "./client_options.ts";
import { type BoxHandler, Inbox } from "./inbox.ts";
import { FramedConn, lost } from "./framed_conn.ts";
import { tooManyUnread } from "./too_many_unread.ts";
import { unanswered } from "./unanswered.ts";

/** Settings of a {@linkcode TcpClient}. */
export interface TcpClientOptions {
  /**
   * Seconds that a connect, a read or a write may take; 0 = without end. @default {0}
   */
  timeout?: number;
  /** A longer frame is refused. @default {16777216} */
  frameBytes?: number;
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
}

/** Settings of {@linkcode TcpClient.request}. */
export interface RequestOptions {
  /** Seconds that the answer may take; 0 = without end. The client's `timeout` by default. */
  timeout?: number;
  /** Gives the request up when it is aborted. */
  signal?: AbortSignal;
}

/**
 * A client that sends boxes to a server and reads the server's boxes.
 *
 * @example Requests and their answers, and what the server sends by itself
 * ```ts
 * import { Box, TcpClient } from "@maple/box";
 *
 * async function ask(question: string): Promise<string> {
 *   await using client = new TcpClient(Box, "127.0.0.1", 7777, { timeout: 3 });
 *   client.on(100, (box) => console.log("news:", box.text()));
 *   await client.connect();
 *   const answer = await client.request({ cmd: 1, body: question });
 *   return answer.text();
 * }
 * ```
 *
 * @example Box by box
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
  readonly #frameBytes: number | undefined;
  readonly #inbox: Inbox<F>;
  #connection: FramedConn | undefined;
  #abort: Disposable | undefined;
  #connecting: Promise<void> | undefined;
  // Reads the connection as long as somebody waits for boxes.
  #pumping: Promise<void> | undefined;
  // What the server sent that is no box; the next read tells.
  #fault: unknown;

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
    checkTimeout(timeout);
    checkNames(options);
    this.#boxClass = boxClass;
    this.#inbox = new Inbox(boxClass, { whenFull: tooManyUnread });
    this.#host = host;
    this.#port = port;
    this.#timeout = timeout;
    this.#signal = options.signal;
    this.#frameBytes = options.frameBytes;
  }

  /** Whether there is no connection: not yet, or not any more. */
  get closed(): boolean {
    return this.#connection === undefined;
  }

  /**
   * Connects; a client that is connected already stays so.
   *
   * @throws {BoxError} `timeout`; `closed` when the server cannot be reached or the client is
   * closed meanwhile, also by its `signal`.
   */
  connect(): Promise<void> {
    if (this.#connection) return Promise.resolve();
    if (this.#connecting) return this.#connecting;
    const connecting = this.#open().then((connection) => {
      if (this.#connecting !== connecting) {
        connection.close();
        throw lost("connect", new Error("the client was closed"));
      }
      this.#connection = connection;
      this.#abort = onAbort(this.#signal, () => this.close());
      this.#pump();
    }).finally(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    this.#connecting = connecting;
    return connecting;
  }

  async #open(): Promise<FramedConn> {
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
    return new FramedConn(conn, this.#boxClass, this.#frameBytes);
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
    const connection = this.#connected("write");
    const box = data instanceof this.#boxClass
      ? data
      : new this.#boxClass(data as BoxInit<F>);
    await this.#send(connection, (box as BoxOf<F>).pack());
  }

  /**
   * Sends raw bytes as they are.
   *
   * @throws {BoxError} `closed`, `timeout` or `limit`, as `write`.
   */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    await this.#send(this.#connected("write"), bytes);
  }

  async #send(connection: FramedConn, bytes: Uint8Array): Promise<void> {
    connection.push(bytes);
    await this.#limit(connection.drained(), "write");
    connection.throwIfBroken();
  }

  /**
   * Sends a box and waits for the answer: the box that carries the same serial number (`sn`), which
   * the client chooses. Any number may be under way at a time. What else comes meanwhile goes to
   * the handlers of {@linkcode TcpClient.on}, or waits for a `read`: at most 1,024 boxes or 16 MiB.
   *
   * @throws {BoxError} `timeout` when the answer has not come in time, `closed` when the connection
   * is lost before, `limit` when too much waits to be sent or to be read: `maybeDone` says whether
   * the server may have carried the request out; `schema` when the boxes have no field `sn`; or
   * what making the box throws.
   */
  async request(
    data: BoxOf<F> | BoxInit<F>,
    options: RequestOptions = {},
  ): Promise<BoxOf<F>> {
    const connection = this.#connected("send a request");
    const { timeout = this.#timeout, signal } = options;
    checkTimeout(timeout);
    signal?.throwIfAborted();
    const request = this.#inbox.request(data, {
      timeoutMs: timeout * 1000,
      signal,
    });
    let sent = false;
    try {
      connection.push(request.frame);
      sent = true;
      this.#pump();
      return await request.answer;
    } catch (error) {
      request.cancel(error);
      throw unanswered(error, sent);
    }
  }

  /**
   * Gives the boxes of one cmd that answer no {@linkcode TcpClient.request} to `handler`, in the
   * order in which they come, from now on and over connections; `read` does not get them. What a
   * handler throws or rejects with is an uncaught error of the program.
   *
   * @param cmd The command, or 0 where boxes have none.
   * @returns What ends it.
   */
  on(cmd: number, handler: BoxHandler<F>): () => void {
    const off = this.#inbox.on(cmd, handler);
    this.#pump();
    return off;
  }

  /**
   * The next box, in bytes of its own; null when the connection is closed. Several reads at a time
   * get their boxes in order. A read that timed out has lost nothing: the next one goes on.
   *
   * @throws {BoxError} `timeout`; `frame` when the server sends what is no box; the connection is
   * closed then.
   */
  async read(): Promise<BoxOf<F> | null> {
    if (!this.#connection && !this.#inbox.hasUnread) {
      const fault = this.#fault;
      this.#fault = undefined;
      if (fault !== undefined) throw fault;
      return null;
    }
    const box = this.#inbox.read({ timeoutMs: this.#timeout * 1000 });
    this.#pump();
    return await box;
  }

  #pump(): void {
    this.#pumping ??= this.#readWanted().finally(() => {
      this.#pumping = undefined;
      // Somebody may have begun to wait in the meantime.
      if (this.#connection && this.#inbox.wanted) this.#pump();
    });
  }

  async #readWanted(): Promise<void> {
    while (this.#inbox.wanted) {
      const connection = this.#connection;
      if (!connection) return;
      let frame: Uint8Array | null;
      try {
        frame = connection.take();
      } catch (error) {
        return this.#end(connection, error);
      }
      if (frame) {
        this.#inbox.deliver(this.#boxClass.fromFrame(frame));
        continue;
      }
      if (!await connection.read()) return this.#end(connection);
    }
  }

  // The server has closed the connection, or sent what is no box.
  #end(connection: FramedConn, fault?: unknown): void {
    if (this.#connection !== connection) return;
    this.#disconnect(connection);
    if (
      !this.#inbox.end(
        lost("get an answer", fault ?? new Error("the server closed it")),
        fault,
      )
    ) {
      this.#fault = fault;
    }
  }

  /**
   * Closes the connection at once: reads get null, writes that are not done fail. May be called
   * twice.
   */
  close(): void {
    this.#connecting = undefined;
    const connection = this.#connection;
    if (!connection) return;
    this.#disconnect(connection);
    this.#inbox.clear();
    this.#inbox.end(lost("get an answer", new Error("closed by this side")));
  }

  #disconnect(connection: FramedConn): void {
    this.#connection = undefined;
    this.#abort?.[Symbol.dispose]();
    connection.close();
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
    this.close();
    await this.#pumping;
  }

  #connected(what: string): FramedConn {
    if (!this.#connection) throw lost(what, undefined);
    return this.#connection;
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
