// Outbox: the messages for one gateway, from their being sent to what becomes of each of them.

import {
  ANSWER_MS,
  type Logger,
  onAbort,
  type Receipt,
} from "@maple/box/internal";
import { TriggerError, type TriggerErrorCode } from "./errors.ts";
import { type GatewayConnection, SecretRefusal } from "./gateway_connection.ts";
import { MAX_REFUSED_DELAY_MS } from "./gateway_dialer.ts";
import type { Message } from "./message.ts";
import { MessageQueue } from "./message_queue.ts";
import type { Ensure, ResolvedOptions } from "./options.ts";

const CLOSED = "the trigger is closed";

/** How a frame is sent. */
export interface OutboxSendOptions {
  /**
   * false: it fails with the first attempt that fails; true: at its time limit; "forever": when
   * this is closed.
   */
  readonly ensure: Ensure;
  /** See {@linkcode Message}. @default {"where given"}, and without `ensure` {"none"} */
  readonly wants?: Message["wants"];
  /** Gives it up; what was sent is sent. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds of it, or of one attempt. @default those of the option `timeout` */
  readonly timeoutMs?: number | undefined;
  /** See {@linkcode Message}. */
  readonly canMove?: Message["canMove"];
}

/** What an outbox must know of the connection that it is sent on, and do with it. */
export interface OutboxLink {
  /** Host and port of its gateway, for messages. */
  readonly name: string;
  /** Whether there is a connection. */
  readonly connected: boolean;
  /** Ends the connection. */
  cut(): void;
}

/**
 * The messages for one gateway. Each of them ends in one way: it is done, it has failed and the
 * gateway never takes it, or it is in doubt.
 */
export class Outbox {
  readonly #link: OutboxLink;
  readonly #options: ResolvedOptions;
  readonly #logger: Logger;
  readonly #queue = new MessageQueue();
  #writing: Message | undefined;
  #writingSince = 0;
  #unconfirmedOn: GatewayConnection | undefined;
  #isInDoubt = false;
  #isClosed = false;
  #isOutageTold = false;
  #isRefusalTold = false;
  #lastFailure: Error | undefined;
  #onRoom: (() => void) | undefined;
  #pause: { readonly message: Message; readonly end: () => void } | undefined;

  /** @param options Complete and checked. */
  constructor(link: OutboxLink, options: ResolvedOptions) {
    this.#link = link;
    this.#options = options;
    this.#logger = options.logger;
  }

  /** The next one to be sent. */
  get first(): Message | undefined {
    return this.#queue.first;
  }

  /** Whether a receipt is waited for. */
  get awaitsReceipts(): boolean {
    return this.#queue.sentBytes > 0;
  }

  /** Whether something was sent that the gateway may not have taken, and nobody will know. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Milliseconds for which a receipt is waited for, or a message being written; 0 = neither. */
  get silentMs(): number {
    const since = this.#queue.waitingSince ??
      (this.#writing && this.#writingSince);
    return since === undefined ? 0 : performance.now() - since;
  }

  /**
   * Takes a message in, behind all others.
   *
   * @returns Resolves when it is done, with the receipt where one was waited for.
   * @throws {TriggerError} See {@linkcode GatewayLink.send}.
   */
  send(
    frame: Uint8Array,
    options: OutboxSendOptions,
  ): Promise<Receipt | undefined> {
    const { ensure, signal, canMove } = options;
    const { wants = ensure ? "where given" : "none" } = options;
    if (this.#isClosed) return Promise.reject(this.#error("closed", CLOSED));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { queueBytes } = this.#options;
    const { timeoutMs = this.#options.timeoutMs } = options;
    const { waitingBytes } = this.#queue;
    if (waitingBytes + frame.length > queueBytes) {
      return Promise.reject(this.#error(
        "limit",
        `${frame.length} bytes are too many with the ${waitingBytes} that wait already; queueBytes is ${queueBytes}`,
      ));
    }
    return new Promise((resolve, reject) => {
      const ms = wants === "answer"
        ? Math.min(ANSWER_MS, timeoutMs)
        : timeoutMs;
      const aborted = onAbort(signal, () => {
        if (!this.#remove(message)) return;
        // What was sent is sent, and asked for at the end.
        this.#unconfirmedOn = message.sentOn ?? this.#unconfirmedOn;
        reject(signal!.reason);
      });
      const message: Message = {
        ...{ frame, ensure, wants, timeoutMs: ms, canMove },
        timer: setInterval(() => this.#expire(message), ms),
        resolve: (receipt) => {
          aborted[Symbol.dispose]();
          resolve(receipt);
        },
        reject: (error) => {
          aborted[Symbol.dispose]();
          reject(error);
        },
        ...{ isOver: false, sentOn: undefined, sentAt: 0, receiptId: 0 },
        takenBy: undefined,
      };
      this.#queue.push(message);
    });
  }

  /** Gives up all, and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const message of this.#queue.all()) {
      this.#giveUp(message, "closed", CLOSED);
    }
  }

  /** Whether what waits must wait on, for the receipts of what was sent. */
  get isFull(): boolean {
    return this.#queue.sentBytes > this.#options.queueBytes;
  }

  /** Resolves when something is over, or sent again: {@linkcode isFull} may be false then. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#onRoom = resolve);
  }

  /** Resolves after some time, or when a message is over before. */
  overWithin(message: Message, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pause = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#pause = { message, end };
    });
  }

  /** The first one is sent on a connection, its receipt to be waited for or not. */
  async write(
    message: Message,
    connection: GatewayConnection,
    isWatched: boolean,
  ): Promise<void> {
    if (isWatched) this.#expectReceipt(message, connection);
    this.#writing = message;
    this.#writingSince = performance.now();
    try {
      await connection.write(message.frame);
    } catch (error) {
      connection.receipts.forget(message.receiptId);
      throw error;
    } finally {
      this.#writing = undefined;
    }
    if (!isWatched) {
      if (message.frame.length > 0) this.#unconfirmedOn = connection;
      if (this.#remove(message)) message.resolve(undefined);
    } else if (!message.isOver) {
      message.sentOn = connection;
      message.sentAt = performance.now();
      this.#queue.sent(message);
    }
  }

  /**
   * A connection has ended. What has got no receipt on it was not taken if the gateway has taken
   * leave. Otherwise it was not if the gateway that is there next is another one: what the one
   * before may have taken is lost with it.
   */
  lost(connection: GatewayConnection): void {
    const { life, hasTakenLeave } = connection;
    const again: Message[] = [];
    for (const message of this.#queue.sentOn(connection)) {
      const isSafe = hasTakenLeave || message.wants === "answer";
      if (message.ensure === false || this.#isClosed) {
        if (isSafe) this.fail(message, "connection", "the gateway has left");
        else this.doubt(message, "the connection was lost");
        continue;
      }
      if (!isSafe) message.takenBy = life;
      again.push(message);
    }
    this.#queue.sendAgain(again);
    this.#onRoom?.();
    // All at once and in their order, but one that is being written, which fails first; and what is
    // in doubt, until it is seen that nobody answers there.
    if (this.#writing) return;
    for (const message of this.#queue.waiting()) {
      if (message.takenBy !== undefined) continue;
      this.#moves(message, "the connection was lost");
    }
  }

  /**
   * A connection has ended.
   *
   * @param hasReadAll Whether the gateway has read everything that was sent on it.
   * @returns Whether that leaves in doubt what no receipt was waited for.
   */
  ended(connection: GatewayConnection, hasReadAll: boolean): boolean {
    const isInDoubt = !hasReadAll && this.#unconfirmedOn === connection;
    if (isInDoubt) this.#isInDoubt = true;
    return isInDoubt;
  }

  /** Whether something was sent on a connection, last of all, that no receipt was waited for. */
  isUnconfirmedOn(connection: GatewayConnection): boolean {
    return this.#unconfirmedOn === connection;
  }

  /** The gateway has taken all that was sent. */
  allConfirmed(): void {
    this.#unconfirmedOn = undefined;
  }

  /** An attempt to connect or to write has failed. */
  attemptFailed(error: Error): void {
    this.#lastFailure = error;
    const isRefusal = error instanceof SecretRefusal;
    const isLasting = isRefusal || error instanceof TriggerError;
    const code = isRefusal ? "secret" : "connection";
    for (const message of this.#queue.waiting()) {
      if (this.#moves(message, error.message)) continue;
      if (isRefusal && message.ensure === "forever") {
        this.#tellRefusal(error);
      } else if (message.ensure === false || isLasting) {
        this.#giveUp(message, code, error.message);
      }
    }
  }

  /** An attempt has not failed. */
  attemptDone(): void {
    this.#lastFailure = undefined;
    this.#isOutageTold = false;
    this.#isRefusalTold = false;
  }

  /** The gateway has not taken it and never will. */
  fail(message: Message, code: TriggerErrorCode, why: string): void {
    if (!this.#remove(message)) return;
    message.reject(this.#error(code, why));
  }

  /** It may have been done, and nobody will know. */
  doubt(message: Message, why: string): void {
    if (message.wants !== "answer") this.#isInDoubt = true;
    this.fail(
      message,
      "unknown",
      `${why}, and its receipt has not come: it may have been done`,
    );
  }

  #expectReceipt(message: Message, connection: GatewayConnection): void {
    message.receiptId = connection.receipts.expect(message.frame, (receipt) => {
      if (receipt.error && message.wants !== "receipt") {
        return this.fail(message, "refused", receipt.error);
      }
      if (this.#remove(message)) message.resolve(receipt);
    });
  }

  // Whether it goes by another gateway.
  #moves(message: Message, why: string): boolean {
    const moves = message.canMove?.(message.takenBy) ?? false;
    if (moves) this.fail(message, "connection", why);
    return moves;
  }

  #tellRefusal({ message }: Error): void {
    if (this.#isRefusalTold) return;
    this.#isRefusalTold = true;
    this.#logger.warn(
      `gateway ${this.#link.name}: ${message}; trying again less and less often, at last every ${
        MAX_REFUSED_DELAY_MS / 1000
      } s`,
    );
  }

  // The time of one attempt is over.
  #expire(message: Message): void {
    const isSent = message.sentOn !== undefined;
    const why = this.#link.connected
      ? isSent ? "the gateway does not answer" : "the gateway does not read"
      : this.#lastFailure?.message ?? "the gateway does not answer";
    const late = `not done within ${message.timeoutMs / 1000} s: ${why}`;
    if (message.wants === "answer") this.fail(message, "timeout", late);
    else if (message.ensure !== "forever") {
      this.#giveUp(message, "timeout", late);
    } else if (!this.#isOutageTold) {
      this.#isOutageTold = true;
      this.#logger.warn(`gateway ${this.#link.name}: ${late}; trying on`);
    }
    // A gateway that is silent for so long is left, where there are others.
    const isLeft = isSent && message.wants !== "answer" &&
      message.canMove?.(undefined);
    if (this.#writing === message || isLeft) this.#link.cut();
  }

  // Where the gateway may have taken it that is said instead.
  #giveUp(message: Message, code: TriggerErrorCode, why: string): void {
    const { sentOn, takenBy } = message;
    if (sentOn === undefined && takenBy === undefined) {
      this.fail(message, code, why);
    } else this.doubt(message, why);
  }

  #remove(message: Message): boolean {
    if (!this.#queue.remove(message)) return false;
    message.sentOn?.receipts.forget(message.receiptId);
    this.#onRoom?.();
    if (this.#pause?.message === message) this.#pause.end();
    return true;
  }

  #error(code: TriggerErrorCode, why: string): TriggerError {
    return new TriggerError(
      code,
      `Cannot send to gateway ${this.#link.name}: ${why}`,
      { cause: this.#lastFailure },
    );
  }
}
