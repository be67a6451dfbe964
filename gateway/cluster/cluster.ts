// Cluster: this gateway and the others, as the rest of the gateway sees them.

import type { ListedGateway, Logger } from "@maple/box/internal";
import { fail } from "../errors.ts";
import type { GatewayCounters } from "../metrics/counters.ts";
import type { Bus, NotCarried } from "./bus.ts";
import {
  decodeHello,
  encodeHello,
  type Hello,
  type OwnHello,
} from "./hello.ts";
import { isStamp } from "./login_rows.ts";
import { type KnownPiece, type Member, Members } from "./members.ts";
import { drawId, type MessageKind } from "./message.ts";
import {
  Messenger,
  type MessengerOptions,
  type MessengerPiece,
} from "./messenger.ts";
import { decodeClaim, encodeClaim, NodeClaim } from "./node_claim.ts";
import type { PiecePiece } from "./pieces.ts";
import { Reception } from "./reception.ts";
import type { Mark } from "./standby.ts";
import { ToldList } from "./told_list.ts";

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

/** What of a gateway in a cluster goes to the process that takes its place. */
export interface ClusterPiece extends MessengerPiece {
  /** What its first process drew at its start. */
  readonly id: number;
  /** When that was, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The highest stamp of a login. */
  readonly stamp: number;
  /** How many messages about logins were sent. */
  readonly logins: number;
  /** The others. */
  readonly members: readonly KnownPiece[];
  /** Whether the bus was there. */
  readonly isUp: boolean;
  /** Whether the others may have missed some of its logins. */
  readonly isBack: boolean;
  /** What workers and triggers were told last. */
  readonly listTold: string;
  /** Messages that were not carried. */
  readonly notCarried: NotCarried;
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
  /**
   * What this one drew at its start, or the one before whose place it has taken: it tells apart its
   * lives.
   */
  id: number = drawId();
  /** When it was started, in milliseconds since 1970; likewise. */
  startedAt: number = Math.round(performance.timeOrigin);
  /** The highest stamp of a login that was given here or seen. */
  stamp = 0;
  /** How many messages about logins were sent. */
  logins = 0;
  readonly #options: ClusterOptions;
  readonly #messenger: Messenger;
  readonly #reception: Reception;
  readonly #claim: NodeClaim;
  readonly #list: ToldList = new ToldList(() => [this.isAlone, this.listed]);
  readonly #handlers = new Map<MessageKind, MessageHandler>();
  readonly #backListeners: (() => void)[] = [];
  readonly #helloListeners: ((id: number, hello: Hello) => void)[] = [];
  #notCarried: NotCarried = { away: 0, full: 0, late: 0, cut: 0 };
  #hasNode = false;
  #hasLeft = false;
  #isBack = false;
  #hasToldUnknown = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** It is not in the cluster before `join`. */
  constructor(options: ClusterOptions) {
    this.#options = options;
    const { nodeId, counters } = options;
    this.#messenger = new Messenger({
      ...options,
      id: () => this.id,
      node: ALONE_FROM + Math.floor(Math.random() * ALONE_COUNT),
      onSign: (id) => this.members.seen(id),
      onUnknown: () => this.#tellUnknown(),
      onMessage: (head, body) => {
        this.#handlers.get(head.kind)?.(body, this.members.sender(head));
      },
    });
    this.#reception = new Reception({
      onMessage: (message) => this.#messenger.receive(message),
      onState: (isUp, why) => this.#onState(isUp, why),
      onGone: (node) => this.members.gone(node),
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

  /** The number that it was told to have; undefined where it is to find one. */
  get givenNode(): number | undefined {
    return this.#options.nodeId;
  }

  /** Messages that were not carried, by cause; those of the processes before as well. */
  get notCarried(): NotCarried {
    const { away, full, late, cut } = this.#options.bus.notCarried;
    const before = this.#notCarried;
    return {
      away: away + before.away,
      full: full + before.full + this.#messenger.notHeld,
      late: late + before.late,
      cut: cut + before.cut,
    };
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
      await bus.open(this.#reception);
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
    this.#begin();
    return this.node;
  }

  /**
   * Connects the bus as the one that has this node: what it brings is kept until `takeOver`.
   * Nothing is told to anybody.
   *
   * @throws {GatewayError} with one line, when the bus cannot be used as it was told.
   */
  async stand(node: number): Promise<void> {
    const { bus, bytesMax } = this.#options;
    this.#reception.keep(bytesMax);
    bus.listenAs(node);
    try {
      await bus.open(this.#reception);
    } catch (cause) {
      throw fail((cause as Error).message);
    }
    bus.listenAs(node);
    if (bus.isUp) this.#reception.onState(true, "");
  }

  /** Where what is kept begins, of each gateway of which something has come. */
  get firsts(): Mark[] {
    return this.#reception.firsts;
  }

  /**
   * How many of the others send what may come neither to this process nor to the one that is about
   * to take its place: to that one only what comes after its `firsts`.
   *
   * @returns undefined = all, since the bus does not reach it.
   */
  lacking(firsts: readonly Mark[], isUp: boolean): number | undefined {
    // Nothing comes here that could be missed.
    if (this.isAlone) return 0;
    if (!isUp) return undefined;
    const marks = new Map(firsts.map((mark) => [mark[0], mark]));
    return this.members.all().filter(({ id }) => {
      const mark = marks.get(id);
      return !mark || !this.#messenger.hasSeenUpTo(mark);
    }).length;
  }

  /** Works on all that has come and waits, at once. */
  finish(): void {
    this.#messenger.finish();
  }

  /** What of it goes to the process that takes its place. */
  give(): ClusterPiece {
    const { id, startedAt, stamp, logins } = this;
    return {
      ...this.#messenger.give(),
      ...{ id, startedAt, stamp, logins },
      members: this.members.give(),
      isUp: !this.isAlone,
      isBack: this.#isBack,
      listTold: this.#list.told,
      notCarried: this.notCarried,
    };
  }

  /** The messages of which not all pieces have come, likewise. */
  givePieces(): PiecePiece[] {
    return this.#messenger.givePieces();
  }

  /** Takes a message of which not all pieces have come. */
  takePiece(piece: PiecePiece): void {
    this.#messenger.takePiece(piece);
  }

  /** Takes what `give` has told, after `stand`; nothing moves before `resume`. */
  takeOver(piece: ClusterPiece, node: number): void {
    this.id = piece.id;
    this.startedAt = piece.startedAt;
    this.stamp = piece.stamp;
    this.logins = piece.logins;
    this.members.takeOver(piece.members);
    this.#messenger.takeOver(piece);
    this.#messenger.node = node;
    // What it was not told while the bus was away it is told now.
    this.#isBack = piece.isBack || !piece.isUp;
    this.#list.told = piece.listTold;
    this.#notCarried = piece.notCarried;
  }

  /** Goes on as the one before; what it sends is held until `sendHeld`. */
  resume(): void {
    this.#hasNode = true;
    this.#messenger.hold();
    this.#reception.passOn();
    this.#begin();
  }

  /** Sends what was held: all has left that the process before has sent. */
  sendHeld(): void {
    this.#messenger.sendHeld();
  }

  /** Another process has its place: what comes is that one's, and what was sent before leaves. */
  async leaveGiven(): Promise<void> {
    this.#reception.giveUp();
    this.#hasNode = false;
    this.#stopTimers();
    await this.#options.bus.close();
    this.#messenger.close();
  }

  #begin(): void {
    this.tell();
    this.#timer = setInterval(() => this.#tick(), HELLO_MS);
  }

  #stopTimers(): void {
    clearInterval(this.#timer);
    this.#list.stop();
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
    this.#list.onNew(listener);
  }

  /** Tells the others that this gateway is gone, and disconnects. May be called twice. */
  async leave(): Promise<void> {
    this.#stopTimers();
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
    this.#messenger.forgetOthers((id) => this.members.byId(id) !== undefined);
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
    if (this.#hasNode) this.#list.lookSoon();
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
