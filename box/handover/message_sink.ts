// MessageSink: cuts what is handed over into messages, and counts it.

import { DESCRIPTORS_MAX } from "../net/passing.ts";
import { Message, PIECE_MAX, type Sent } from "./descriptor_channel.ts";
import type { StateSink } from "./state_sink.ts";

/** Sends a message of a kind; the bytes are valid during the call only. */
export type SendMessage = (
  kind: number,
  bytes: Uint8Array,
  descriptors?: readonly number[],
) => void;

const NOTHING = new Uint8Array(0);

/** Cuts what is handed over into messages that are no longer than they may be. */
export class MessageSink implements StateSink {
  /** How much it was. */
  readonly sent: Sent = { bytes: 0, descriptors: 0 };
  readonly #send: SendMessage;

  /** @param send Called with each message. */
  constructor(send: SendMessage) {
    this.#send = send;
  }

  descriptors(given: readonly number[]): void {
    for (let at = 0; at < given.length; at += DESCRIPTORS_MAX) {
      const some = given.slice(at, at + DESCRIPTORS_MAX);
      this.#send(Message.DESCRIPTORS, NOTHING, some);
    }
    this.sent.descriptors += given.length;
  }

  bytes(given: Uint8Array): void {
    for (let at = 0; at < given.length; at += PIECE_MAX) {
      this.#send(Message.STATE, given.subarray(at, at + PIECE_MAX));
    }
    this.sent.bytes += given.length;
  }
}
