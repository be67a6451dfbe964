// DescriptorChannel: the messages between a process and the one that takes its place, some of them
// with descriptors.
//
//   new one           old one
//   HELLO        ->                who it is
//                <-   OFFER        who that is, and what is there
//   ASK          ->                something that only these two know, before it is taken
//                <-   ANSWER       what is to be said to that
//   COPY         ->                it wants what is unlikely to change, while the old one serves
//                <-   STATE, DESCRIPTORS  pieces of that
//                <-   COPIED       how much it was
//   TAKE         ->                it wants it: from here on the old one stands still
//                <-   STATE        a piece of the state; many of them
//                <-   DESCRIPTORS  200 at most; many of them
//                <-   END          how much it was
//   MINE         ->                it has all, and can go on with it
//                <-   YOURS        the old one will touch nothing of it any more
//   SERVING      ->                it is the new one's from here on
//
// Each may say REFUSE, with the reason, in place of what it would say, and the old one KEEP in
// place of YOURS. All of it is done by calls that wait: while they do, nothing else of the process
// moves, so that what was written is what is there.

import { MESSAGE_MAX, type Passing } from "../net/passing.ts";
import { Errno } from "../net/system_calls.ts";

/** The messages, by their first byte. */
export const Message = {
  HELLO: 1,
  OFFER: 2,
  TAKE: 3,
  REFUSE: 4,
  STATE: 5,
  DESCRIPTORS: 6,
  END: 7,
  MINE: 8,
  YOURS: 9,
  KEEP: 10,
  SERVING: 11,
  ASK: 12,
  ANSWER: 13,
  COPY: 14,
  COPIED: 15,
} as const;

/** What the messages END and COPIED say: how much was sent. */
export interface Sent {
  /** Bytes of the state. */
  bytes: number;
  /** Descriptors. */
  descriptors: number;
}

/** A message that has come. */
export interface ReceivedMessage {
  /** Of {@linkcode Message}. */
  readonly kind: number;
  /** What is behind the first byte; valid until the next call. */
  readonly bytes: Uint8Array;
  /** The descriptors that came with it. */
  readonly descriptors: readonly number[];
}

/** The other side is gone. */
export class PeerGone extends Error {}

/** The other side has taken too long. */
export class PeerLate extends Error {}

/** Bytes of a message beside its first one. */
export const PIECE_MAX: number = MESSAGE_MAX - 1;

const UTF8 = new TextEncoder();
const RESET = 104;
// How long to wait where too many descriptors are on their way.
const PAUSE_MS = 1;

/** One end of the messages. */
export class DescriptorChannel {
  readonly #passing: Passing;
  readonly #descriptor: number;
  readonly #message = new Uint8Array(MESSAGE_MAX);
  /** When it gives up, in milliseconds of `performance.now()`. */
  deadline: number = Infinity;

  /**
   * Nothing is sent or waited for yet.
   *
   * @param descriptor Its socket.
   */
  constructor(passing: Passing, descriptor: number) {
    this.#passing = passing;
    this.#descriptor = descriptor;
  }

  /**
   * Sends a message, and waits until there is room for it.
   *
   * @throws {PeerGone} when the other side is gone.
   * @throws {PeerLate} when the time is over.
   */
  send(
    kind: number,
    bytes: Uint8Array = this.#message.subarray(0, 0),
    descriptors: readonly number[] = [],
  ): void {
    while (!this.trySend(kind, bytes, descriptors)) {
      const left = this.#left();
      // There may be room, and too many descriptors on their way.
      const before = performance.now();
      this.#passing.waitToSend(this.#descriptor, left);
      if (performance.now() - before < PAUSE_MS) {
        this.#passing.pause(Math.min(PAUSE_MS, left));
      }
    }
  }

  /**
   * Sends a message where there is room for it, else gives false.
   *
   * @throws {PeerGone} when the other side is gone.
   */
  trySend(
    kind: number,
    bytes: Uint8Array,
    descriptors: readonly number[] = [],
  ): boolean {
    this.#message[0] = kind;
    this.#message.set(bytes, 1);
    const message = this.#message.subarray(0, 1 + bytes.length);
    const sent = this.#passing.send(this.#descriptor, message, descriptors);
    if (sent === -Errno.again || sent === -Errno.interrupted) return false;
    if (sent < 0) throw new PeerGone(this.#passing.describe(sent));
    return true;
  }

  /** The same as `send` with something that is JSON. */
  sendJson(kind: number, value: unknown): void {
    this.send(kind, UTF8.encode(JSON.stringify(value)));
  }

  /** The same with a text. */
  sendText(kind: number, text: string): void {
    this.send(kind, UTF8.encode(text).subarray(0, PIECE_MAX));
  }

  /**
   * Takes the next message, and waits for it.
   *
   * @throws {PeerGone} when the other side is gone.
   * @throws {PeerLate} when the time is over.
   */
  receive(): ReceivedMessage {
    for (;;) {
      const message = this.poll();
      if (message) return message;
      this.#passing.waitToReceive(this.#descriptor, this.#left());
    }
  }

  /**
   * Takes a message that is there.
   *
   * @throws {PeerGone} when the other side is gone.
   */
  poll(): ReceivedMessage | undefined {
    let received = this.#passing.receive(this.#descriptor);
    // It has left with something unread, which is told once: what it has said before is there.
    if (received === -RESET) {
      received = this.#passing.receive(this.#descriptor);
    }
    if (received === -Errno.again) return undefined;
    if (received === "ended") throw new PeerGone("it is gone");
    if (typeof received === "number") {
      throw new PeerGone(this.#passing.describe(received));
    }
    const { bytes, descriptors, isCut } = received;
    if (isCut) {
      for (const one of descriptors) this.#passing.close(one);
      throw new Error(
        "the system lets this process open no more files; raise it with ulimit -n or LimitNOFILE",
      );
    }
    return { kind: bytes[0]!, bytes: bytes.subarray(1), descriptors };
  }

  #left(): number {
    const left = this.deadline - performance.now();
    if (left <= 0) throw new PeerLate("its time is over");
    return Math.min(left, 60_000);
  }
}

/** The text of a message. */
export function textOf({ bytes }: ReceivedMessage): string {
  return new TextDecoder().decode(bytes);
}

/**
 * What a message says in JSON.
 *
 * @throws {Error} when it is none.
 */
export function jsonOf<T>(message: ReceivedMessage): T {
  return JSON.parse(textOf(message));
}
