// NatsBus: core NATS as the bus between gateways.

import { BackOff, type Logger } from "@maple/box/internal";
import type { Bus, BusReceiver, NotCarried } from "./bus.ts";
import { LOOK_MS } from "./nats_flow.ts";
import { type NatsCredentials, NatsLink, NatsRefusal } from "./nats_link.ts";
import type { NatsServer } from "./nats_servers.ts";

/** What {@linkcode NatsBus} needs. */
export interface NatsBusOptions {
  /** The servers, of which one is used at a time. */
  readonly servers: readonly NatsServer[];
  /** What they are shown. */
  readonly credentials: NatsCredentials;
  /** The cluster, which is a part of the names under which is published. */
  readonly clusterName: string;
  /** Bytes that may be on their way. */
  readonly bytesMax: number;
  /** Where it logs to. */
  readonly logger: Logger;
}

// Before a server has said what it takes.
const MESSAGE_BYTES = 1024 * 1024;
// Seconds between two attempts.
const BACK_OFF = { minDelay: 0.25, maxDelay: 2 };

/** Core NATS as the bus between gateways. */
export class NatsBus implements Bus {
  /** What it is. */
  readonly name = "nats";
  /** What it has not carried. */
  readonly notCarried: NotCarried = { away: 0, full: 0, late: 0, cut: 0 };
  readonly #options: NatsBusOptions;
  readonly #all: string;
  readonly #nodes = new Set<number>();
  readonly #backOff = new BackOff(BACK_OFF);
  readonly #ending = new AbortController();
  #receiver: BusReceiver | undefined;
  #link: NatsLink | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #staying: Promise<void> | undefined;
  #told = "";

  /** It is not connected before `open`. */
  constructor(options: NatsBusOptions) {
    this.#options = options;
    this.#all = `maple.${options.clusterName}.all`;
  }

  /** Bytes of the longest message. */
  get maxBytes(): number {
    return this.#link?.maxBytes ?? MESSAGE_BYTES;
  }

  /** Whether it carries messages. */
  get isUp(): boolean {
    return this.#link !== undefined && !this.#link.isLate;
  }

  /**
   * Connects.
   *
   * @throws {Error} with one line, when a server is there that cannot be used.
   */
  async open(receiver: BusReceiver): Promise<void> {
    this.#receiver = receiver;
    try {
      await this.#use(await this.#find());
    } catch (error) {
      if (error instanceof NatsRefusal) throw error;
      receiver.onState(false, (error as Error).message);
    }
    this.#timer = setInterval(() => this.#link?.look(), LOOK_MS);
    this.#staying = this.#stay();
  }

  /** Takes messages to this node. */
  listenAs(node: number): void {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    if (this.#link) this.#listen(this.#link, this.#subjectOf(node));
  }

  /** Sends a message to all other gateways. */
  publish(message: Uint8Array): boolean {
    return this.#carry(this.#all, message);
  }

  /** Sends a message to one of them. */
  send(node: number, message: Uint8Array): boolean {
    return this.#carry(this.#subjectOf(node), message);
  }

  /** Lets what was sent leave, and disconnects. */
  async close(): Promise<void> {
    this.#ending.abort();
    clearInterval(this.#timer);
    await this.#link?.close();
    await this.#staying;
    this.#link = undefined;
  }

  #subjectOf(node: number): string {
    return `maple.${this.#options.clusterName}.node.${node}`;
  }

  #carry(subject: string, message: Uint8Array): boolean {
    const cause = this.#link ? this.#link.publish(subject, message) : "away";
    if (cause) this.notCarried[cause]++;
    return cause === undefined;
  }

  // Stays connected, as far as that can be had.
  async #stay(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      if (this.#link) {
        const why = await this.#link.ended;
        // One that was late is told of already.
        const { isUp } = this;
        this.notCarried.cut += this.#link.unanswered;
        this.#link = undefined;
        if (signal.aborted) return;
        if (isUp) this.#receiver?.onState(false, why);
      }
      await this.#backOff.wait(signal);
      if (signal.aborted) return;
      try {
        const link = await this.#find();
        if (signal.aborted) return await link.close();
        await this.#use(link);
      } catch (error) {
        if (error instanceof NatsRefusal) this.#tell(error.message);
      }
    }
  }

  // The first server that lets this gateway in, in any order: all gateways look at a time.
  async #find(): Promise<NatsLink> {
    const { servers, credentials, clusterName, bytesMax } = this.#options;
    let failure: Error | undefined;
    for (const server of shuffled(servers)) {
      try {
        const link: NatsLink = await NatsLink.open({
          server,
          credentials,
          name: `maple gateway, cluster ${clusterName}`,
          bytesMax,
          onLate: (isLate) => this.#onLate(link, isLate),
          onError: (message) => this.#tell(message),
        });
        this.#told = "";
        return link;
      } catch (error) {
        // That one could be tried later matters less than that another will never do.
        if (!(failure instanceof NatsRefusal)) failure = error as Error;
      }
    }
    throw failure;
  }

  // It is not there before it passes on what others say from now on.
  async #use(link: NatsLink): Promise<void> {
    this.#backOff.opened();
    for (const node of this.#nodes) this.#listen(link, this.#subjectOf(node));
    // Behind those: whoever is heard by it reaches these as well, whatever servers are between.
    this.#listen(link, this.#all);
    await link.flushed();
    if (link.error !== undefined) {
      await link.close();
      throw new NatsRefusal(
        `the NATS server at ${link.at} cannot be used: ${link.error}`,
      );
    }
    this.#link = link;
    if (!this.#ending.signal.aborted) this.#receiver?.onState(true, link.at);
  }

  #listen(link: NatsLink, subject: string): void {
    link.listen(subject, (message) => this.#receiver?.onMessage(message));
  }

  #onLate(link: NatsLink, isLate: boolean): void {
    if (link !== this.#link) return;
    this.#receiver?.onState(
      !isLate,
      isLate ? `${link.at} gives no sign of life` : `${link.at} answers again`,
    );
  }

  // Each only once, while it stays the same.
  #tell(message: string): void {
    if (message === this.#told) return;
    this.#told = message;
    this.#options.logger.error(`cluster: ${message}`);
  }
}

function shuffled(servers: readonly NatsServer[]): NatsServer[] {
  return servers.map((server) => ({ server, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ server }) => server);
}
