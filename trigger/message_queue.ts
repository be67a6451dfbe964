// MessageQueue: the messages of one gateway in their order: those that wait, and behind them those
// whose receipt is waited for.

import type { GatewayConnection } from "./gateway_connection.ts";
import type { Message } from "./message.ts";

/** The messages of one gateway, in their order. */
export class MessageQueue {
  #waiting: Message[] = [];
  #head = 0;
  readonly #sent = new Set<Message>();

  /** Bytes of those that wait. */
  waitingBytes = 0;
  /** Bytes of those whose receipts are waited for. */
  sentBytes = 0;

  /** The next one to be sent. */
  get first(): Message | undefined {
    while (this.#waiting[this.#head]?.isOver) this.#head++;
    return this.#waiting[this.#head];
  }

  /** Those that are not over. */
  *all(): Generator<Message> {
    yield* [...this.#sent];
    yield* this.waiting();
  }

  /** Those of them that wait. */
  waiting(): Message[] {
    return this.#waiting.slice(this.#head).filter(({ isOver }) => !isOver);
  }

  /** Takes one in. */
  push(message: Message): void {
    if (this.#head > 1000) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    this.#waiting.push(message);
    this.waitingBytes += message.frame.length;
  }

  /** One of them is sent, and its receipt waited for. */
  sent(message: Message): void {
    if (this.#waiting[this.#head] === message) this.#head++;
    else this.#waiting.splice(this.#waiting.indexOf(message, this.#head), 1);
    this.waitingBytes -= message.frame.length;
    this.sentBytes += message.frame.length;
    this.#sent.add(message);
  }

  /** When the first one was sent of those whose receipts are waited for. */
  get waitingSince(): number | undefined {
    for (const { sentAt } of this.#sent) return sentAt;
    return undefined;
  }

  /** Those that were sent on a connection and have got no receipt. */
  sentOn(connection: GatewayConnection): Message[] {
    return [...this.#sent].filter(({ sentOn }) => sentOn === connection);
  }

  /** They wait again, ahead of all others. */
  sendAgain(messages: readonly Message[]): void {
    for (const message of messages) {
      const { length } = message.frame;
      this.#sent.delete(message);
      this.sentBytes -= length;
      this.waitingBytes += length;
      message.sentOn = undefined;
    }
    this.#waiting = [...messages, ...this.#waiting.slice(this.#head)];
    this.#head = 0;
  }

  /** One is over; false when it was so before. */
  remove(message: Message): boolean {
    if (message.isOver) return false;
    message.isOver = true;
    clearInterval(message.timer);
    const { length } = message.frame;
    if (this.#sent.delete(message)) this.sentBytes -= length;
    else this.waitingBytes -= length;
    return true;
  }
}
