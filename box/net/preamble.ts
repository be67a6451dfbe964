// Preamble: what is said on a connection before its frames: collects it, answers it, and hands the
// connection on to whoever reads the frames.

import { acquireBuffer, releaseBuffer } from "../buffer_pool.ts";
import type { ByteSink, Conn, ConnPiece, OwnSocket } from "./conn.ts";

/** What is made of the head of a connection. */
export interface Verdict {
  /** Whether the connection goes on. */
  readonly accepted: boolean;
  /** How many bytes of the head were read; what came behind them is for whoever goes on. */
  readonly bytes: number;
  /** What is sent in answer. One that is refused without an answer is closed at once. */
  readonly response?: Uint8Array;
}

/** Why a head never becomes whole: it took too long, is too long, or the connection has ended. */
export type Incomplete = "late" | "long" | "ended";

/** Who understands the head of a connection. */
export interface HeadReader<V extends Verdict> {
  /** Room for most heads, in bytes. */
  readonly usualBytes: number;
  /** Room for the longest. */
  readonly maxBytes: number;
  /** Seconds that it may take. */
  readonly timeout: number;
  /** What is made of what has come so far; undefined where more is needed. */
  read(head: Uint8Array): V | undefined;
  /** What is made of it when no more comes. */
  giveUp(why: Incomplete, head: Uint8Array): V;
}

/** The head of a connection as far as it has come. */
export interface HeldHead {
  /** Whose it is, as far as is known. */
  readonly remoteAddr: Deno.NetAddr;
  /** What has come of it. */
  readonly bytes: Uint8Array;
  /** Whether another head was read before it. */
  readonly isSecond: boolean;
}

const NOTHING: Uint8Array = new Uint8Array(0);
// How long who is refused may take to read why.
const LINGER_MS = 2000;

// One timer for all: thousands may come at the same moment.
const STEP_MS = 100;
const watched = new Set<Preamble>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(preamble: Preamble): void {
  watched.add(preamble);
  timer ??= setInterval(() => {
    const now = performance.now();
    for (const one of watched) one.step(now);
  }, STEP_MS);
}

function unwatch(preamble: Preamble): void {
  watched.delete(preamble);
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** What is needed until the head is answered: there are thousands of connections that are. */
interface Opening {
  readonly reader: HeadReader<Verdict>;
  onAccepted(verdict: Verdict): void;
  onRefused(verdict: Verdict): void;
  onGone(): void;
}

/**
 * The beginning of a connection, and then the connection itself: a {@linkcode Conn} that gives what
 * came behind the head first.
 */
export class Preamble implements Conn, ByteSink {
  /** Address and port of the other side, as far as the head did not tell another one. */
  remoteAddr: Deno.NetAddr;
  readonly #conn: Conn;
  // Until it goes on.
  #opening: Opening | undefined;
  #decided = false;
  // Whether any of what came belonged to the head.
  #hadHead = false;
  // When its time is over.
  #deadline = Infinity;
  #head: Uint8Array = NOTHING;
  #length = 0;
  // What has to be waited for before the connection is read on.
  #wait: Promise<void> | undefined;
  // Who goes on reading.
  #follower: ByteSink | undefined;
  #onFollowed: (() => void) | undefined;
  #running: Promise<void> | undefined;
  // What came behind the head.
  #rest: Uint8Array = NOTHING;

  private constructor(conn: Conn, opening?: Opening) {
    this.#conn = conn;
    this.remoteAddr = conn.remoteAddr;
    this.#opening = opening;
    if (!opening) return;
    const { usualBytes, timeout } = opening.reader;
    this.#head = acquireBuffer(usualBytes);
    this.#deadline = performance.now() + timeout * 1000;
    watch(this);
  }

  /**
   * Reads the head of a connection and answers it.
   *
   * @param conn The connection, which belongs to this object from now on.
   * @param onRefused Told at once when it is refused.
   * @returns The connection that goes on, with the verdict; undefined when it has ended.
   */
  static open<V extends Verdict>(
    conn: Conn,
    reader: HeadReader<V>,
    onRefused: (verdict: V) => void,
  ): Promise<{ conn: Preamble; verdict: V } | undefined> {
    return new Promise((onDone) => {
      // The verdicts are what the reader has made.
      const preamble: Preamble = new Preamble(conn, {
        reader,
        onAccepted: (verdict) =>
          onDone({ conn: preamble, verdict: verdict as V }),
        onRefused: (verdict) => onRefused(verdict as V),
        onGone: () => onDone(undefined),
      });
      preamble.#running = conn.run(preamble);
    });
  }

  /** A connection of which some bytes were read before. */
  static behind(
    conn: Conn,
    rest: Uint8Array,
    remoteAddr: Deno.NetAddr = conn.remoteAddr,
  ): Preamble {
    const preamble = new Preamble(conn);
    preamble.remoteAddr = remoteAddr;
    preamble.#decided = true;
    if (rest.length > 0) preamble.#rest = rest;
    return preamble;
  }

  /** Looks whether its time is over. */
  step(now: number): void {
    if (now < this.#deadline) return;
    if (this.#decided) this.#conn.close();
    else this.#giveUp("late");
  }

  /** Takes away what came behind the head, for somebody who reads the connection below. */
  takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = NOTHING;
    return rest;
  }

  /** Gives what comes behind the head to the sink. */
  run(sink: ByteSink): Promise<void> {
    this.#follower = sink;
    this.#onFollowed?.();
    this.#onFollowed = undefined;
    return this.#running ??= this.#conn.run(this);
  }

  /** Writes some of the bytes. */
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
    // Nobody goes on.
    this.#onFollowed?.();
  }

  /** What another process needs to go on with it, once its head is answered. */
  give(): ConnPiece | undefined {
    const below = this.#conn.give?.();
    return below && {
      ...below,
      remoteAddr: this.remoteAddr,
      unread: joined(this.#rest, below.unread),
    };
  }

  /**
   * The head as far as it has come, for another process to begin anew with; undefined where it was
   * answered already.
   */
  head(): HeldHead | undefined {
    const { remoteAddr } = this;
    const follower = this.#follower;
    if (follower instanceof Preamble) {
      const head = follower.head();
      return head && { ...head, isSecond: this.#hadHead };
    }
    if (follower || this.#decided) return undefined;
    const bytes = this.#head.slice(0, this.#length);
    return { remoteAddr, bytes, isSecond: false };
  }

  /** For the connection below. */
  next(): Promise<void> | undefined {
    if (this.#wait) return this.#wait;
    const follower = this.#follower;
    if (!follower) return undefined;
    for (;;) {
      const wait = follower.next();
      if (wait || this.#rest === NOTHING) return wait;
      const space = follower.space();
      const count = Math.min(space.length, this.#rest.length);
      space.set(this.#rest.subarray(0, count));
      this.#rest = count < this.#rest.length
        ? this.#rest.subarray(count)
        : NOTHING;
      follower.filled(count);
    }
  }

  /** For the connection below. */
  space(): Uint8Array {
    if (this.#follower) return this.#follower.space();
    const maxBytes = this.#opening!.reader.maxBytes;
    if (this.#length === this.#head.length) {
      const grown = acquireBuffer(maxBytes);
      grown.set(this.#head);
      releaseBuffer(this.#head);
      this.#head = grown;
    }
    // The buffer may be longer than a head may be.
    return this.#head.subarray(this.#length, maxBytes);
  }

  /** For the connection below. */
  filled(count: number, read: number = count): void {
    if (this.#follower) return this.#follower.filled(count, read);
    // It was refused: what still comes is thrown away.
    if (this.#decided) return;
    const { reader } = this.#opening!;
    this.#length += count;
    const verdict = reader.read(this.#head.subarray(0, this.#length));
    if (verdict) this.#decide(verdict);
    else if (this.#length >= reader.maxBytes) this.#giveUp("long");
  }

  /** For the connection below. */
  async ended(error?: unknown): Promise<void> {
    unwatch(this);
    while (this.#wait) await this.#wait;
    if (this.#follower) return await this.#follower.ended(error);
    this.#conn.close();
    const opening = this.#opening;
    if (!opening) return;
    if (!this.#decided) opening.onRefused(this.#verdictWithout("ended"));
    this.#releaseHead();
    opening.onGone();
  }

  #verdictWithout(why: Incomplete): Verdict {
    const head = this.#head.subarray(0, this.#length);
    return this.#opening!.reader.giveUp(why, head);
  }

  #giveUp(why: Incomplete): void {
    this.#decide(this.#verdictWithout(why));
  }

  #decide(verdict: Verdict): void {
    this.#decided = true;
    if (verdict.accepted) {
      unwatch(this);
      this.#hadHead = verdict.bytes > 0;
      if (verdict.bytes < this.#length) {
        this.#rest = this.#head.slice(verdict.bytes, this.#length);
      }
    } else this.#deadline = performance.now() + LINGER_MS;
    this.#length = 0;
    this.#wait = this.#answer(verdict).finally(() => this.#wait = undefined);
  }

  // Resolves when the connection may be read on.
  async #answer(verdict: Verdict): Promise<void> {
    const { response, accepted } = verdict;
    if (response) await this.#send(response, !accepted);
    else if (!accepted) this.#conn.close();
    const { onAccepted, onRefused } = this.#opening!;
    if (!accepted) return onRefused(verdict);
    this.#opening = undefined;
    this.#releaseHead();
    const followed = new Promise<void>((resolve) => this.#onFollowed = resolve);
    onAccepted(verdict);
    // Its reading begins when somebody wants what comes.
    await followed;
  }

  async #send(response: Uint8Array, isLast: boolean): Promise<void> {
    try {
      for (let at = 0; at < response.length;) {
        at += await this.#conn.write(response.subarray(at));
      }
      // The other side reads the answer and closes.
      if (isLast) await this.#conn.closeWrite();
    } catch {
      this.#conn.close();
    }
  }

  #releaseHead(): void {
    releaseBuffer(this.#head);
    this.#head = NOTHING;
  }
}

/** The head of a connection as far as it has come; undefined where none is read. */
export function headOf({ sink }: OwnSocket): HeldHead | undefined {
  return sink instanceof Preamble ? sink.head() : undefined;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  if (second.length === 0) return first;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
