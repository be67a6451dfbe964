// GatewayDialer: makes the connections to one gateway, less often while a secret is refused.

import {
  CHALLENGE_MS,
  type Greeting,
  hello,
  identityOf,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { GatewayConnection, SecretRefusal } from "./gateway_connection.ts";
import type { ResolvedOptions, TriggerGateway } from "./options.ts";

// A gateway that refuses the trigger, or is refused, for its secret is asked less and less often.
const REFUSED_DELAY_MS = 1000;
/** Milliseconds between two attempts at last, while a secret is refused. */
export const MAX_REFUSED_DELAY_MS = 30_000;
const GREETING_MS = 1000;
// Where another gateway may be asked instead: one that is frozen is connected with, and says
// nothing.
const DIAL_MS = 2000;
// Of the time of one attempt, so that its end is told as what it is.
const CHALLENGE_SHARE = 0.8;

/** Makes the connections to one gateway. */
export class GatewayDialer {
  readonly #address: TriggerGateway;
  readonly #options: ResolvedOptions;
  readonly #hello: Uint8Array;
  readonly #onGreeting: (greeting: Greeting) => void;
  #attempt: AbortController | undefined;
  // While a secret is refused: why, until when no attempt is made, and how long the last pause was.
  #refusal: SecretRefusal | undefined;
  #refusedUntil = 0;
  #pauseMs = 0;

  /**
   * @param options Complete and checked.
   * @param onGreeting What a gateway says of itself goes there.
   */
  constructor(
    address: TriggerGateway,
    options: ResolvedOptions,
    onGreeting: (greeting: Greeting) => void,
  ) {
    this.#address = address;
    this.#options = options;
    this.#onGreeting = onGreeting;
    const { name } = options;
    const { version } = config;
    this.#hello = hello(identityOf({ name, version, receipts: true }));
  }

  /** Milliseconds for which no attempt is made; 0 or less = none. */
  get refusedMs(): number {
    return this.#refusedUntil - performance.now();
  }

  /**
   * Makes one attempt, for up to the time of one.
   *
   * @param greets Whether the gateway is known to greet whom it lets in.
   * @param isOneOfMany Whether another one may be asked instead: then it has 2 s at most.
   * @throws {Error} why it has failed; see {@linkcode GatewayConnection.open}.
   */
  async connect(
    greets: boolean,
    isOneOfMany: boolean,
  ): Promise<GatewayConnection> {
    if (this.#refusal && this.refusedMs > 0) throw this.#refusal;
    try {
      const connection = await this.#attemptToConnect(greets, isOneOfMany);
      this.#refusal = undefined;
      this.#pauseMs = 0;
      return connection;
    } catch (error) {
      if (error instanceof SecretRefusal) this.#onRefusal(error);
      throw error;
    }
  }

  /** Ends an attempt that is under way. */
  abort(): void {
    this.#attempt?.abort();
  }

  #onRefusal(refusal: SecretRefusal): void {
    this.#refusal = refusal;
    this.#pauseMs = Math.min(
      Math.max(REFUSED_DELAY_MS, 2 * this.#pauseMs),
      MAX_REFUSED_DELAY_MS,
    );
    this.#refusedUntil = performance.now() + this.#pauseMs;
  }

  async #attemptToConnect(
    greets: boolean,
    isOneOfMany: boolean,
  ): Promise<GatewayConnection> {
    const attempt = this.#attempt = new AbortController();
    const { timeoutMs, secret, logger } = this.#options;
    const timer = setTimeout(
      () => attempt.abort(),
      isOneOfMany ? Math.min(DIAL_MS, timeoutMs) : timeoutMs,
    );
    try {
      return await GatewayConnection.open(this.#address, {
        hello: this.#hello,
        greetingMs: greets ? undefined : Math.min(GREETING_MS, timeoutMs / 2),
        secret: secret.renew((why) => logger.warn(why)),
        challengeMs: Math.min(CHALLENGE_MS, CHALLENGE_SHARE * timeoutMs),
        signal: attempt.signal,
        onGreeting: this.#onGreeting,
      });
    } finally {
      clearTimeout(timer);
      this.#attempt = undefined;
    }
  }
}
