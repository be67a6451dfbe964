// GatewayLink: one gateway as a trigger sees it: its connection, and the sending of what waits in
// its outbox.

import {
  gatewayName,
  type Greeting,
  KnownGateway,
  type ListedGateway,
  type Logger,
  queryTask,
  type Receipt,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import type { GatewayConnection } from "./gateway_connection.ts";
import { GatewayDialer } from "./gateway_dialer.ts";
import { isWatchedOn, type Message, whyNot } from "./message.ts";
import type { Ensure, ResolvedOptions, TriggerGateway } from "./options.ts";
import { Outbox, type OutboxSendOptions } from "./outbox.ts";

const MAX_RETRY_DELAY_MS = 2000;
const NOTHING: Uint8Array = new Uint8Array(0);
// For so long one that could not be reached is not the first to be tried.
const AWAY_MS = 1000;
const NONE: readonly ListedGateway[] = [];

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
  readonly #outbox: Outbox;
  #running: Promise<void> | undefined;
  #connection: GatewayConnection | undefined;
  #closing: Promise<boolean> | undefined;
  #failedAt = -Infinity;

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
    this.#outbox = new Outbox(this, options);
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
    return this.#outbox.silentMs;
  }

  /** Ends the connection; what has got no receipt on it is in doubt then. */
  cut(): void {
    this.#connection?.cut();
  }

  /** Whether nothing waits to be sent, nor for a receipt. */
  get isIdle(): boolean {
    return this.#running === undefined && !this.#outbox.awaitsReceipts;
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
    options: OutboxSendOptions,
  ): Promise<Receipt | undefined> {
    const done = this.#outbox.send(frame, options);
    this.#wake();
    return done;
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
    this.#outbox.close();
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
    return !this.#outbox.isInDoubt;
  }

  // Of what was sent without a receipt: a gateway that answers a question has taken all before it.
  async #lastReceipt(connection: GatewayConnection): Promise<void> {
    if (!connection.givesReceipts) return;
    if (!this.#outbox.isUnconfirmedOn(connection)) return;
    const question = queryTask({ uids: [0] }).pack();
    const answered = new Promise<void>((resolve) => {
      connection.receipts.expect(question, () => {
        this.#outbox.allConfirmed();
        resolve();
      });
    });
    await connection.write(question).catch(() => {});
    await Promise.race([answered, connection.ended]);
  }

  // Sends what waits.
  async #run(): Promise<void> {
    let delay = this.#options.retryDelayMs;
    for (let message; (message = this.#outbox.first);) {
      try {
        await this.#write(message);
        this.#outbox.attemptDone();
        delay = this.#options.retryDelayMs;
      } catch (error) {
        const failure = error as Error;
        this.#failedAt = performance.now();
        this.#logger.debug(`gateway ${this.name}: ${failure.message}`);
        this.#outbox.attemptFailed(failure);
        if (message.isOver) continue;
        const pause = Math.max(delay, this.#dialer.refusedMs);
        await this.#outbox.overWithin(message, pause);
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
    if (why) return this.#outbox.fail(message, ...why);
    if (message.takenBy !== undefined && message.takenBy === connection.life) {
      return this.#outbox.doubt(message, "the connection was lost");
    }
    // What is behind it waits until there is room for it.
    while (this.#outbox.isFull) {
      await this.#outbox.changed();
      if (!connection.open || message.isOver) return;
    }
    const isWatched = isWatchedOn(connection, message);
    await this.#outbox.write(message, connection, isWatched);
    // It may have ended in the very moment.
    if (isWatched && !connection.open) this.#lost(connection);
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
    if (!this.#outbox.ended(connection, taken)) return;
    this.#logger.warn(
      `the connection to gateway ${this.name} has ended, and whether the gateway has read everything is not known`,
    );
  }

  // What waits there goes by another gateway, or waits for this one.
  #lost(connection: GatewayConnection): void {
    this.#failedAt = performance.now();
    this.#outbox.lost(connection);
    this.#wake();
  }

  #wake(): void {
    if (this.#outbox.first) this.#running ??= this.#run();
  }
}
