// GatewayLink: one gateway as a trigger sees it: the messages that wait for it, in their order, and
// its connection.

import {
  gatewayName,
  hello,
  identityOf,
  type Logger,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { TriggerError, type TriggerErrorCode } from "./errors.ts";
import { GatewayConnection } from "./gateway_connection.ts";
import type { Ensure, ResolvedOptions, TriggerGateway } from "./options.ts";

const MAX_RETRY_DELAY_MS = 2000;
const GREETING_MS = 1000;
const CLOSED = "the trigger is closed";
const NOTHING: Uint8Array = new Uint8Array(0);

interface Message {
  readonly frame: Uint8Array;
  readonly ensure: Ensure;
  readonly timer: ReturnType<typeof setInterval>;
  readonly resolve: () => void;
  readonly reject: (error: TriggerError) => void;
}

/** One gateway as a trigger sees it. It connects when something is to be sent. */
export class GatewayLink {
  /** Host and port, for messages. */
  readonly name: string;
  readonly #address: TriggerGateway;
  readonly #options: ResolvedOptions;
  readonly #logger: Logger;
  readonly #hello: Uint8Array;
  readonly #waiting = new Set<Message>();
  #waitingBytes = 0;
  #writing: Message | undefined;
  #running: Promise<void> | undefined;
  #connection: GatewayConnection | undefined;
  #attempt: AbortController | undefined;
  #sentOn: GatewayConnection | undefined;
  #inDoubt = false;
  #outageTold = false;
  #closing: Promise<boolean> | undefined;
  #lastFailure: Error | undefined;
  #pause: { readonly message: Message; readonly end: () => void } | undefined;

  /** @param options Complete and checked. */
  constructor(address: TriggerGateway, options: ResolvedOptions) {
    this.name = gatewayName(address);
    this.#address = address;
    this.#options = options;
    const { name } = options;
    this.#hello = hello(identityOf({ name, version: config.version }));
    this.#logger = options.logger;
  }

  /** Whether there is a connection. */
  get connected(): boolean {
    return this.#connection?.open ?? false;
  }

  /**
   * Resolves when it is connected.
   *
   * @throws {TriggerError} as `send`.
   */
  connect(ensure: Ensure): Promise<void> {
    return this.send(NOTHING, ensure);
  }

  /**
   * Resolves when the whole frame is handed to the gateway's connection, after all that was sent
   * before it.
   *
   * @param ensure false: it fails with the first attempt that fails; true: at its time limit;
   * "forever": when this is closed.
   * @throws {TriggerError} `connection`, `timeout` or `limit`; the frame was not sent whole then.
   */
  send(frame: Uint8Array, ensure: Ensure): Promise<void> {
    if (this.#closing) {
      return Promise.reject(this.#error("closed", CLOSED));
    }
    const { queueBytes, timeoutMs } = this.#options;
    if (this.#waitingBytes + frame.length > queueBytes) {
      return Promise.reject(this.#error(
        "limit",
        `${frame.length} bytes are too many with the ${this.#waitingBytes} that wait already; queueBytes is ${queueBytes}`,
      ));
    }
    this.#waitingBytes += frame.length;
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => this.#expire(message), timeoutMs);
      const message = { frame, ensure, timer, resolve, reject };
      this.#waiting.add(message);
      this.#running ??= this.#run();
    });
  }

  /**
   * Gives up what still waits, ends this side and waits until the gateway has read everything, for
   * up to `timeout`.
   *
   * @returns false when something that was sent may not have been read, on this connection or one
   * before it.
   */
  close(): Promise<boolean> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<boolean> {
    for (const message of this.#waiting) {
      this.#fail(message, "closed", CLOSED);
    }
    this.#attempt?.abort();
    await this.#running;
    const connection = this.#connection;
    if (connection?.open) {
      const timer = setTimeout(() => connection.cut(), this.#options.timeoutMs);
      connection.finish();
      await connection.ended;
      clearTimeout(timer);
    }
    return !this.#inDoubt;
  }

  // Sends what waits. A set can grow and shrink while it is walked: the walk ends when nothing
  // waits any more.
  async #run(): Promise<void> {
    let delay = this.#options.retryDelayMs;
    for (const message of this.#waiting) {
      while (this.#waiting.has(message)) {
        try {
          await this.#write(message);
          this.#lastFailure = undefined;
          this.#outageTold = false;
          delay = this.#options.retryDelayMs;
        } catch (error) {
          this.#attemptFailed(error as Error);
          if (!this.#waiting.has(message)) break;
          await this.#pauseFor(message, delay);
          delay = Math.min(delay * 2, MAX_RETRY_DELAY_MS);
        }
      }
    }
    this.#running = undefined;
  }

  async #write(message: Message): Promise<void> {
    if (!this.#connection?.open) this.#connection = await this.#connect();
    const connection = this.#connection;
    // Its time may have come while the gateway was being reached.
    if (!this.#waiting.has(message)) return;
    const { length } = message.frame;
    if (length > connection.frameBytes) {
      return this.#fail(
        message,
        "limit",
        `${length} bytes are too many: it takes messages of up to ${connection.frameBytes} (its option innerFrameBytes)`,
      );
    }
    this.#writing = message;
    try {
      await connection.write(message.frame);
    } finally {
      this.#writing = undefined;
    }
    if (message.frame.length > 0) this.#sentOn = connection;
    if (this.#remove(message)) message.resolve();
  }

  async #connect(): Promise<GatewayConnection> {
    const attempt = this.#attempt = new AbortController();
    const timer = setTimeout(() => attempt.abort(), this.#options.timeoutMs);
    try {
      const connection = await GatewayConnection.open(this.#address, {
        hello: this.#hello,
        greetingMs: Math.min(GREETING_MS, this.#options.timeoutMs / 2),
        signal: attempt.signal,
      });
      connection.ended.then((taken) => this.#onEnd(connection, taken));
      this.#logger.debug(`connected to gateway ${this.name}`);
      return connection;
    } finally {
      clearTimeout(timer);
      this.#attempt = undefined;
    }
  }

  #onEnd(connection: GatewayConnection, taken: boolean): void {
    if (taken || this.#sentOn !== connection) return;
    this.#inDoubt = true;
    this.#logger.warn(
      `the connection to gateway ${this.name} has ended, and whether the gateway has read everything is not known`,
    );
  }

  #attemptFailed(error: Error): void {
    this.#lastFailure = error;
    this.#logger.debug(`gateway ${this.name}: ${error.message}`);
    for (const message of this.#waiting) {
      if (message.ensure === false || error instanceof TriggerError) {
        this.#fail(message, "connection", error.message);
      }
    }
  }

  // The time of one attempt is over.
  #expire(message: Message): void {
    const why = this.connected
      ? "the gateway does not read"
      : this.#lastFailure?.message ?? "the gateway does not answer";
    const late = `not done within ${this.#options.timeoutMs / 1000} s: ${why}`;
    if (message.ensure !== "forever") this.#fail(message, "timeout", late);
    else if (!this.#outageTold) {
      this.#outageTold = true;
      this.#logger.warn(`gateway ${this.name}: ${late}; trying on`);
    }
    if (this.#writing === message) this.#connection?.cut();
  }

  #fail(message: Message, code: TriggerErrorCode, why: string): void {
    if (!this.#remove(message)) return;
    message.reject(this.#error(code, why));
    if (this.#pause?.message === message) this.#pause.end();
  }

  #remove(message: Message): boolean {
    if (!this.#waiting.delete(message)) return false;
    clearInterval(message.timer);
    this.#waitingBytes -= message.frame.length;
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
