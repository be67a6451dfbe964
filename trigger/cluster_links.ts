// ClusterLinks: the links of a trigger to the gateways of one cluster, of which one is sent what is
// for all: it passes it on.

import { type Task, TaskFlag } from "@maple/box";
import {
  addFlag,
  LISTED_MAX,
  type ListedGateway,
  parseInner,
  type Receipt,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";
import { GatewayLink, type LinkHandler } from "./gateway_link.ts";
import type { Message } from "./message.ts";
import type { ResolvedOptions } from "./options.ts";

/** What is waited for, and for how long. */
export interface Sending {
  /** See {@linkcode Message}. */
  readonly wants: Message["wants"];
  /** Gives it up; what was sent is sent. */
  readonly signal: AbortSignal | undefined;
}

/** What gateways tell of a message, or why they do not. */
export type Results = PromiseSettledResult<Told>[];

/** What one of the gateways tells of a message. */
export interface Told {
  /** Its receipt, where it was waited for. */
  readonly receipt: Receipt | undefined;
  /** Whether it could tell of all that it was to, as far as is known here. */
  readonly isWhole: boolean;
}

const NOTHING: Uint8Array = new Uint8Array(0);
// One that has not answered for so long is not waited for, if the others do not hear of it either.
const SILENT_MS = 2000;

/** The links to the gateways of one cluster. */
export class ClusterLinks {
  readonly #name: string;
  readonly #given: readonly GatewayLink[];
  readonly #options: ResolvedOptions;
  readonly #handler: LinkHandler;
  readonly #found = new Map<string, GatewayLink>();
  // The gateways that there are, by one that hears of the others.
  #list: readonly ListedGateway[] = [];
  #current: GatewayLink | undefined;
  #turn = 0;
  #isTaken = true;
  readonly #closing = new Set<Promise<void>>();

  /**
   * @param name The cluster's.
   * @param given The links to the gateways that the trigger is told, of whichever cluster.
   * @param options Complete and checked.
   * @param handler What the links tell goes there.
   */
  constructor(
    name: string,
    given: readonly GatewayLink[],
    { options, handler }: { options: ResolvedOptions; handler: LinkHandler },
  ) {
    this.#name = name;
    this.#given = given;
    this.#options = options;
    this.#handler = handler;
  }

  /** All of them: to the gateways that the trigger is told, and to those that these tell of. */
  get links(): GatewayLink[] {
    const given = this.#given.filter(({ gateway }) =>
      gateway.cluster === this.#name
    );
    return [...given, ...this.#found.values()];
  }

  /** One of the gateways has told of the others, or is gone. */
  changed({ gateway, address: { tls }, connected }: GatewayLink): void {
    if (!connected || gateway.isAlone) return;
    this.#list = gateway.list;
    for (const { inner } of this.#list) {
      const at = parseInner(inner);
      if (!at || this.#found.size >= LISTED_MAX) continue;
      if (this.links.some((link) => isAt(link, inner))) continue;
      const address = { ...at, ...(tls && { tls }) };
      const link = new GatewayLink(
        address,
        this.#options,
        this.#handler,
        this.#name,
      );
      this.#found.set(inner, link);
    }
    for (const [inner, link] of this.#found) {
      const { name, connected, isIdle } = link;
      const isListed = link.gateway.isListed(name, this.#list);
      if (isListed || connected || !isIdle) continue;
      this.#found.delete(inner);
      const closing = link.close().then((taken) => {
        this.#isTaken &&= taken;
        this.#closing.delete(closing);
      });
      this.#closing.add(closing);
    }
  }

  /** Connects to one. */
  async connect(): Promise<void> {
    await this.send(NOTHING, { wants: "none", signal: undefined });
  }

  /**
   * Sends a frame to one, always the same while it is there; where it is certain that this has not
   * taken it, and never will, to the next one.
   *
   * @throws {TriggerError} as {@linkcode GatewayLink.send}.
   */
  async send(
    frame: Uint8Array,
    { wants, signal }: Sending,
    pick: () => GatewayLink = () => this.#pick(),
  ): Promise<Receipt | undefined> {
    const { ensure, timeoutMs } = this.#options;
    const isEndless = ensure === "forever";
    const end = performance.now() + timeoutMs;
    let isInDoubt = false;
    for (;;) {
      const link = pick();
      const left = end - performance.now();
      try {
        return await link.send(frame, {
          ...{ ensure, wants, signal },
          timeoutMs: isEndless ? timeoutMs : Math.max(1, left),
          canMove: (takenBy) => {
            const can = this.canMove(link, takenBy);
            if (can && takenBy !== undefined) isInDoubt = true;
            return can;
          },
        });
      } catch (error) {
        if (isMoved(error) && this.#hasOther(link)) {
          if (isEndless || performance.now() < end) continue;
        }
        throw isInDoubt ? inDoubt(error as Error) : error;
      }
    }
  }

  /** The same for a task for a worker, in turn among those that are connected. */
  sendToWorker(
    frame: Uint8Array,
    sending: Sending,
  ): Promise<Receipt | undefined> {
    return this.send(frame, sending, () => {
      const there = this.links.filter(({ connected }) => connected);
      const staying = there.filter(({ name, gateway }) =>
        !gateway.isListed(name, this.#list.filter(isLeaving))
      );
      const takers = staying.length > 0 ? staying : there;
      return takers[this.#turn++ % takers.length] ?? this.#pick();
    });
  }

  /** Sends a task to all users of the cluster. */
  async sendToAll(task: Task, sending: Sending): Promise<Results> {
    const isAnyAlone = this.links.some(({ connected, gateway }) =>
      connected && gateway.isAlone
    );
    if (isAnyAlone) return await this.#toEach(task, sending);
    const receipt = this.send(task.pack(), sending);
    return await Promise.allSettled([told(receipt, true)]);
  }

  /**
   * Whether what a gateway was to be sent can go to another one instead.
   *
   * @param takenBy The life of the gateway that may have taken it; then only if it is gone.
   */
  canMove(link: GatewayLink, takenBy: number | undefined): boolean {
    return takenBy === undefined ? this.#hasOther(link) : this.#isGone(link);
  }

  /** Leaves those that do not answer, if the others do not hear of them either. */
  leaveSilent(): void {
    for (const link of this.links) {
      if (!link.connected || link.silentMs < SILENT_MS) continue;
      // What is in doubt goes elsewhere when it is sure that the other one has ended.
      if (this.#isGone(link)) link.cut();
    }
  }

  /** Closes all that were found; true when all that was sent by them was taken. */
  async close(): Promise<boolean> {
    const found = [...this.#found.values()];
    const taken = await Promise.all(found.map((link) => link.close()));
    await Promise.all(this.#closing);
    return this.#isTaken && taken.every(Boolean);
  }

  // The bus is away at one of them. What a frozen one has may still come: who is told directly is
  // told by nobody else.
  async #toEach(task: Task, { wants, signal }: Sending): Promise<Results> {
    const missing = this.links.filter(({ connected, isAway }) =>
      !connected && !isAway
    );
    await Promise.allSettled(missing.map((link) => link.connect(false)));
    const there = once(this.links.filter(({ connected }) => connected));
    const isWhole = this.#list.every(({ inner }) =>
      there.some((link) => isAt(link, inner))
    );
    return await Promise.allSettled(there.map((link) => {
      const frame = task.pack();
      addFlag(frame, 0, TaskFlag.LOCAL);
      const receipt = link.send(frame, { ensure: false, wants, signal });
      return told(receipt, isWhole);
    }));
  }

  // The one that was taken last, while it is there.
  #pick(): GatewayLink {
    const { links } = this;
    const last = links.find((link) => link === this.#current);
    if (last?.connected) return last;
    return this.#current = links.find(({ connected }) => connected) ??
      links.find(({ isAway }) => !isAway) ??
      last ?? links[0]!;
  }

  #isGone(link: GatewayLink): boolean {
    const others = this.#others(link);
    const there = others.find(({ connected, gateway }) =>
      connected && !gateway.isAlone
    );
    if (there) return !link.gateway.isListed(link.name, there.listed);
    // Somebody has to tell whether it is gone.
    others.find(({ isAway }) => !isAway)?.connect(false).catch(() => {});
    return false;
  }

  #others(link: GatewayLink): GatewayLink[] {
    return this.links.filter((other) => other !== link);
  }

  #hasOther(link: GatewayLink): boolean {
    return this.#others(link).some(({ isAway }) => !isAway);
  }
}

/** What a gateway tells, or fails to. */
export async function told(
  receipt: Promise<Receipt | undefined>,
  isWhole: boolean,
): Promise<Told> {
  return { receipt: await receipt, isWhole };
}

/** Whether an error says that a gateway has not taken it, and another may. */
export function isMoved(error: unknown): boolean {
  return error instanceof TriggerError && error.code === "connection";
}

function inDoubt({ message }: Error): TriggerError {
  return new TriggerError(
    "unknown",
    `${message}; a gateway that is gone may have done it`,
  );
}

function isAt({ name, gateway }: GatewayLink, inner: string): boolean {
  return inner === name || inner === gateway.remote ||
    inner === gateway.advertised;
}

function isLeaving({ state }: ListedGateway): boolean {
  return state === "draining";
}

// A gateway that is known by two names is one.
function once(links: readonly GatewayLink[]): GatewayLink[] {
  return links.filter(({ gateway: { greeting } }, at) =>
    !links.slice(0, at).some(({ gateway }) => greeting && gateway.is(greeting))
  );
}
