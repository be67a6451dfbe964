// GatewayLink: one gateway as a trigger sees it: the messages that wait for it, in their order, and
// its connection.

import {
  ANSWER_MS,
  gatewayName,
  type Greeting,
  KnownGateway,
  type ListedGateway,
  type Logger,
  onAbort,
  queryTask,
  type Receipt,
} from "@maple/box/internal";
import { TriggerError, type TriggerErrorCode } from "./errors.ts";
import { type GatewayConnection, SecretRefusal } from "./gateway_connection.ts";
import { GatewayDialer, MAX_REFUSED_DELAY_MS } from "./gateway_dialer.ts";
import { isWatchedOn, type Message, whyNot } from "./message.ts";
import { MessageQueue } from "./message_queue.ts";
import type { Ensure, ResolvedOptions, TriggerGateway } from "./options.ts";

const MAX_RETRY_DELAY_MS = 2000;
const CLOSED = "the trigger is closed";
const NOTHING: Uint8Array = new Uint8Array(0);
// For so long one that could not be reached is not the first to be tried.
const AWAY_MS = 1000;
const NONE: readonly ListedGateway[] = [];

/** How a frame is sent. */
export interface LinkSendOptions {
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

/** What a link tells. */
export interface LinkHandler {
  /** Its gateway has said something of itself, or its connection has ended. */
  onChange(link: GatewayLink): void;
}

/** One gateway as a trigger sees it. It connects when something is to be sent. */
export class GatewayLink {
  /** Host and port, for messages. */
  readonly name: string;
  /** Where it is. */
  readonly address: TriggerGateway;
  /** What is known of it. */
  readonly gateway: KnownGateway;
  readonly #options: ResolvedOptions;
  readonly #handler: LinkHandler;
  readonly #logger: Logger;
  readonly #dialer: GatewayDialer;
  readonly #queue = new MessageQueue();
  #writing: Message | undefined;
  #writingSince = 0;
  #running: Promise<void> | undefined;
  #connection: GatewayConnection | undefined;
  #sentOn: GatewayConnection | undefined;
  #inDoubt = false;
  #outageTold = false;
  #refusalTold = false;
  #closing: Promise<boolean> | undefined;
  #lastFailure: Error | undefined;
  #failedAt = -Infinity;
  #onRoom: (() => void) | undefined;
  #pause: { readonly message: Message; readonly end: () => void } | undefined;

  /**
   * @param options Complete and checked.
   * @param handler What it tells goes there.
   * @param foundIn The cluster whose gateways have told of it.
   */
  constructor(
    address: TriggerGateway,
    options: ResolvedOptions,
    handler: LinkHandler,
    foundIn?: string,
  ) {
    this.name = gatewayName(address);
    this.address = address;
    this.gateway = new KnownGateway(foundIn);
    this.#options = options;
    this.#handler = handler;
    const onGreeting = (greeting: Greeting) => {
      this.gateway.hasGreeted(greeting);
      this.#handler.onChange(this);
    };
    this.#dialer = new GatewayDialer(address, options, onGreeting);
    this.#logger = options.logger;
  }

  /** Whether there is a connection. */
  get connected(): boolean {
    return this.#connection?.open ?? false;
  }

  /** Whether it could not be reached just now. */
  get isAway(): boolean {
    return !this.connected && performance.now() - this.#failedAt < AWAY_MS;
  }

  /**
   * Milliseconds for which the gateway has owed something, a receipt, or to read what it is sent; 0
   * where it owes nothing.
   */
  get silentMs(): number {
    const since = this.#queue.waitingSince ??
      (this.#writing && this.#writingSince);
    return since === undefined ? 0 : performance.now() - since;
  }

  /** Ends the connection; what has got no receipt on it is in doubt then. */
  cut(): void {
    this.#connection?.cut();
  }

  /** Whether nothing waits to be sent, nor for a receipt. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#queue.sentBytes === 0;
  }

  /** The gateways of its cluster, while it is connected. */
  get listed(): readonly ListedGateway[] {
    return this.connected ? this.gateway.list : NONE;
  }

  /**
   * Resolves when it is connected.
   *
   * @throws {TriggerError} as `send`.
   */
  async connect(ensure: Ensure, signal?: AbortSignal): Promise<void> {
    await this.send(NOTHING, { ensure, wants: "none", signal });
  }

  /**
   * Resolves when the gateway has given its receipt for the frame, or the whole frame is handed to
   * its connection where none is waited for; in both cases after all that was sent before it.
   *
   * @returns The receipt, where one was waited for.
   * @throws {TriggerError} `connection`, `timeout` or `limit`: the gateway has not taken it and
   * never will. `unknown`: it may have. `refused`: it says why not. `unsupported`: it gives no
   * receipts.
   */
  send(
    frame: Uint8Array,
    options: LinkSendOptions,
  ): Promise<Receipt | undefined> {
    const { ensure, signal, canMove } = options;
    const { wants = ensure ? "where given" : "none" } = options;
    if (this.#closing) {
      return Promise.reject(this.#error("closed", CLOSED));
    }
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
        this.#sentOn = message.sentOn ?? this.#sentOn;
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
      this.#running ??= this.#run();
    });
  }

  /**
   * Gives up what still waits, waits for the receipts that are to come, ends this side and waits
   * until the gateway has read everything, for up to `timeout`.
   *
   * @returns false when something that was sent may not have been taken, on this connection or one
   * before it.
   */
  close(): Promise<boolean> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<boolean> {
    for (const message of this.#queue.all()) {
      this.#giveUp(message, "closed", CLOSED);
    }
    this.#dialer.abort();
    await this.#running;
    const connection = this.#connection;
    if (connection?.open) {
      const timer = setTimeout(() => connection.cut(), this.#options.timeoutMs);
      await this.#lastReceipt(connection);
      connection.finish();
      await connection.ended;
      clearTimeout(timer);
    }
    return !this.#inDoubt;
  }

  // Of what was sent without a receipt: a gateway that answers a question has taken all before it.
  async #lastReceipt(connection: GatewayConnection): Promise<void> {
    if (this.#sentOn !== connection || !connection.givesReceipts) return;
    const question = queryTask({ uids: [0] }).pack();
    const answered = new Promise<void>((resolve) => {
      connection.receipts.expect(question, () => {
        this.#sentOn = undefined;
        resolve();
      });
    });
    await connection.write(question).catch(() => {});
    await Promise.race([answered, connection.ended]);
  }

  // Sends what waits.
  async #run(): Promise<void> {
    let delay = this.#options.retryDelayMs;
    for (let message; (message = this.#queue.first);) {
      try {
        await this.#write(message);
        this.#lastFailure = undefined;
        this.#outageTold = false;
        this.#refusalTold = false;
        delay = this.#options.retryDelayMs;
      } catch (error) {
        this.#attemptFailed(error as Error);
        if (message.isOver) continue;
        await this.#pauseFor(message, Math.max(delay, this.#dialer.refusedMs));
        delay = Math.min(delay * 2, MAX_RETRY_DELAY_MS);
      }
    }
    this.#running = undefined;
  }

  async #write(message: Message): Promise<void> {
    if (this.#connection && !this.#connection.open) {
      // What has got no receipt on it may have to go first.
      await this.#connection.ended;
      this.#connection = undefined;
      return;
    }
    const connection = this.#connection ??= await this.#connect(
      message.canMove?.(undefined) ?? false,
    );
    // Its time may have come while the gateway was being reached.
    if (message.isOver) return;
    const why = whyNot(message, connection);
    if (why) return this.#fail(message, ...why);
    if (message.takenBy !== undefined && message.takenBy === connection.life) {
      return this.#doubt(message, "the connection was lost");
    }
    // What is behind it waits until there is room for it.
    while (this.#queue.sentBytes > this.#options.queueBytes) {
      await new Promise<void>((resolve) => this.#onRoom = resolve);
      if (!connection.open || message.isOver) return;
    }
    const isWatched = isWatchedOn(connection, message);
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
      if (message.frame.length > 0) this.#sentOn = connection;
      if (this.#remove(message)) message.resolve(undefined);
    } else if (!message.isOver) {
      message.sentOn = connection;
      message.sentAt = performance.now();
      this.#queue.sent(message);
      // It may have ended in the very moment.
      if (!connection.open) this.#lost(connection);
    }
  }

  #expectReceipt(message: Message, connection: GatewayConnection): void {
    message.receiptId = connection.receipts.expect(message.frame, (receipt) => {
      if (receipt.error && message.wants !== "receipt") {
        return this.#fail(message, "refused", receipt.error);
      }
      if (this.#remove(message)) message.resolve(receipt);
    });
  }

  async #connect(isOneOfMany: boolean): Promise<GatewayConnection> {
    const { gateway } = this;
    // One that is frozen is silent, too.
    const greets = gateway.foundIn !== undefined ||
      gateway.greeting !== undefined;
    const connection = await this.#dialer.connect(greets, isOneOfMany);
    gateway.remote = connection.remote;
    if (!connection.hasGreeted) gateway.isSilent();
    if (!gateway.isAsTold) {
      connection.cut();
      throw new TriggerError(
        "connection",
        `it is not one of cluster ${gateway.foundIn}, whose gateways tell of it`,
      );
    }
    connection.ended.then((taken) => this.#onEnd(connection, taken));
    this.#logger.debug(`connected to gateway ${this.name}`);
    this.#connection = connection;
    this.#handler.onChange(this);
    return connection;
  }

  #onEnd(connection: GatewayConnection, taken: boolean): void {
    this.#lost(connection);
    this.#handler.onChange(this);
    if (taken || this.#sentOn !== connection) return;
    this.#inDoubt = true;
    this.#logger.warn(
      `the connection to gateway ${this.name} has ended, and whether the gateway has read everything is not known`,
    );
  }

  // A connection has ended: what has got no receipt on it was not taken if the gateway has taken
  // leave. Otherwise it was not if the gateway that is there next is another one: what the one
  // before may have taken is lost with it.
  #lost(connection: GatewayConnection): void {
    const { life, hasTakenLeave } = connection;
    const again: Message[] = [];
    for (const message of this.#queue.sentOn(connection)) {
      const isSafe = hasTakenLeave || message.wants === "answer";
      if (message.ensure === false || this.#closing) {
        if (isSafe) this.#fail(message, "connection", "the gateway has left");
        else this.#doubt(message, "the connection was lost");
        continue;
      }
      if (!isSafe) message.takenBy = life;
      again.push(message);
    }
    this.#queue.sendAgain(again);
    this.#onRoom?.();
    this.#failedAt = performance.now();
    // All at once and in their order, but one that is being written, which fails first; and what is
    // in doubt, until it is seen that nobody answers there.
    if (!this.#writing) {
      for (const message of this.#queue.waiting()) {
        if (message.takenBy !== undefined) continue;
        this.#moves(message, "the connection was lost");
      }
    }
    if (again.length > 0) this.#running ??= this.#run();
  }

  #attemptFailed(error: Error): void {
    this.#lastFailure = error;
    this.#failedAt = performance.now();
    this.#logger.debug(`gateway ${this.name}: ${error.message}`);
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

  // Whether it goes by another gateway.
  #moves(message: Message, why: string): boolean {
    const moves = message.canMove?.(message.takenBy) ?? false;
    if (moves) this.#fail(message, "connection", why);
    return moves;
  }

  #tellRefusal({ message }: Error): void {
    if (this.#refusalTold) return;
    this.#refusalTold = true;
    this.#logger.warn(
      `gateway ${this.name}: ${message}; trying again less and less often, at last every ${
        MAX_REFUSED_DELAY_MS / 1000
      } s`,
    );
  }

  // The time of one attempt is over.
  #expire(message: Message): void {
    const isSent = message.sentOn !== undefined;
    const why = this.connected
      ? isSent ? "the gateway does not answer" : "the gateway does not read"
      : this.#lastFailure?.message ?? "the gateway does not answer";
    const late = `not done within ${message.timeoutMs / 1000} s: ${why}`;
    if (message.wants === "answer") this.#fail(message, "timeout", late);
    else if (message.ensure !== "forever") {
      this.#giveUp(message, "timeout", late);
    } else if (!this.#outageTold) {
      this.#outageTold = true;
      this.#logger.warn(`gateway ${this.name}: ${late}; trying on`);
    }
    // A gateway that is silent for so long is left, where there are others.
    const isLeft = isSent && message.wants !== "answer" &&
      message.canMove?.(undefined);
    if (this.#writing === message || isLeft) this.#connection?.cut();
  }

  // Where the gateway may have taken it that is said instead.
  #giveUp(message: Message, code: TriggerErrorCode, why: string): void {
    const { sentOn, takenBy } = message;
    if (sentOn === undefined && takenBy === undefined) {
      this.#fail(message, code, why);
    } else this.#doubt(message, why);
  }

  // It may have been done, and nobody will know.
  #doubt(message: Message, why: string): void {
    if (message.wants !== "answer") this.#inDoubt = true;
    this.#fail(
      message,
      "unknown",
      `${why}, and its receipt has not come: it may have been done`,
    );
  }

  #fail(message: Message, code: TriggerErrorCode, why: string): void {
    if (!this.#remove(message)) return;
    message.reject(this.#error(code, why));
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
      `Cannot send to gateway ${this.name}: ${why}`,
      { cause: this.#lastFailure },
    );
  }

  // Waits before the next attempt; ends early when the message is given up.
  #pauseFor(message: Message, ms: number): Promise<void> {
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
}
