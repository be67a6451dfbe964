// GatewayLinks: the links of a worker to all of its gateways.

import {
  type GatewayHost,
  gatewayName,
  type Logger,
  type PeerSecret,
  type Receipt,
} from "@maple/box/internal";
import { WorkerError } from "./errors.ts";
import type { AskOptions, TaskHandler } from "./gateway_connection.ts";
import { GatewayLink } from "./gateway_link.ts";
import type { GatewayLinkStats } from "./stats.ts";
import type { WaitOptions } from "./task_connection.ts";

/** What {@linkcode GatewayLinks} tell their worker. */
export interface LinksHandler extends Pick<TaskHandler, "onTask"> {
  /** Where the links log. */
  readonly logger: Logger;
  /** A connection to a gateway was made; tasks come when the promise has resolved. */
  onOpen(gateway: string): Promise<void> | undefined;
  /** It has ended; the next one is made when the promise has resolved. */
  onClose(gateway: string): Promise<void> | undefined;
  /** A link has another state; `greeting` are the names of the gateways that are of ours. */
  onState(greeting: string[]): void;
  /** A gateway is not there, or does not let the worker in: one line for each time. */
  onTurnedAway(why: string): void;
}

/** How a worker attaches to its gateways. */
export interface LinksOptions extends AskOptions {
  /** The gateways. */
  readonly gateways: readonly GatewayHost[];
  /** The names of those that are known to be of ours, which greet whom they let in. */
  readonly greeting: ReadonlySet<string>;
  /** What the worker proves itself by, if it does. */
  readonly secret: PeerSecret;
}

/** The links of a worker; none until it starts them. */
export class GatewayLinks {
  #links: readonly GatewayLink[] = [];
  #next = 0;

  /** How many there are. */
  get size(): number {
    return this.#links.length;
  }

  /** How many tasks of all gateways are being worked on. */
  get inHand(): number {
    return this.#links.reduce(
      (sum, link) => sum + (link.connection?.inHand ?? 0),
      0,
    );
  }

  /** Each of them as it is now. */
  stats(): GatewayLinkStats[] {
    return this.#links.map((link) => link.stats());
  }

  /**
   * Connects to all gateways. Resolves when those that can be reached, one at least, have let the
   * worker in.
   */
  start(options: LinksOptions, handler: LinksHandler): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#links = options.gateways.map((gateway) => {
      const greets = options.greeting.has(gatewayName(gateway));
      return new GatewayLink(gateway, { ...options, greets }, {
        logger: handler.logger,
        onTask: handler.onTask,
        onOpen: (link) => handler.onOpen(link.name),
        onClose: (link) => handler.onClose(link.name),
        onState: () => {
          handler.onState(this.#greeting());
          if (this.#isAttached) resolve();
        },
        onTurnedAway: (why) => handler.onTurnedAway(why),
      });
    });
    for (const link of this.#links) link.start();
    return promise;
  }

  /** Leaves all gateways in order. */
  async stop(timeoutMs: number): Promise<void> {
    await Promise.all(this.#links.map((link) => link.stop(timeoutMs)));
  }

  /**
   * Refuses a Task that one of the gateways would not take: then it goes to none.
   *
   * @param bytes Those of the whole Task.
   * @throws {WorkerError} when it is too long.
   */
  checkSize(bytes: number): void {
    for (const { connection } of this.#links) connection?.checkSize(bytes);
  }

  /** Sends a packed Task to all gateways; false when one of them is away. */
  sendToAll(frame: Uint8Array): boolean {
    let sent = 0;
    for (const { connection } of this.#links) {
      if (connection?.send(frame)) sent++;
    }
    return sent === this.#links.length;
  }

  /** Sends a packed Task to one gateway, in turn; false when all of them are away. */
  sendToOne(frame: Uint8Array): boolean {
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[this.#next++ % this.#links.length]!;
      if (link.connection?.send(frame)) return true;
    }
    return false;
  }

  /**
   * Sends a packed Task to all gateways, and what became of it.
   *
   * @returns The receipts of those that are not away, one at least.
   * @throws {WorkerError} by the promise, when all are away, or one does not tell.
   */
  async receiptsOfAll(
    frame: Uint8Array,
    options: WaitOptions,
  ): Promise<Receipt[]> {
    const present = this.#links.filter(({ state }) => state === "attached");
    if (present.length === 0) throw away();
    // Each frame is numbered anew.
    return await Promise.all(
      present.map(({ connection }) =>
        connection!.sendForReceipt(frame.slice(), options)
      ),
    );
  }

  /** The same for one gateway, in turn. */
  async receiptOfOne(
    frame: Uint8Array,
    options: WaitOptions,
  ): Promise<Receipt> {
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[this.#next++ % this.#links.length]!;
      if (link.state !== "attached") continue;
      return await link.connection!.sendForReceipt(frame, options);
    }
    throw away();
  }

  // By all that can be reached, one at least: the workers that this one replaces leave them all.
  get #isAttached(): boolean {
    return this.#links.some(({ state }) => state === "attached") &&
      this.#links.every(({ state }) =>
        state === "attached" || state === "away"
      );
  }

  #greeting(): string[] {
    return this.#links.filter(({ greets }) => greets).map(({ name }) => name);
  }
}

function away(): WorkerError {
  return new WorkerError("Cannot send: no gateway is there");
}
