// WebSocketConn: the bytes of the boxes on a WebSocket connection as a Conn: a step between the
// connection below and the frames of whoever reads.

import { acquireBuffer, releaseBuffer } from "../buffer_pool.ts";
import type { ByteSink, Conn } from "./conn.ts";
import {
  type WebSocketControls,
  WebSocketDecoder,
  type WebSocketFault,
} from "./web_socket_decoder.ts";
import {
  answerHandshake,
  type HandshakeAnswer,
  type HandshakeOptions,
  HEAD_MAX_BYTES,
  headEnd,
  refuseHandshake,
} from "./web_socket_handshake.ts";

/** Settings of {@linkcode WebSocketConn.open}. */
export interface WebSocketOpenOptions extends HandshakeOptions {
  /** Seconds that the head of the request may take. @default {10} */
  readonly timeout?: number;
}

/** What is told of an open WebSocket. */
export interface WebSocketEvents {
  /** A ping came, whose payload is valid during the call only. */
  onPing(payload: Uint8Array): void;
  /** The client closes; its frames before that were given out. */
  onCloseFrame(code: number, reason: string): void;
  /** The client breaks the protocol; its frames before that were given out. */
  onFault(fault: WebSocketFault): void;
}

// Most heads fit; browsers with many cookies send more.
const HEAD_BYTES = 1024;
const NOTHING: Uint8Array = new Uint8Array(0);
const HANDSHAKE_TIMEOUT = 10;
// How long a refused client may take to read why.
const LINGER_MS = 2000;

/**
 * The bytes of the boxes on a WebSocket connection. It exists once its handshake is done, and takes
 * the frames of RFC 6455 apart where the sink wants the bytes: it has no buffer of its own.
 */
export class WebSocketConn implements Conn, ByteSink, WebSocketControls {
  readonly #conn: Conn;
  readonly #decoder: WebSocketDecoder = new WebSocketDecoder(this);
  readonly #opening: Opening;
  #events: WebSocketEvents | undefined;
  #sink: ByteSink | undefined;
  #space: Uint8Array = NOTHING;
  #heard = false;
  #held = false;
  // What is to be told when the frames before it are given out.
  #tell: ((events: WebSocketEvents) => void) | undefined;

  private constructor(conn: Conn, opening: Opening) {
    this.#conn = conn;
    this.#opening = opening;
  }

  /**
   * Reads the request of the handshake and answers it.
   *
   * @param conn The connection below, which belongs to this object from now on.
   * @returns The open WebSocket; undefined when there is none: `onRefused` was told why before, and
   * the connection has ended.
   */
  static open(
    conn: Conn,
    options: WebSocketOpenOptions,
    onRefused: (message: string) => void,
  ): Promise<WebSocketConn | undefined> {
    return new Promise((onDone) => {
      const opening = new Opening(conn, options, {
        onOpen: () => onDone(new WebSocketConn(conn, opening)),
        onRefused,
        onGone: () => onDone(undefined),
      });
      opening.run();
    });
  }

  /** Address and port of the other side. */
  get remoteAddr(): Deno.NetAddr {
    return this.#conn.remoteAddr;
  }

  /**
   * Whether something came since the last call; or it was not read from, so that nothing could
   * come.
   */
  takeSignOfLife(): boolean {
    const heard = this.#heard || this.#held;
    this.#heard = false;
    return heard;
  }

  /** Sets who is told of control frames and faults; before `run`. */
  listen(events: WebSocketEvents): void {
    this.#events = events;
  }

  /** Gives the payload of what comes to the sink. */
  run(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    return this.#opening.goOn(this);
  }

  /** Writes some of the bytes, which are frames of a WebSocket already. */
  write(bytes: Uint8Array): number | Promise<number> {
    return this.#conn.write(bytes);
  }

  /** Tells the other side that nothing more comes. */
  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Closes it at once. */
  close(): void {
    this.#conn.close();
    this.#opening.abandon();
  }

  /** For the connection below. */
  next(): Promise<void> | undefined {
    const wait = this.#sink!.next();
    this.#held = wait !== undefined;
    if (wait) return wait;
    const tell = this.#tell;
    this.#tell = undefined;
    if (tell) tell(this.#events!);
    return undefined;
  }

  /** For the connection below. */
  space(): Uint8Array {
    return this.#space = this.#sink!.space();
  }

  /** For the connection below. */
  filled(count: number, read: number = count): void {
    this.#heard = true;
    const left = this.#decoder.decode(this.#space, 0, count);
    const { fault } = this.#decoder;
    if (fault) this.#tell ??= (events) => events.onFault(fault);
    this.#sink!.filled(left, read);
  }

  /** For the connection below. */
  ended(error?: unknown): Promise<void> {
    return this.#sink!.ended(error);
  }

  /** For the decoder. */
  onPing(payload: Uint8Array): void {
    this.#events!.onPing(payload);
  }

  /** For the decoder. */
  onPong(): void {}

  /** For the decoder. */
  onCloseFrame(code: number, reason: string): void {
    this.#tell = (events) => events.onCloseFrame(code, reason);
  }
}

// One timer for all: thousands may come at the same moment.
const STEP_MS = 100;
const watched = new Set<Opening>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(opening: Opening): void {
  watched.add(opening);
  timer ??= setInterval(() => {
    const now = performance.now();
    for (const one of watched) one.step(now);
  }, STEP_MS);
}

function unwatch(opening: Opening): void {
  watched.delete(opening);
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** What is told of the beginning of a connection. */
interface OpeningEvents {
  /** It is a WebSocket from now on. */
  onOpen(): void;
  /** It becomes none, and why. */
  onRefused(message: string): void;
  /** It has ended, and was none. */
  onGone(): void;
}

/**
 * The beginning of a connection that is to become a WebSocket: collects the head of the request,
 * answers it and hands the connection on.
 */
class Opening implements ByteSink {
  readonly #conn: Conn;
  readonly #options: WebSocketOpenOptions;
  // Until it is open: there are thousands that are.
  #events: OpeningEvents | undefined;
  // When its time is over.
  #deadline: number;
  #head: Uint8Array = acquireBuffer(HEAD_BYTES);
  #length = 0;
  #answered = false;
  // What has to be waited for before the connection is read on.
  #wait: Promise<void> | undefined;
  // Who goes on reading.
  #follower: WebSocketConn | undefined;
  #setFollower: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  // What came behind the head.
  #rest: Uint8Array | undefined;

  constructor(
    conn: Conn,
    options: WebSocketOpenOptions,
    events: OpeningEvents,
  ) {
    this.#conn = conn;
    this.#options = options;
    this.#events = events;
    this.#deadline = performance.now() + this.#timeout * 1000;
    watch(this);
  }

  get #timeout(): number {
    return this.#options.timeout ?? HANDSHAKE_TIMEOUT;
  }

  /** Looks whether its time is over. */
  step(now: number): void {
    if (now < this.#deadline) return;
    if (this.#answered) this.#conn.close();
    else {
      this.#answer(
        refuseHandshake(408, `no request within ${this.#timeout} s`),
      );
    }
  }

  run(): Promise<void> {
    return this.#running = this.#conn.run(this);
  }

  /** The connection is read for `follower` from now on. */
  goOn(follower: WebSocketConn): Promise<void> {
    this.#follower = follower;
    this.#setFollower?.();
    this.#setFollower = undefined;
    return this.#running;
  }

  /** Nobody wants the connection, which is closed. */
  abandon(): void {
    this.#setFollower?.();
  }

  next(): Promise<void> | undefined {
    if (this.#wait) return this.#wait;
    if (!this.#follower) return undefined;
    for (;;) {
      const wait = this.#follower.next();
      if (wait || !this.#rest) return wait;
      this.#handRestOn(this.#rest, this.#follower);
    }
  }

  space(): Uint8Array {
    if (this.#follower) return this.#follower.space();
    if (this.#length === this.#head.length) {
      const grown = acquireBuffer(HEAD_MAX_BYTES);
      grown.set(this.#head);
      releaseBuffer(this.#head);
      this.#head = grown;
    }
    // The buffer may be longer than a head may be.
    return this.#head.subarray(this.#length, HEAD_MAX_BYTES);
  }

  filled(count: number): void {
    if (this.#follower) return this.#follower.filled(count);
    // It was refused: what still comes is thrown away.
    if (this.#answered) return;
    this.#length += count;
    const head = this.#head.subarray(0, this.#length);
    const end = headEnd(head);
    if (end >= 0) {
      if (end < this.#length) this.#rest = head.slice(end);
      this.#answer(answerHandshake(head.subarray(0, end), this.#options));
    } else if (this.#length >= HEAD_MAX_BYTES) {
      this.#answer(
        refuseHandshake(
          431,
          `the request is longer than ${HEAD_MAX_BYTES} bytes`,
        ),
      );
    }
  }

  async ended(error?: unknown): Promise<void> {
    unwatch(this);
    while (this.#wait) await this.#wait;
    if (this.#follower) return await this.#follower.ended(error);
    if (!this.#answered) {
      this.#answered = true;
      this.#events!.onRefused("it was closed before its request was whole");
    }
    this.#conn.close();
    this.#releaseHead();
    this.#events?.onGone();
  }

  #answer(answer: HandshakeAnswer): void {
    if (this.#answered) return;
    this.#answered = true;
    if (answer.accepted) unwatch(this);
    else this.#deadline = performance.now() + LINGER_MS;
    this.#length = 0;
    this.#wait = this.#respond(answer).finally(() => this.#wait = undefined);
  }

  // Resolves when the connection may be read on.
  async #respond(answer: HandshakeAnswer): Promise<void> {
    const { response, accepted } = answer;
    try {
      for (let at = 0; at < response.length;) {
        at += await this.#conn.write(response.subarray(at));
      }
      // It reads the answer and closes.
      if (!accepted) await this.#conn.closeWrite();
    } catch {
      this.#conn.close();
    }
    const followed = new Promise<void>((resolve) =>
      this.#setFollower = resolve
    );
    if (!accepted) return this.#events!.onRefused(answer.message);
    this.#releaseHead();
    const { onOpen } = this.#events!;
    this.#events = undefined;
    onOpen();
    // Its reading begins when somebody wants the frames.
    await followed;
  }

  #releaseHead(): void {
    releaseBuffer(this.#head);
    this.#head = NOTHING;
  }

  #handRestOn(rest: Uint8Array, follower: WebSocketConn): void {
    const space = follower.space();
    const count = Math.min(space.length, rest.length);
    space.set(rest.subarray(0, count));
    this.#rest = count < rest.length ? rest.subarray(count) : undefined;
    follower.filled(count);
  }
}
