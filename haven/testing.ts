/**
 * A client for tests of an app: it talks to a haven server or a worker in memory, without a socket,
 * a port or a gateway.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box } from "@maple/box";
 * import { Haven } from "@maple/haven";
 * import { testClient } from "@maple/haven/testing";
 *
 * await using app = new Haven(Box);
 * app.route(1, (request) => ({ body: `hello ${request.box.text()}` }));
 *
 * const client = testClient(app);
 * const answer = await client.request({ cmd: 1, body: "ann" });
 * assertEquals(answer.text(), "hello ann");
 * ```
 *
 * @module
 */

import { type BoxClass, BoxError, type BoxInit, type BoxOf } from "@maple/box";
import { type BoxHandler, Inbox, tooManyUnread } from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import {
  type ConnectInMemory,
  IN_MEMORY,
  type MemoryConnection,
} from "./in_memory.ts";

export type { BoxClass, BoxHandler, BoxInit, BoxOf };

/** An app that can be tested in memory: a haven server of any kind, or a worker. */
export interface TestableApp<F extends object> {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  /**
   * Takes a client without a socket.
   *
   * @ignore
   */
  readonly [IN_MEMORY]: ConnectInMemory;
}

/** Settings of {@linkcode testClient}. */
export interface TestClientOptions {
  /** The client's IP address. @default {"127.0.0.1"} */
  address?: string;
  /** Seconds that an answer or a read may take; 0 = without end. @default {10} */
  timeout?: number;
}

/**
 * Makes a client of an app, in memory. The first client that is used starts the app: its
 * startWorker hooks are called and its timers run until `app.close()`, so let the test end with
 * that, by `await using` for instance. An app that serves or is attached already takes such a
 * client as well.
 *
 * Everything is as with a client over a gateway or a socket: the hooks of its life, one request
 * after the other, its login, messages to users, disconnection.
 *
 * @param app A `Haven`, a `GHaven`, a `THaven` or a `Worker`.
 */
export function testClient<F extends object>(
  app: TestableApp<F>,
  options: TestClientOptions = {},
): TestClient<F> {
  return new TestClient(app, options);
}

/** A client of an app, in memory; {@linkcode testClient} makes it. It is used as a `TcpClient`. */
export class TestClient<F extends object> implements AsyncDisposable {
  readonly #app: TestableApp<F>;
  readonly #address: string;
  readonly #timeoutMs: number;
  readonly #inbox: Inbox<F>;
  #connecting: Promise<MemoryConnection> | undefined;
  #closed = false;

  /**
   * Makes a client that is not connected yet.
   *
   * @param app See {@linkcode testClient}.
   * @param options See {@linkcode TestClientOptions}.
   */
  constructor(app: TestableApp<F>, options: TestClientOptions = {}) {
    const { address = "127.0.0.1", timeout = 10 } = options;
    this.#app = app;
    this.#address = address;
    this.#timeoutMs = timeout * 1000;
    this.#inbox = new Inbox(app.boxClass, { whenFull: tooManyUnread });
  }

  /** Whether the connection was closed, by the app or by {@linkcode TestClient.close}. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Connects, if it was not done before; resolves when the hooks for that were called. The other
   * functions do it by themselves.
   */
  async connect(): Promise<void> {
    await this.#connect();
  }

  /**
   * Sends a box and gives the answer: the one that carries the same serial number (`sn`), which the
   * client chooses; where boxes have none, the next box that comes. All other boxes go to the
   * handlers of {@linkcode TestClient.on}, or wait for a `read`. It resolves when the request is
   * finished, the hooks behind its handler included.
   *
   * @throws {HavenError} `request` when the request is finished and was not answered; `state` when
   * the connection is closed. A BoxError `timeout` when it is not finished in time.
   */
  async request(data: BoxOf<F> | BoxInit<F>): Promise<BoxOf<F>> {
    const connection = await this.#connect();
    if (!this.#app.boxClass.fieldNames.includes("sn")) {
      await this.write(data);
      return await this.read() ?? this.#fail();
    }
    const { frame, answer, cancel } = this.#inbox.request(data, {
      timeoutMs: this.#timeoutMs,
    });
    let answered = false;
    answer.then(() => answered = true, () => answered = true);
    const finished = connection.send(frame).then(() => {
      if (!answered) cancel(unanswered());
    });
    const box = await answer;
    await this.#inTime(finished);
    return box;
  }

  /**
   * Sends a box; resolves when its handler is done, whether that has answered or not.
   *
   * @throws {HavenError} `state` when the connection is closed.
   */
  async write(data: BoxOf<F> | BoxInit<F>): Promise<void> {
    const { boxClass } = this.#app;
    const box = data instanceof boxClass
      ? data as BoxOf<F>
      : new boxClass(data as BoxInit<F>);
    const connection = await this.#connect();
    await connection.send(box.pack());
  }

  /**
   * The next box that answers no request; null when the connection is closed.
   *
   * @throws {BoxError} `timeout` when none comes in time.
   */
  async read(): Promise<BoxOf<F> | null> {
    if (!this.#closed) await this.#connect();
    if (this.#closed && !this.#inbox.hasUnread) return null;
    return await this.#inbox.read({ timeoutMs: this.#timeoutMs });
  }

  /** All boxes that have come, answer no request, and were not read yet. */
  async readAll(): Promise<BoxOf<F>[]> {
    const boxes: BoxOf<F>[] = [];
    while (this.#inbox.hasUnread) {
      const box = await this.#inbox.read({ timeoutMs: this.#timeoutMs });
      if (box) boxes.push(box);
    }
    return boxes;
  }

  /**
   * Gives the boxes of one cmd that answer no request to `handler`.
   *
   * @returns What ends it.
   */
  on(cmd: number, handler: BoxHandler<F>): () => void {
    return this.#inbox.on(cmd, handler);
  }

  /** Closes the connection, as a client does; resolves when the hooks for that were called. */
  async close(): Promise<void> {
    const connecting = this.#connecting;
    this.#onClose();
    const connection = await connecting;
    await connection?.close();
  }

  /** The same as {@linkcode TestClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inTime(finished: Promise<void>): Promise<void> {
    if (this.#timeoutMs === 0) return finished;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const seconds = this.#timeoutMs / 1000;
        reject(
          new BoxError(
            "timeout",
            `The request was answered, but is not finished within ${seconds} s`,
          ),
        );
      }, this.#timeoutMs);
      finished.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #connect(): Promise<MemoryConnection> {
    if (this.#closed) return Promise.reject(closed());
    return this.#connecting ??= this.#app[IN_MEMORY]({
      address: this.#address,
      onFrame: (frame) => {
        this.#inbox.deliver(this.#app.boxClass.fromFrame(frame));
      },
      onClose: () => this.#onClose(),
    });
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.end(closed());
  }

  #fail(): never {
    throw closed();
  }
}

function closed(): HavenError {
  return new HavenError("state", "Cannot ask: the connection is closed");
}

function unanswered(): HavenError {
  return new HavenError(
    "request",
    "The request is finished and was not answered with its sn; take write() and read() where no answer comes, or a later one",
  );
}
