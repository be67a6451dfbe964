// GatewayLinks: the links of a worker to its gateways: to those that it is told, for ever, and to
// those that the gateways of a cluster tell of, while they are there.

import {
  type GatewayHost,
  gatewayName,
  type Greeting,
  LISTED_MAX,
  type ListedGateway,
  type Logger,
  parseInner,
  type PeerSecret,
} from "@maple/box/internal";
import type { AskOptions, TaskHandler } from "./gateway_connection.ts";
import { GatewayLink, type Rest } from "./gateway_link.ts";
import { decodeNote, encodeNote, type FoundGateway } from "./links_note.ts";
import { endsOf, listedBy } from "./listed.ts";
import { Reach } from "./reach.ts";
import type { GatewayLinkStats } from "./stats.ts";
import type { TaskConnection } from "./task_connection.ts";

/** What {@linkcode GatewayLinks} tell their worker. */
export interface LinksHandler extends Pick<TaskHandler, "onTask"> {
  /** Where the links log. */
  readonly logger: Logger;
  /** A connection to a gateway was made; tasks come when the promise has resolved. */
  onOpen(gateway: string): Promise<void> | undefined;
  /** It has ended; the next one is made when the promise has resolved. */
  onClose(gateway: string): Promise<void> | undefined;
  /** Those that come after this process should know this. */
  onNote(note: string): void;
  /** A gateway is not there, or does not let the worker in: one line for each time. */
  onTurnedAway(why: string): void;
}

/** How a worker attaches to its gateways. */
export interface LinksOptions extends AskOptions {
  /** The gateways that it is told. */
  readonly gateways: readonly GatewayHost[];
  /** What a process before this one has left. */
  readonly note: string | undefined;
  /** What the worker proves itself by, if it does. */
  readonly secret: PeerSecret;
}

// When one is looked at again that is not what others tell of it.
const STRANGER_MS = 30_000;
// For tasks of a gateway that is left while the worker works on.
const LEAVE_MS = 10_000;

/** The links of a worker; none until it starts them. */
export class GatewayLinks {
  #links: GatewayLink[] = [];
  #options: LinksOptions | undefined;
  #handler: LinksHandler | undefined;
  #reach: Reach | undefined;
  #isReachOld = true;
  #note = "";
  // The list that was told last.
  #list: { text: string; list: readonly ListedGateway[] } = {
    text: "[]",
    list: [],
  };
  #onSettled: (() => void) | undefined;
  #stopped = false;
  readonly #leaving = new Set<Promise<void>>();

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

  /** Each of them as it is now, a gateway once. */
  stats(): GatewayLinkStats[] {
    return this.#links.filter(({ state }) => state !== "resting")
      .map((link) => link.stats());
  }

  /**
   * Connects to all gateways. Resolves when those that can be reached, one at least, have let the
   * worker in.
   */
  start(options: LinksOptions, handler: LinksHandler): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { greeting, found } = decodeNote(options.note);
    this.#options = options;
    this.#handler = handler;
    this.#onSettled = resolve;
    options.gateways.forEach((gateway, seed) => {
      const greets = greeting.includes(gatewayName(gateway));
      this.#add(gateway, { seed, greets });
    });
    for (const one of found) this.#find(one);
    return promise;
  }

  /** Leaves all gateways in order. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#links.map((link) => link.stop(timeoutMs)));
    await Promise.all(this.#leaving);
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

  /** Where commands go at present. */
  get reach(): Reach {
    if (this.#isReachOld) {
      this.#reach = new Reach(this.#links, this.#reach);
      this.#isReachOld = false;
    }
    return this.#reach!;
  }

  #find({ inner, cluster, seed }: FoundGateway): void {
    const at = parseInner(inner);
    const { tls } = this.#options!.gateways[seed] ?? {};
    if (!at || this.#links.some(({ name }) => name === gatewayName(at))) return;
    const options = { seed, foundIn: cluster, greets: true };
    this.#add({ ...at, ...(tls && { tls }) }, options);
  }

  #add(
    gateway: GatewayHost,
    options: { seed: number; foundIn?: string; greets: boolean },
  ): void {
    const { logger, onTask, onOpen, onClose, onTurnedAway } = this.#handler!;
    const link = new GatewayLink(gateway, { ...this.#options!, ...options }, {
      logger,
      onTask,
      onOpen: ({ name }) => onOpen(name),
      onClose: ({ name }) => onClose(name),
      onGreeting: (link, greeting) => this.#onGreeting(link, greeting),
      onState: () => this.#onState(),
      elsewhere: (greeting) => this.#elsewhere(greeting),
      onTurnedAway,
    });
    this.#links.push(link);
    link.start();
  }

  // A gateway may be known by several addresses, and what others tell of it may be wrong.
  #onGreeting(link: GatewayLink, greeting: Greeting): Rest | undefined {
    const { gateway } = link;
    const { foundIn, isAsTold, list } = gateway;
    // What many gateways tell is looked at once.
    const text = JSON.stringify(list);
    if (text !== this.#list.text) this.#list = { text, list };
    gateway.list = this.#list.list;
    if (!isAsTold) {
      const why =
        `it is not one of cluster ${foundIn}, whose gateways tell of it`;
      return { why, ms: STRANGER_MS };
    }
    if (greeting.cluster === undefined) return undefined;
    const same = this.#links.find((other) =>
      other !== link && other.isAttached && other.gateway.is(greeting)
    );
    if (!same) return undefined;
    return { why: `it is gateway ${same.name}`, ms: undefined };
  }

  #onState(): void {
    this.#isReachOld = true;
    if (this.#stopped) return;
    this.#attachToNew();
    this.#leaveGone();
    this.#wake();
    this.#leaveNote();
    if (this.#isSettled) this.#onSettled!();
  }

  // Those that the gateways of a cluster tell of.
  #attachToNew(): void {
    const seen = new Set<unknown>();
    for (const { cluster, seed, listed } of [...this.#links]) {
      if (cluster === undefined || seen.has(listed)) continue;
      seen.add(listed);
      const isThere = endsOf(
        this.#links.filter((link) => (link.cluster ?? cluster) === cluster),
      );
      for (const gateway of listed) {
        if (isThere(gateway) || this.#links.length >= LISTED_MAX) continue;
        const { inner } = gateway;
        this.#handler!.logger.info(
          `gateway ${inner} is one of cluster ${cluster}`,
        );
        this.#find({ inner, cluster, seed });
      }
    }
  }

  // Those found that no gateway tells of any more, while one of them would know.
  #leaveGone(): void {
    const found = this.#links.filter(({ gateway, connection }) =>
      gateway.foundIn !== undefined && !connection
    );
    for (const link of found) {
      const { name, cluster } = link;
      const there = this.#links.filter((other) =>
        other.isAttached && other.cluster === cluster
      );
      const isKnowing = there.some(({ gateway }) => !gateway.isAlone);
      if (!isKnowing || listedBy(there).has(name)) continue;
      this.#handler!.logger.info(`gateway ${name} is gone from its cluster`);
      this.#leave(link);
    }
  }

  #leave(link: GatewayLink): void {
    this.#links = this.#links.filter((other) => other !== link);
    const leaving = link.stop(LEAVE_MS).then(() => {
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
  }

  // Gateways that the worker is told, and knew by another address.
  #wake(): void {
    for (const link of this.#links) {
      const { greeting } = link.gateway;
      if (link.state !== "resting" || !greeting) continue;
      const isThere = this.#links.some(({ isAttached, gateway }) =>
        isAttached && gateway.is(greeting)
      );
      if (!isThere && link.gateway.isAsTold) link.wake();
    }
  }

  #leaveNote(): void {
    const known = this.#links.filter(({ greets }) => greets);
    const found = this.#links.flatMap(({ name, seed, gateway: { foundIn } }) =>
      foundIn === undefined ? [] : [{ inner: name, cluster: foundIn, seed }]
    );
    const greeting = known.filter(({ gateway }) => !gateway.foundIn)
      .map(({ name }) => name);
    const note = encodeNote({ greeting, found });
    if (note === this.#note) return;
    this.#note = note;
    this.#handler!.onNote(note);
  }

  // Where what is about a client of this gateway can go.
  #elsewhere(greeting: Greeting): TaskConnection | undefined {
    const attached = this.#links.filter(({ isAttached }) => isAttached);
    const own = attached.find(({ gateway }) => gateway.is(greeting));
    if (own || greeting.cluster === undefined) return own?.connection;
    return attached.find(({ cluster, gateway }) =>
      cluster === greeting.cluster && !gateway.isAlone
    )?.connection;
  }

  // By all that can be reached, one at least: the workers that this one replaces leave them all.
  get #isSettled(): boolean {
    return this.#links.some(({ isAttached }) => isAttached) &&
      this.#links.every(({ state }) =>
        state === "attached" || state === "away" || state === "resting"
      );
  }
}
