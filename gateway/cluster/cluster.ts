// Cluster: this gateway and the others, as the rest of the gateway sees them.

import type { Logger } from "@maple/box/internal";
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
import {
  decodeHead,
  drawId,
  HEAD_BYTES,
  type MessageHead,
  type MessageKind,
  PIECES_MAX,
  piecesOf,
} from "./message.ts";
import { NodeClaim } from "./node_claim.ts";
import { Pieces } from "./pieces.ts";

/** Takes the messages of one kind; the bytes are its own. */
export type MessageHandler = (body: Uint8Array, from: Member) => void;

/** What {@linkcode Cluster} needs. */
export interface ClusterOptions {
  /** What the cluster is called. */
  readonly name: string;
  /** What carries the messages. */
  readonly bus: Bus;
  /** The number that the gateway was given; undefined when it is to find one. */
  readonly nodeId: number | undefined;
  /** Bytes of the longest body. */
  readonly messageBytes: number;
  /** Bytes of what has come and is not whole yet. */
  readonly totalBytes: number;
  /** Where it logs to. */
  readonly logger: Logger;
  /** What is counted. */
  readonly counters: Pick<
    GatewayCounters,
    "clusterPassedOn" | "clusterReceived" | "clusterDropped" | "clusterLost"
  >;
  /** What the gateway tells of itself. */
  readonly hello: () => OwnHello;
}

const HELLO_MS = 1000;
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
  readonly #handlers = new Map<MessageKind, MessageHandler>();
  readonly #backListeners: (() => void)[] = [];
  readonly #helloListeners: ((id: number, hello: Hello) => void)[] = [];
  readonly #pieces: Pieces;
  readonly #claim: NodeClaim;
  #node: number;
  #number = 0;
  #hasNode = false;
  #isBack = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** It is not in the cluster before `join`. */
  constructor(options: ClusterOptions) {
    this.#options = options;
    const { messageBytes, totalBytes, counters, nodeId } = options;
    this.#node = ALONE_FROM + Math.floor(Math.random() * ALONE_COUNT);
    this.#pieces = new Pieces({
      messageBytes,
      totalBytes,
      onDropped: (cause) => counters.clusterDropped[cause]++,
    });
    this.#claim = new NodeClaim({
      id: this.id,
      given: nodeId,
      members: this.members,
      claim: (node, to) => {
        const body = json({ node: node ?? null });
        if (to === undefined) this.publish("claim", body);
        else this.send(to, "claim", body);
      },
    });
    this.members.onChange((member, change) => {
      if (change === "came") this.#greet(member);
      if (change === "lost") counters.clusterLost++;
      if (change === "left" || change === "lost") {
        this.#pieces.forget(member.id);
      }
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
      else this.#claim.heard(from, claimedBy(body));
    });
  }

  /** What it is called. */
  get name(): string {
    return this.#options.name;
  }

  /** The number of this gateway in every task. */
  get node(): number {
    return this.#node;
  }

  /** What carries the messages. */
  get bus(): Bus {
    return this.#options.bus;
  }

  /** Whether the bus is away: then this gateway serves its own clients, and no others are known. */
  get isAlone(): boolean {
    return !this.#options.bus.isUp;
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
        onMessage: (message) => this.#receive(message),
        onState: (isUp, why) => this.#onState(isUp, why),
        onGone: (node) => this.members.gone(node),
      });
    } catch (cause) {
      throw fail((cause as Error).message);
    }
    bus.listenAs(this.#node);
    let { node } = bus;
    if (bus.isUp && node === undefined) node = await this.#claim.take();
    if (bus.isUp && node === undefined && nodeId !== undefined) {
      await bus.close();
      throw fail(this.#refusal());
    }
    this.#node = node ?? nodeId ?? this.#node;
    this.#hasNode = true;
    bus.listenAs(this.#node);
    logger.info(
      `node ${this.#node} of cluster ${name}, ${
        this.isAlone
          ? "alone: the bus is away"
          : `with ${this.members.size} others`
      }`,
    );
    this.tell();
    this.#timer = setInterval(() => this.#tick(), HELLO_MS);
    return this.#node;
  }

  /** Tells the others at once how this gateway is, as it has changed. */
  tell(): void {
    if (this.#hasNode) this.publish("hello", this.#hello());
  }

  /**
   * Sends a message to all other gateways; nobody waits for them.
   *
   * @returns Whether the bus carries it.
   */
  publish(kind: MessageKind, body: Uint8Array): boolean {
    const { bus } = this.#options;
    return this.#emit(kind, body, (message) => bus.publish(message));
  }

  /** The same, to one of them. */
  send(node: number, kind: MessageKind, body: Uint8Array): boolean {
    const { bus } = this.#options;
    return this.#emit(kind, body, (message) => bus.send(node, message));
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

  /** Tells the others that this gateway is gone, and disconnects. May be called twice. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#hasNode) this.publish("bye", EMPTY);
    this.#hasNode = false;
    await this.#options.bus.close();
  }

  #hello(): Uint8Array {
    const { stamp, logins } = this;
    return encodeHello({ ...this.#options.hello(), stamp, logins });
  }

  #emit(
    kind: MessageKind,
    body: Uint8Array,
    carry: (message: Uint8Array) => boolean,
  ): boolean {
    const { bus, counters, messageBytes } = this.#options;
    const { maxBytes } = bus;
    const longest = Math.min(
      messageBytes,
      (maxBytes - HEAD_BYTES) * PIECES_MAX,
    );
    if (body.length > longest) return false;
    this.#number = (this.#number + 1) | 0;
    const head = { kind, node: this.#node, id: this.id, number: this.#number };
    for (const message of piecesOf(head, body, maxBytes)) {
      if (!carry(message)) return false;
    }
    counters.clusterPassedOn++;
    return true;
  }

  #receive(message: Uint8Array): void {
    const { counters } = this.#options;
    const head = decodeHead(message);
    if (!head) {
      counters.clusterDropped.unknown++;
      return;
    }
    if (head.id === this.id) return;
    const body = this.#pieces.add(head, message.subarray(HEAD_BYTES));
    if (body) this.#handle(head, body);
  }

  #handle(head: MessageHead, body: Uint8Array): void {
    this.#options.counters.clusterReceived++;
    this.#handlers.get(head.kind)?.(body, this.members.sender(head));
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
        `cluster ${name}: alone, the bus is away (${why}); clients are served, but do not reach those of other gateways`,
      );
    }
  }

  // One that is new here is told at once of this one, and may have missed what was told before.
  #greet(member: Member): void {
    if (this.#hasNode) this.send(member.node, "hello", this.#hello());
    if (member.clients > 0) this.#isBack = true;
    const { node, state } = member;
    if (!this.#hasNode || node !== this.#node || state === "draining") return;
    this.#options.logger.error(
      `cluster ${this.name}: another gateway (${
        member.inner || "its address is not known yet"
      }) has node id ${node} as well: one of them has to be started again with another`,
    );
  }

  #refusal(): string {
    const { nodeId, name } = this.#options;
    const owner = nodeId === undefined ? undefined : this.members.get(nodeId);
    return `Option nodeId is ${nodeId}, which ${
      owner?.inner ? `the gateway at ${owner.inner}` : "another gateway"
    } of cluster ${name} has: give another one, or none, and a free one is taken`;
  }
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function claimedBy(body: Uint8Array): number | undefined {
  try {
    const { node } = JSON.parse(new TextDecoder().decode(body));
    return Number.isSafeInteger(node) ? node : undefined;
  } catch {
    return undefined;
  }
}
