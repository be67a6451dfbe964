// Cluster: this gateway and the others, as the rest of the gateway sees them.

import type { ListedGateway, Logger } from "@maple/box/internal";
import { fail } from "../errors.ts";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { Bus } from "./bus.ts";
import {
  decodeHello,
  encodeHello,
  type Hello,
  type OwnHello,
} from "./hello.ts";
import { isStamp } from "./login_rows.ts";
import { type Member, Members } from "./members.ts";
import { drawId, type MessageKind } from "./message.ts";
import { Messenger, type MessengerOptions } from "./messenger.ts";
import { decodeClaim, encodeClaim, NodeClaim } from "./node_claim.ts";

/** Takes the messages of one kind; the bytes are its own. */
export type MessageHandler = (body: Uint8Array, from: Member) => void;

/** What {@linkcode Cluster} needs. */
export interface ClusterOptions extends
  Omit<
    MessengerOptions,
    "id" | "node" | "onSign" | "onUnknown" | "onMessage" | "counters"
  > {
  /** What the cluster is called. */
  readonly name: string;
  /** The number that the gateway was given; undefined when it is to find one. */
  readonly nodeId: number | undefined;
  /** Where it logs to. */
  readonly logger: Logger;
  /** What is counted. */
  readonly counters:
    & MessengerOptions["counters"]
    & Pick<GatewayCounters, "clusterLost">;
  /** What the gateway tells of itself. */
  readonly hello: () => OwnHello;
}

const HELLO_MS = 1000;
// Changes that come together are told together.
const LIST_MS = 100;
// A gateway that finds no others takes a number that none of them would choose.
const ALONE_FROM = 2 ** 20;
const ALONE_COUNT = 2 ** 31 - ALONE_FROM;
const EMPTY = new Uint8Array(0);

/** This gateway and the others: who they are, and what they tell each other. */
export class Cluster {
  /** The other gateways. */
  readonly members: Members = new Members();
  /** What this one drew at its start: it tells apart its lives. */
  readonly id: number = drawId();
  /** The highest stamp of a login that was given here or seen. */
  stamp = 0;
  /** How many messages about logins were sent. */
  logins = 0;
  readonly #options: ClusterOptions;
  readonly #messenger: Messenger;
  readonly #claim: NodeClaim;
  readonly #handlers = new Map<MessageKind, MessageHandler>();
  readonly #backListeners: (() => void)[] = [];
  readonly #helloListeners: ((id: number, hello: Hello) => void)[] = [];
  readonly #listListeners: (() => void)[] = [];
  #hasNode = false;
  #hasLeft = false;
  #isBack = false;
  #hasToldUnknown = false;
  #listTold = "";
  #listTimer: ReturnType<typeof setTimeout> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** It is not in the cluster before `join`. */
  constructor(options: ClusterOptions) {
    this.#options = options;
    const { nodeId, counters } = options;
    this.#messenger = new Messenger({
      ...options,
      id: this.id,
      node: ALONE_FROM + Math.floor(Math.random() * ALONE_COUNT),
      onSign: (id) => this.members.seen(id),
      onUnknown: () => this.#tellUnknown(),
      onMessage: (head, body) => {
        this.#handlers.get(head.kind)?.(body, this.members.sender(head));
      },
    });
    this.#claim = new NodeClaim({
      id: this.id,
      given: nodeId,
      members: this.members,
      claim: (node, to) => {
        const body = encodeClaim(node);
        if (to === undefined) this.publish("claim", body);
        else this.send(to, "claim", body);
      },
    });
    this.members.onChange((member, change) => {
      if (change === "came") this.#greet(member);
      if (change === "lost") counters.clusterLost++;
      if (change === "left" || change === "lost") {
        this.#messenger.forget(member.id);
      }
      this.#listChanges();
    });
    this.on("hello", (body, from) => {
      const hello = decodeHello(body);
      if (isStamp(hello.stamp)) this.stamp = Math.max(this.stamp, hello.stamp);
      this.members.heard(from, hello);
      for (const listener of this.#helloListeners) listener(from.id, hello);
    });
    this.on("bye", (_, { id }) => this.members.left(id));
    this.on("claim", (body, from) => {
      if (this.#hasNode) this.send(from.node, "hello", this.#hello());
      else this.#claim.heard(from, decodeClaim(body));
    });
  }

  /** What it is called. */
  get name(): string {
    return this.#options.name;
  }

  /** The number of this gateway in every task. */
  get node(): number {
    return this.#messenger.node;
  }

  /** Whether it is in: it has its number. */
  get hasJoined(): boolean {
    return this.#hasNode;
  }

  /** What carries the messages. */
  get bus(): Bus {
    return this.#options.bus;
  }

  /** Whether the bus is away: then this gateway serves its own clients, and hears of no others. */
  get isAlone(): boolean {
    return !this.#options.bus.isUp;
  }

  /** The gateways that workers and triggers can come to, as greetings list them; itself as well. */
  get listed(): ListedGateway[] {
    const own = { ...this.#options.hello(), node: this.node };
    return [own, ...this.members.all()].flatMap(({ node, inner, state }) =>
      state === "starting" || inner === "" ? [] : [{ node, inner, state }]
    );
  }

  /**
   * Connects the bus and finds the number of this gateway, which tells the others of itself from
   * then on.
   *
   * @returns The number.
   * @throws {GatewayError} with one line, when another one has the number that was given, or the
   * bus cannot be used as it was told.
   */
  async join(): Promise<number> {
    const { bus, nodeId, name, logger } = this.#options;
    try {
      await bus.open({
        onMessage: (message) => this.#messenger.receive(message),
        onState: (isUp, why) => this.#onState(isUp, why),
        onGone: (node) => this.members.gone(node),
      });
    } catch (cause) {
      throw fail((cause as Error).message);
    }
    bus.listenAs(this.node);
    let { node } = bus;
    if (bus.isUp && node === undefined) node = await this.#claim.take();
    if (bus.isUp && node === undefined && nodeId !== undefined) {
      await bus.close();
      throw fail(this.#refusal(nodeId));
    }
    if (this.#hasLeft) throw fail("Cannot join the cluster: closed meanwhile");
    this.#messenger.node = node ?? nodeId ?? this.node;
    this.#hasNode = true;
    bus.listenAs(this.node);
    // Who was given its number by the bus has asked nobody.
    const others = bus.node === undefined
      ? `, others there: ${this.members.size}`
      : "";
    logger.info(
      `node ${this.node} of cluster ${name}${
        this.isAlone ? ", alone" : others
      }`,
    );
    this.tell();
    this.#timer = setInterval(() => this.#tick(), HELLO_MS);
    return this.node;
  }

  /** Tells the others at once how this gateway is, as it has changed. */
  tell(): void {
    if (!this.#hasNode) return;
    // That nobody hears it is told as what it is, and not as so many messages that were lost.
    if (!this.isAlone) this.publish("hello", this.#hello());
    this.#listChanges();
  }

  /**
   * Sends a message to all other gateways; nobody waits for them.
   *
   * @returns Whether the bus carries it.
   */
  publish(kind: MessageKind, body: Uint8Array): boolean {
    return this.#messenger.publish(kind, body);
  }

  /** The same, to one of them. */
  send(node: number, kind: MessageKind, body: Uint8Array): boolean {
    return this.#messenger.send(node, kind, body);
  }

  /** Calls the handler with each message of a kind; there is one handler of each. */
  on(kind: MessageKind, handler: MessageHandler): void {
    this.#handlers.set(kind, handler);
  }

  /**
   * Calls the listener when others may have missed what this gateway told of its logins: the bus is
   * back, or a member is that has clients.
   */
  onBack(listener: () => void): void {
    this.#backListeners.push(listener);
  }

  /** Calls the listener with what a gateway tells of itself, and its id. */
  onHello(listener: (id: number, hello: Hello) => void): void {
    this.#helloListeners.push(listener);
  }

  /** Calls the listener when `listed` or `isAlone` has changed, soon after that. */
  onList(listener: () => void): void {
    this.#listListeners.push(listener);
  }

  /** Tells the others that this gateway is gone, and disconnects. May be called twice. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#listTimer);
    this.#hasLeft = true;
    if (this.#hasNode) this.publish("bye", EMPTY);
    this.#hasNode = false;
    await this.#options.bus.close();
    this.#messenger.close();
  }

  #hello(): Uint8Array {
    const { stamp, logins } = this;
    return encodeHello({ ...this.#options.hello(), stamp, logins });
  }

  #tick(): void {
    this.tell();
    // Whom it cannot hear is not gone.
    if (!this.isAlone) this.members.age();
    if (!this.#isBack || this.isAlone) return;
    this.#isBack = false;
    for (const listener of this.#backListeners) listener();
  }

  #onState(isUp: boolean, why: string): void {
    const { logger, name } = this.#options;
    if (isUp) {
      logger.info(`cluster ${name}: the bus is there (${why})`);
      this.#isBack = true;
      this.tell();
    } else {
      logger.warn(
        `cluster ${name}: alone, the bus is away (${why}); clients are served, and do not reach those of other gateways`,
      );
      this.#listChanges();
    }
  }

  #listChanges(): void {
    if (!this.#hasNode) return;
    this.#listTimer ??= setTimeout(() => {
      this.#listTimer = undefined;
      const list = JSON.stringify([this.isAlone, this.listed]);
      if (list === this.#listTold) return;
      this.#listTold = list;
      for (const listener of this.#listListeners) listener();
    }, LIST_MS);
  }

  // Gateways that do not understand each other do not know of each other either.
  #tellUnknown(): void {
    if (this.#hasToldUnknown) return;
    this.#hasToldUnknown = true;
    const { logger, name } = this.#options;
    logger.warn(
      `cluster ${name}: messages of another version come over the bus: its gateways and this one do not know each other and need different names (clusterName); this is told once, and counted`,
    );
  }

  // One that is new here is told at once of this one, and may have missed what was told before.
  #greet(member: Member): void {
    if (!this.#hasNode) return;
    this.send(member.node, "hello", this.#hello());
    if (member.clients > 0) this.#isBack = true;
    const { node, state, inner } = member;
    if (node !== this.node || state === "draining") return;
    this.#options.logger.error(
      `cluster ${this.name}: the gateway at ${
        inner || "an address that it has not told yet"
      } has node id ${node} as well: one of the two has to be started again with another (nodeId)`,
    );
  }

  #refusal(nodeId: number): string {
    const owner = this.members.get(nodeId);
    return `Option nodeId is ${nodeId}, which ${
      owner?.inner ? `the gateway at ${owner.inner}` : "another gateway"
    } of cluster ${this.name} has: give another one, or none, and a free one is taken`;
  }
}
