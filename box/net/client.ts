// Client: a client that stays connected, in browsers, Node and Deno.

import type { BoxClass, BoxInit, BoxOf } from "../box_class.ts";
import { BoxError } from "../errors.ts";
import { onAbort } from "../on_abort.ts";
import { BackOff } from "./back_off.ts";
import { type Connector, openWebSocket } from "./client_connection.ts";
import { closed, messageOf } from "./client_errors.ts";
import { ClientLine } from "./client_line.ts";
import { ClientMoves } from "./client_moves.ts";
import {
  checkTimeout,
  type ClientNumbers,
  clientNumbers,
  type ClientOptions,
  type ClientRequestOptions,
  type ClientSession,
  type ClientState,
} from "./client_options.ts";
import { type BoxHandler, Inbox } from "./inbox.ts";
import { Outgoing, OutgoingBoxes } from "./outgoing_boxes.ts";
import { unanswered } from "./unanswered.ts";

// How long disposing waits for servers that do not agree that a connection is closed.
const CLOSE_MS = 2000;

/**
 * A client that stays connected: when the connection is lost it makes a new one, with growing
 * delays that chance has a part in, so that not all clients of a server come back at the same
 * moment.
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
  readonly #options: ClientOptions;
  readonly #numbers: ClientNumbers;
  readonly #inbox: Inbox<F>;
  readonly #outgoing: OutgoingBoxes<F>;
  readonly #backOff: BackOff;
  readonly #moves: ClientMoves;
  readonly #closing = new AbortController();
  readonly #ends = new Set<Promise<void>>();
  readonly #onConnect: ((session: ClientSession<F>) => unknown)[] = [];
  readonly #onState: ((state: ClientState, error?: unknown) => void)[] = [];
  readonly #signal: Disposable | undefined;
  #state: ClientState = "idle";
  #url: string | URL = "";
  #line: ClientLine | undefined;
  #running: Promise<void> | undefined;
  // Told when the present connection is lost, whichever it is by then.
  #lose: ((error: BoxError) => void) | undefined;

  /**
   * Makes a client that is not connected yet.
   *
   * @param boxClass The class of the boxes that the server speaks.
   * @throws {BoxError} `option` when an option is out of its range; `schema` when the boxes have no
   * field `cmd`, which `heartbeatCmd` needs.
   */
  constructor(boxClass: BoxClass<F>, options: ClientOptions = {}) {
    this.#boxClass = boxClass;
    this.#options = options;
    this.#numbers = clientNumbers(options);
    this.#outgoing = new OutgoingBoxes(this.#numbers);
    this.#backOff = new BackOff(this.#numbers);
    // Nobody reads in a browser what nobody has asked for: the newest is kept.
    this.#inbox = new Inbox(boxClass);
    const { heartbeatCmd, moveCmd } = options;
    this.#moves = new ClientMoves({
      line: () => this.#line,
      open: (signal) => this.#open(signal),
      take: (line) => this.#take(line),
      waitsOn: (line) => this.#outgoing.waitsOn(line),
      end: (line) => this.#end(line),
    }, this.#numbers);
    // What cannot be sent is told at once.
    this.#signOf(moveCmd);
    this.#signOf(heartbeatCmd);
    // The answers are nobody's.
    if (heartbeatCmd !== undefined) this.#inbox.on(heartbeatCmd, () => {});
    this.#signal = onAbort(options.signal, () => this.close());
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
   * @throws {BoxError} `closed` when it is closed before that; `state` when it was called before;
   * `option` when such an address cannot be connected to here, and the client is closed then. A
   * server that cannot be reached is no error: it tries again.
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
    const opened = new Promise<void>((resolve, reject) => {
      const off = this.onStateChange((state, error) => {
        if (state === "open") resolve();
        else if (state === "closed") {
          reject(error ?? closed("connect"));
          // Who closes it knows.
          if (error === undefined) opened.catch(() => {});
        } else return;
        off();
      });
    });
    this.#url = url;
    this.#running = this.#stayConnected();
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
   * Calls `fn` with each new state, and with the error that led to `waiting` or `closed`. What it
   * throws is an uncaught error of the program.
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
   * come, on this connection and those to come. What a handler throws or rejects with is an
   * uncaught error of the program.
   *
   * @param cmd The command, or 0 where boxes have none.
   * @returns What ends it.
   */
  on(cmd: number, handler: BoxHandler<F>): () => void {
    return this.#inbox.on(cmd, handler);
  }

  /**
   * Sends a box; without a connection it waits for the next one. Nothing tells whether it has
   * arrived: what was sent just before a connection was lost may be lost with it.
   *
   * @throws {BoxError} `closed`; `limit` when too much waits; or what making the box throws.
   */
  send(data: BoxOf<F> | BoxInit<F>): void {
    this.#put(new Outgoing(this.#pack(data)));
  }

  /**
   * Sends a box and waits for the answer: the box that carries the same serial number (`sn`), which
   * the client chooses. Without a connection it waits for the next one.
   *
   * @throws {BoxError} `closed` when the connection is lost before the answer has come (with
   * `retry` it is sent again instead), `timeout` when it has not come in time: `maybeDone` says
   * whether the server may have carried the request out; `limit` when too much waits; `schema` when
   * the boxes have no field `sn`; or what making the box throws.
   */
  request(
    data: BoxOf<F> | BoxInit<F>,
    options: ClientRequestOptions = {},
  ): Promise<BoxOf<F>> {
    return this.#ask(data, options, (box) => this.#put(box));
  }

  /**
   * The boxes that answer no request and have no handler, until the client is closed. Of those that
   * nobody has asked for yet the newest 1,024 or 16 MiB are kept.
   */
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
    this.#shut(closed("get an answer"));
  }

  /** Closes it and waits until nothing of it is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#running;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([Promise.all(this.#ends), late]);
    clearTimeout(timer);
  }

  async #stayConnected(): Promise<void> {
    for (;;) {
      this.#setState("connecting");
      try {
        const line = await this.#open(this.#closing.signal);
        if (this.#closing.signal.aborted) return this.#end(line);
        const lost = new Promise<BoxError>((resolve) => this.#lose = resolve);
        // What has waited goes out before what is sent from now on.
        this.#state = "open";
        this.#take(line);
        this.#tell();
        throw await lost;
      } catch (error) {
        const line = this.#disconnect();
        if (this.#closing.signal.aborted) return;
        if (error instanceof BoxError && error.code === "option") {
          return this.#shut(error, error);
        }
        if (line) this.#fail(line, error);
        if (!this.#moves.hasLeft) this.#inbox.reconnected();
        this.#setState("waiting", error);
        await this.#backOff.wait(this.#closing.signal);
        if (this.#state === "closed") return;
      }
    }
  }

  // Opens a connection and runs what onConnect was given.
  async #open(signal: AbortSignal): Promise<ClientLine> {
    const { heartbeatCmd, moveCmd, webSocketClass } = this.#options;
    const line = await ClientLine.open(this.#url, {
      ...this.#numbers,
      onFrame: (line, frame) => this.#onFrame(line, frame),
      connectors: this.connectors,
      boxClass: this.#boxClass as unknown as BoxClass<object>,
      heartbeatFrame: this.#signOf(heartbeatCmd),
      webSocketClass,
      signal,
    });
    const abort = onAbort(signal, () => line.lose(signal.reason));
    try {
      const sign = this.#signOf(moveCmd);
      if (sign) line.send(sign);
      const greeting = this.#greet(line);
      // Its end may come first; a greeting that fails later fails nobody.
      greeting.catch(() => {});
      const first = await Promise.race([greeting, line.lost]);
      if (first) throw first;
      return line;
    } catch (error) {
      this.#end(line);
      this.#fail(line, error);
      throw error;
    } finally {
      abort[Symbol.dispose]();
    }
  }

  async #greet(line: ClientLine): Promise<undefined> {
    const put = (box: Outgoing<F>) => {
      if (line.isOver) {
        throw new BoxError("closed", "Cannot send: this connection is lost");
      }
      this.#outgoing.put(box, line);
    };
    const session: ClientSession<F> = {
      request: (data, options = {}) =>
        this.#ask(data, { ...options, retry: false }, put),
      send: (data) => put(new Outgoing(this.#pack(data))),
    };
    for (const fn of [...this.#onConnect]) await fn(session);
    return undefined;
  }

  async #ask(
    data: BoxOf<F> | BoxInit<F>,
    options: ClientRequestOptions,
    put: (box: Outgoing<F>) => void,
  ): Promise<BoxOf<F>> {
    const { timeout = this.#numbers.timeout, signal, retry } = options;
    checkTimeout(timeout);
    signal?.throwIfAborted();
    const request = this.#inbox.request(data, {
      timeoutMs: timeout * 1000,
      signal,
    });
    const box = new Outgoing(request.frame, request, retry);
    try {
      put(box);
      return await request.answer;
    } catch (error) {
      request.cancel(error);
      throw unanswered(error, box.tried);
    } finally {
      this.#outgoing.delete(box);
      if (this.#moves.hasLeft) this.#moves.answered();
    }
  }

  #put(box: Outgoing<F>): void {
    if (this.#state === "closed") throw closed("send");
    this.#outgoing.put(box, this.#state === "open" ? this.#line : undefined);
  }

  #pack(data: BoxOf<F> | BoxInit<F>): Uint8Array {
    const box = data instanceof this.#boxClass
      ? data
      : new this.#boxClass(data as BoxInit<F>);
    return (box as BoxOf<F>).pack();
  }

  #onFrame(line: ClientLine, frame: Uint8Array): void {
    const box = this.#boxClass.fromFrame(frame);
    const { moveCmd } = this.#options;
    if (moveCmd === undefined || this.#boxClass.cmdOf(frame) !== moveCmd) {
      this.#inbox.deliver(box);
    } else this.#moves.asked(line, box);
  }

  #onLost(line: ClientLine, error: BoxError): void {
    if (line === this.#line) return this.#lose?.(error);
    if (!this.#moves.drop(line)) return;
    this.#fail(line, error);
    // What is to be sent again has another one.
    if (this.#state === "open") this.#outgoing.sendAll(this.#line!);
  }

  // What is sent from now on goes over it.
  #take(line: ClientLine): void {
    this.#line = line;
    this.#backOff.opened();
    this.#outgoing.sendAll(line);
    this.#moves.begin(line);
    line.lost.then((error) => this.#onLost(line, error));
  }

  // What was sent on it and has no answer has failed, or is to be sent again.
  #fail(line: ClientLine, error: unknown): void {
    const reason = `Cannot get an answer: ${messageOf(error)}`;
    this.#outgoing.lose(line, new BoxError("closed", reason, { cause: error }));
  }

  // A box that is only a sign: of life, or that it knows how to move.
  #signOf(cmd: number | undefined): Uint8Array | undefined {
    return cmd === undefined
      ? undefined
      : this.#pack({ cmd } as unknown as BoxInit<F>);
  }

  #disconnect(): ClientLine | undefined {
    this.#lose = undefined;
    this.#moves.stop();
    const line = this.#line;
    this.#line = undefined;
    if (line) this.#end(line);
    return line;
  }

  #end(line: ClientLine): void {
    this.#follow(line.close());
  }

  #follow(end: Promise<void>): void {
    this.#ends.add(end);
    end.then(() => this.#ends.delete(end));
  }

  #shut(reason: BoxError, error?: BoxError): void {
    if (this.#state === "closed") return;
    this.#closing.abort(reason);
    this.#lose?.(reason);
    this.#disconnect();
    this.#follow(this.#moves.close());
    this.#signal?.[Symbol.dispose]();
    this.#setState("closed", error);
    this.#inbox.end(reason);
  }

  #setState(state: ClientState, error?: unknown): void {
    this.#state = state;
    this.#tell(error);
  }

  #tell(error?: unknown): void {
    for (const fn of [...this.#onState]) {
      try {
        fn(this.#state, error);
      } catch (thrown) {
        // It is its owner's: told as any uncaught error is.
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}

function listen<T>(list: T[], fn: T): () => void {
  list.push(fn);
  return () => {
    const at = list.indexOf(fn);
    if (at >= 0) list.splice(at, 1);
  };
}
