// Client: a client that stays connected, in browsers, Node and Deno.

import type { BoxClass, BoxInit, BoxOf } from "../box_class.ts";
import { BoxError } from "../errors.ts";
import { FrameReader } from "../frame_reader.ts";
import { DEFAULT_MAX_FRAME_BYTES } from "../framing.ts";
import { checkNumber, SECONDS } from "../options.ts";
import {
  type ClientConnection,
  type ClientConnectionEvents,
  type Connector,
  openWebSocket,
  type WebSocketClass,
} from "./client_connection.ts";
import { type BoxHandler, Inbox, type SentRequest } from "./inbox.ts";

/**
 * What a client is doing:
 *
 * - `idle`: `connect` was not called yet
 * - `connecting`: it connects, and runs what `onConnect` was given
 * - `open`: boxes go out as they are sent
 * - `waiting`: the connection was lost or could not be made; it tries again soon
 * - `closed`: it was closed, for good
 */
export type ClientState =
  | "idle"
  | "connecting"
  | "open"
  | "waiting"
  | "closed";

/** Settings of a {@linkcode Client}. */
export interface ClientOptions {
  /** Seconds that connecting, and each request, may take; 0 = without end. @default {10} */
  timeout?: number;
  /** Seconds until the first new attempt; each further one waits twice as long. @default {0.5} */
  minDelay?: number;
  /** The most seconds between two attempts. @default {30} */
  maxDelay?: number;
  /**
   * The command of a box that is sent in silence and must be answered, or the connection counts as
   * lost: `--heartbeat-cmd` of the gateway. @default none
   */
  heartbeatCmd?: number;
  /** Seconds of silence after which it is sent, and may be unanswered. @default {20} */
  heartbeat?: number;
  /** Bytes of boxes that may wait to be sent while there is no connection. @default {1048576} */
  maxOfflineBytes?: number;
  /** A longer box of the server's ends the connection. @default {16777216} */
  maxFrameBytes?: number;
  /**
   * The class of WebSockets, where the runtime has none of its own: that of the npm package `ws`
   * before Node 22. @default {WebSocket}
   */
  webSocketClass?: WebSocketClass;
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
}

/** Settings of {@linkcode Client.request}. */
export interface ClientRequestOptions {
  /**
   * Seconds that the answer may take, a time without connection included; 0 = without end. The
   * client's `timeout` by default.
   */
  timeout?: number;
  /** Gives the request up when it is aborted. */
  signal?: AbortSignal;
  /**
   * Whether it is sent again when the connection is lost before the answer has come: for requests
   * that do no harm when they are carried out twice. @default {false}
   */
  retry?: boolean;
}

/** What the function given to {@linkcode Client.onConnect} works with: the new connection. */
export interface ClientSession<F extends object> {
  /** As {@linkcode Client.request}, on this connection, before all else that waits. */
  request(
    data: BoxOf<F> | BoxInit<F>,
    options?: Omit<ClientRequestOptions, "retry">,
  ): Promise<BoxOf<F>>;
  /** As {@linkcode Client.send}, likewise. */
  send(data: BoxOf<F> | BoxInit<F>): void;
}

// A box that was sent, or waits to be.
interface Outgoing<F extends object> {
  readonly frame: Uint8Array;
  readonly request?: SentRequest<F>;
  readonly retry: boolean;
  sent: boolean;
}

type ResolvedOptions =
  & Required<Omit<ClientOptions, "heartbeatCmd" | "signal" | "webSocketClass">>
  & Pick<ClientOptions, "heartbeatCmd" | "webSocketClass">;

const MIN_DELAY = 0.5;
const MAX_DELAY = 30;
const TIMEOUT = 10;
const HEARTBEAT = 20;
const MAX_OFFLINE_BYTES = 1024 * 1024;

/**
 * A client that stays connected: when the connection is lost it makes a new one, with growing
 * delays of which a random part is left out, so that not all clients of a server come back at the
 * same moment.
 *
 * @example A player
 * ```ts
 * import { Box, Client } from "@maple/box/client";
 *
 * async function play(): Promise<void> {
 *   await using client = new Client(Box);
 *   client.onConnect((session) => session.request({ cmd: 1, body: { token: "secret" } }));
 *   client.on(100, (box) => console.log("news:", box.text()));
 *   await client.connect("wss://game.example/play");
 *   const hand = await client.request({ cmd: 2 }, { retry: true });
 *   console.log(hand.json());
 * }
 * ```
 */
export class Client<F extends object> implements AsyncDisposable {
  readonly #boxClass: BoxClass<F>;
  readonly #options: ResolvedOptions;
  readonly #inbox: Inbox<F>;
  readonly #closing = new AbortController();
  readonly #outgoing = new Set<Outgoing<F>>();
  readonly #onConnect: ((session: ClientSession<F>) => unknown)[] = [];
  readonly #onState: ((state: ClientState, error?: unknown) => void)[] = [];
  #state: ClientState = "idle";
  #url: URL | undefined;
  #connection: ClientConnection | undefined;
  #running: Promise<void> | undefined;
  // Of the present connection: told when it is lost.
  #lose: ((error: BoxError) => void) | undefined;
  #offlineBytes = 0;
  #heardAt = 0;

  /**
   * Makes a client that is not connected yet.
   *
   * @param boxClass The class of the boxes that the server speaks.
   * @throws {BoxError} `option` when an option is out of its range.
   */
  constructor(boxClass: BoxClass<F>, options: ClientOptions = {}) {
    this.#boxClass = boxClass;
    this.#options = {
      timeout: options.timeout ?? TIMEOUT,
      minDelay: options.minDelay ?? MIN_DELAY,
      maxDelay: options.maxDelay ?? MAX_DELAY,
      heartbeat: options.heartbeat ?? HEARTBEAT,
      maxOfflineBytes: options.maxOfflineBytes ?? MAX_OFFLINE_BYTES,
      maxFrameBytes: options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
      ...(options.heartbeatCmd === undefined
        ? {}
        : { heartbeatCmd: options.heartbeatCmd }),
      ...(options.webSocketClass
        ? { webSocketClass: options.webSocketClass }
        : {}),
    };
    for (
      const name of ["timeout", "minDelay", "maxDelay", "heartbeat"] as const
    ) {
      checkSeconds(name, this.#options[name]);
    }
    // Nobody reads in a browser what nobody has asked for: the newest is kept.
    this.#inbox = new Inbox(boxClass, { whenFull: "drop oldest" });
    const { signal } = options;
    if (signal?.aborted) this.close();
    else signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  /** What opens which addresses. */
  protected get connectors(): Readonly<Record<string, Connector>> {
    return { "ws:": openWebSocket, "wss:": openWebSocket };
  }

  /** What it is doing. */
  get state(): ClientState {
    return this.#state;
  }

  /**
   * Connects and stays connected until it is closed.
   *
   * @param url `ws://` or `wss://`; with the client of `@maple/box` also `tcp://` or `tls://`.
   * @returns When it is open for the first time, after what `onConnect` was given.
   * @throws {BoxError} `closed` when it was closed before; `state` when it was called before;
   * `option` when such addresses are not known here. A server that cannot be reached is no error:
   * it tries again.
   */
  connect(url: string | URL): Promise<void> {
    if (this.#state !== "idle") {
      return Promise.reject(
        this.#state === "closed" ? closed("connect") : new BoxError(
          "state",
          "Cannot connect: connect was called before; make a new Client",
        ),
      );
    }
    this.#url = new URL(url);
    const opened = new Promise<void>((resolve, reject) => {
      const off = this.onStateChange((state, error) => {
        if (state === "open") resolve();
        else if (state === "closed") reject(error ?? closed("connect"));
        else return;
        off();
      });
    });
    this.#running = this.#stayConnected(this.#url);
    return opened;
  }

  /**
   * Runs `fn` on each new connection before anything else goes out on it: to log in. If it throws
   * or rejects, the connection is given up and made anew after the delay.
   *
   * @returns What ends it.
   */
  onConnect(fn: (session: ClientSession<F>) => unknown): () => void {
    return listen(this.#onConnect, fn);
  }

  /**
   * Calls `fn` with each new state, and with the error that led to `waiting` or `closed`.
   *
   * @returns What ends it.
   */
  onStateChange(
    fn: (state: ClientState, error?: unknown) => void,
  ): () => void {
    return listen(this.#onState, fn);
  }

  /**
   * Gives the boxes of one cmd that answer no request to `handler`, in the order in which they
   * come.
   *
   * @returns What ends it.
   */
  on(cmd: number, handler: BoxHandler<F>): () => void {
    return this.#inbox.on(cmd, handler);
  }

  /**
   * Sends a box; without a connection it waits for the next one.
   *
   * @throws {BoxError} `closed`; `limit` when too much waits; or what making the box throws.
   */
  send(data: BoxOf<F> | BoxInit<F>): void {
    const box = data instanceof this.#boxClass
      ? data
      : new this.#boxClass(data as BoxInit<F>);
    this.#put({ frame: (box as BoxOf<F>).pack(), retry: false, sent: false });
  }

  /**
   * Sends a box and waits for the answer: the box that carries the same serial number (`sn`), which
   * the client chooses. Without a connection it waits for the next one.
   *
   * @throws {BoxError} `closed` when the connection is lost before the answer has come: the server
   * may have carried the request out, or not (with `retry` it is sent again instead); `timeout`
   * likewise; `limit` when too much waits; `schema` when the boxes have no field `sn`; or what
   * making the box throws.
   */
  async request(
    data: BoxOf<F> | BoxInit<F>,
    options: ClientRequestOptions = {},
  ): Promise<BoxOf<F>> {
    const { timeout = this.#options.timeout, retry = false } = options;
    checkSeconds("timeout", timeout);
    const request = this.#inbox.request(data, {
      timeoutMs: timeout * 1000,
      signal: options.signal,
    });
    const outgoing = { frame: request.frame, request, retry, sent: false };
    try {
      this.#put(outgoing);
      return await request.answer;
    } catch (error) {
      request.cancel(error);
      throw error;
    } finally {
      this.#forget(outgoing);
    }
  }

  /** The boxes that answer no request and have no handler, until the client is closed. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<BoxOf<F>> {
    for (;;) {
      if (this.#state === "closed" && !this.#inbox.hasUnread) return;
      const box = await this.#inbox.read({ timeoutMs: 0 });
      if (!box) return;
      yield box;
    }
  }

  /** Closes it for good: requests that wait fail, reading ends. May be called twice. */
  close(): void {
    if (this.#state === "closed") return;
    const error = closed("get an answer");
    this.#closing.abort(error);
    this.#lose?.(error);
    this.#connection?.close();
    this.#connection = undefined;
    this.#inbox.end(error);
    this.#outgoing.clear();
    this.#setState("closed");
  }

  /** Closes it and waits until nothing of it is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#running;
  }

  async #stayConnected(url: URL): Promise<void> {
    const { minDelay, maxDelay } = this.#options;
    for (let failures = 0; this.#state !== "closed";) {
      this.#setState("connecting");
      try {
        const { lost } = await this.#open(url);
        failures = 0;
        this.#setState("open");
        for (const outgoing of this.#outgoing) this.#transmit(outgoing);
        throw await lost;
      } catch (error) {
        this.#end(error);
        if (this.#closing.signal.aborted) return;
        if (error instanceof BoxError && error.code === "option") {
          return this.#closeFor(error);
        }
        this.#setState("waiting", error);
        const most = Math.min(maxDelay, minDelay * 2 ** failures++);
        await this.#pause(most * (0.5 + Math.random() / 2));
      }
    }
  }

  // Opens a connection and runs what onConnect was given; gives the promise of its end.
  async #open(url: URL): Promise<{ lost: Promise<BoxError> }> {
    const reader = new FrameReader(this.#boxClass, {
      maxFrameBytes: this.#options.maxFrameBytes,
    });
    const lost = new Promise<BoxError>((resolve) => this.#lose = resolve);
    this.#connection = await this.#connectTo(url, {
      onBytes: (bytes) => this.#onBytes(reader, bytes),
      onEnd: (reason) => this.#lose?.(lostBy(reason)),
    });
    this.#heardAt = performance.now();
    const beating = this.#startHeart();
    lost.then(() => clearInterval(beating));
    const greeting = this.#greet();
    // Its end may come first; a greeting that fails later fails nobody.
    greeting.catch(() => {});
    const first = await Promise.race([greeting, lost]);
    if (first) throw first;
    return { lost };
  }

  async #greet(): Promise<undefined> {
    const session: ClientSession<F> = {
      request: (data, options = {}) => {
        const { timeout = this.#options.timeout, signal } = options;
        const request = this.#inbox.request(data, {
          timeoutMs: timeout * 1000,
          signal,
        });
        const outgoing = {
          frame: request.frame,
          request,
          retry: false,
          sent: true,
        };
        this.#outgoing.add(outgoing);
        this.#connection?.send(request.frame);
        return request.answer.finally(() => this.#outgoing.delete(outgoing));
      },
      send: (data) => {
        const box = data instanceof this.#boxClass
          ? data
          : new this.#boxClass(data as BoxInit<F>);
        this.#connection?.send((box as BoxOf<F>).pack());
      },
    };
    for (const fn of [...this.#onConnect]) await fn(session);
    return undefined;
  }

  #onBytes(reader: FrameReader, bytes: Uint8Array): void {
    this.#heardAt = performance.now();
    reader.push(bytes);
    try {
      for (let frame = reader.take(); frame; frame = reader.take()) {
        this.#inbox.deliver(this.#boxClass.fromFrame(frame));
      }
    } catch (error) {
      this.#lose?.(lostBy((error as Error).message));
    }
  }

  // In silence the server is asked for a sign of life.
  #startHeart(): ReturnType<typeof setInterval> | undefined {
    const { heartbeatCmd, heartbeat } = this.#options;
    if (heartbeatCmd === undefined || heartbeat === 0) return undefined;
    const ms = heartbeat * 1000;
    const beat = new this.#boxClass(
      { cmd: heartbeatCmd } as unknown as BoxInit<F>,
    ).pack();
    return setInterval(() => {
      const silence = performance.now() - this.#heardAt;
      if (silence >= 2 * ms) {
        this.#lose?.(lostBy(`nothing came for ${2 * heartbeat} s`));
      } else if (silence >= ms) this.#connection?.send(beat);
    }, ms / 2);
  }

  #put(outgoing: Outgoing<F>): void {
    if (this.#state === "closed") throw closed("send");
    this.#outgoing.add(outgoing);
    if (this.#state === "open") return this.#transmit(outgoing);
    const { maxOfflineBytes } = this.#options;
    const { length } = outgoing.frame;
    if (this.#offlineBytes + length > maxOfflineBytes) {
      this.#outgoing.delete(outgoing);
      throw new BoxError(
        "limit",
        `Cannot send: there is no connection and ${this.#offlineBytes} bytes wait for one (maxOfflineBytes)`,
      );
    }
    this.#offlineBytes += length;
  }

  #transmit(outgoing: Outgoing<F>): void {
    if (outgoing.sent) return;
    outgoing.sent = true;
    this.#connection?.send(outgoing.frame);
    if (!outgoing.request) this.#outgoing.delete(outgoing);
    this.#offlineBytes = 0;
  }

  #forget(outgoing: Outgoing<F>): void {
    if (!this.#outgoing.delete(outgoing) || outgoing.sent) return;
    this.#offlineBytes -= outgoing.frame.length;
  }

  // The connection is gone: what was sent is known to nobody, or is sent again.
  #end(error: unknown): void {
    this.#lose = undefined;
    this.#connection?.close();
    this.#connection = undefined;
    this.#offlineBytes = 0;
    for (const outgoing of this.#outgoing) {
      if (!outgoing.sent || outgoing.retry) {
        outgoing.sent = false;
        this.#offlineBytes += outgoing.frame.length;
      } else {
        this.#outgoing.delete(outgoing);
        outgoing.request?.cancel(
          new BoxError(
            "closed",
            `Cannot get an answer: ${
              messageOf(error)
            }; the request may have been carried out`,
            { cause: error },
          ),
        );
      }
    }
  }

  #closeFor(error: BoxError): void {
    this.#closing.abort(error);
    this.#inbox.end(error);
    this.#outgoing.clear();
    this.#setState("closed", error);
  }

  #setState(state: ClientState, error?: unknown): void {
    this.#state = state;
    for (const fn of [...this.#onState]) {
      try {
        fn(state, error);
      } catch (thrown) {
        // It is its owner's: told as any uncaught error is.
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }

  // Given up when the client is closed, or when it takes too long.
  async #connectTo(
    url: URL,
    events: ClientConnectionEvents,
  ): Promise<ClientConnection> {
    const { timeout, webSocketClass } = this.#options;
    const { signal } = this.#closing;
    const giveUp = new AbortController();
    const onClose = () => giveUp.abort(signal.reason);
    signal.addEventListener("abort", onClose);
    const timer = timeout === 0 ? undefined : setTimeout(
      () => giveUp.abort(lostBy(`not connected within ${timeout} s`)),
      timeout * 1000,
    );
    try {
      signal.throwIfAborted();
      return await this.#connectorFor(url)(url, events, {
        signal: giveUp.signal,
        webSocketClass,
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onClose);
    }
  }

  #connectorFor(url: URL): Connector {
    const { connectors } = this;
    const connector = connectors[url.protocol];
    if (connector) return connector;
    throw new BoxError(
      "option",
      `Cannot connect to ${url}: it must begin with ${
        Object.keys(connectors).join(", ")
      }`,
    );
  }

  #pause(seconds: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, seconds * 1000);
      signal.addEventListener("abort", done);
    });
  }
}

function listen<T>(list: T[], fn: T): () => void {
  list.push(fn);
  return () => {
    const at = list.indexOf(fn);
    if (at >= 0) list.splice(at, 1);
  };
}

function checkSeconds(name: string, value: number): void {
  checkNumber(
    `Option ${name}`,
    value,
    SECONDS,
    (message) => new BoxError("option", message),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function lostBy(reason: string): BoxError {
  return new BoxError("closed", `the connection is lost (${reason})`);
}

function closed(what: string): BoxError {
  return new BoxError("closed", `Cannot ${what}: the client is closed`);
}
