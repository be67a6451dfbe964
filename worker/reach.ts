// Reach: by which of a worker's links what is for all users reaches each of them once.

import { TaskFlag } from "@maple/box";
import { addFlag, type Receipt, removeFlag } from "@maple/box/internal";
import { WorkerError } from "./errors.ts";
import type { GatewayLink } from "./gateway_link.ts";
import { endsOf, listedBy } from "./listed.ts";
import type { WaitOptions } from "./task_connection.ts";

/** One link that a command goes by. */
export interface Target {
  /** The link. */
  readonly link: GatewayLink;
  /** Whether its gateway is told not to pass it on to the others of its cluster. */
  readonly isLocal: boolean;
}

// The gateways of one cluster that have let the worker in.
interface AttachedCluster {
  readonly attached: readonly GatewayLink[];
  /** Whether one of these hears nothing of the others. */
  readonly isAnyAlone: boolean;
}

/** What became of a frame that went to all. */
export interface AllReceipts {
  /** What the gateways tell. */
  readonly receipts: readonly Receipt[];
  /** Whether it got to all that hold users, as far as is known here. */
  readonly isWhole: boolean;
}

/**
 * Where commands go, by what the gateways tell of their clusters. What a request causes goes to the
 * gateway of its client, which passes it on: another worker may have the client's next one, and
 * what that causes is behind it on the same way only. What else goes to a cluster goes directly to
 * all of its gateways while the worker is attached to all of them; otherwise to one, always the
 * same while it is there, which passes it on.
 */
export class Reach {
  /** Where what is for all users goes. */
  readonly targets: readonly Target[];
  /** Whether it gets to all users by these, as far as can be known. */
  readonly isWhole: boolean;
  /** Where a task for any worker may go: not to a gateway that leaves, if there is another. */
  readonly takers: readonly GatewayLink[];
  #turn = 0;
  readonly #clusters: AttachedCluster[] = [];
  // Where what a request causes goes, by the connection that it came by.
  readonly #byOrigin = new Map<object, readonly Target[]>();
  // By the names of the clusters.
  readonly #passingOn = new Map<string, GatewayLink>();

  /**
   * @param links All links of a worker.
   * @param before What held before, of the same worker.
   */
  constructor(links: readonly GatewayLink[], before?: Reach) {
    const used = links.filter(({ state }) => state !== "resting");
    const clusters = Map.groupBy(used, ({ cluster }) => cluster);
    const others = clusters.get(undefined) ?? [];
    clusters.delete(undefined);
    // One that was never there is taken for a gateway of the cluster that all others are of.
    const isOneCluster = clusters.size === 1 &&
      !others.some(({ gateway }) => gateway.isKnown);
    const independent = isOneCluster ? [] : others;
    // A single one may be told before it has let the worker in: nobody can be told twice.
    const there = independent.filter(({ isAttached, connection }) =>
      isAttached || connection && links.length === 1
    );
    const targets = there.map((link): Target => ({ link, isLocal: false }));
    let isWhole = there.length === independent.length;
    const takers = [...there];
    const leaving: GatewayLink[] = [];
    for (const [name, all] of clusters) {
      const attached = all.filter(({ isAttached }) => isAttached);
      const listed = [...listedBy(attached).values()];
      const isAttachedToAll = listed.every(endsOf(attached));
      const isAnyAlone = attached.some(({ gateway }) => gateway.isAlone);
      // What a frozen bus has may still come: who is told directly is told by nobody else.
      const isDirect = isAttachedToAll || isAnyAlone;
      const last = before && before.#passingOn.get(name!);
      const passingOn = attached.find((link) => link === last) ?? attached[0];
      if (passingOn) this.#passingOn.set(name!, passingOn);
      this.#clusters.push({ attached, isAnyAlone });
      targets.push(...toCluster(attached, isDirect ? undefined : passingOn));
      isWhole &&= isAttachedToAll || !isDirect;
      if (attached.length === 0) isWhole = false;
      const draining = listed.filter(({ state }) => state === "draining");
      for (const link of attached) {
        (draining.some(endsOf([link])) ? leaving : takers).push(link);
      }
    }
    if (before) this.#turn = before.#turn;
    this.targets = targets;
    this.isWhole = isWhole;
    this.takers = takers.length > 0 ? takers : leaving;
  }

  /**
   * Sends a packed Task to all users, wherever they are connected; false when it does not get to
   * one of the gateways, as far as is known here.
   *
   * @param origin The connection of the request that causes it, where one does.
   */
  sendToAll(frame: Uint8Array, origin?: object): boolean {
    const { isWhole } = this;
    const targets = this.#targetsBy(origin);
    let sent = 0;
    for (const { link, isLocal } of targets) {
      mark(frame, isLocal);
      if (link.connection?.send(frame)) sent++;
    }
    return isWhole && sent === targets.length;
  }

  /** Sends a packed Task to one gateway, in turn; false when all of them are away. */
  sendToOne(frame: Uint8Array): boolean {
    const { takers } = this;
    for (let i = 0; i < takers.length; i++) {
      const link = takers[this.#turn++ % takers.length]!;
      if (link.connection?.send(frame)) return true;
    }
    return false;
  }

  /**
   * Sends a packed Task to all users, and what became of it.
   *
   * @throws {WorkerError} by the promise, when all gateways are away, or one does not tell.
   */
  async receiptsOfAll(
    frame: Uint8Array,
    options: WaitOptions,
    origin?: object,
  ): Promise<AllReceipts> {
    const { isWhole } = this;
    const targets = this.#targetsBy(origin);
    const there = targets.filter(({ link }) => link.isAttached);
    if (there.length === 0) throw away();
    // Each frame is numbered anew.
    const receipts = await Promise.all(there.map(({ link, isLocal }) => {
      const own = frame.slice();
      mark(own, isLocal);
      return link.connection!.sendForReceipt(own, options);
    }));
    return { receipts, isWhole: isWhole && there.length === targets.length };
  }

  /** The same for one gateway, in turn. */
  async receiptOfOne(
    frame: Uint8Array,
    options: WaitOptions,
  ): Promise<Receipt> {
    const { takers } = this;
    for (let i = 0; i < takers.length; i++) {
      const link = takers[this.#turn++ % takers.length]!;
      if (!link.isAttached) continue;
      return await link.connection!.sendForReceipt(frame, options);
    }
    throw away();
  }

  // Where the gateway of the request is one of a cluster, and hears of the others, that one passes
  // it on.
  #targetsBy(origin: object | undefined): readonly Target[] {
    if (!origin) return this.targets;
    let targets = this.#byOrigin.get(origin);
    if (!targets) {
      targets = this.#chooseBy(origin);
      this.#byOrigin.set(origin, targets);
    }
    return targets;
  }

  #chooseBy(origin: object): readonly Target[] {
    for (const { attached, isAnyAlone } of this.#clusters) {
      const own = attached.find(({ connection }) => connection === origin);
      if (!own || isAnyAlone) continue;
      const others = this.targets.filter(({ link }) =>
        !attached.includes(link)
      );
      return [...others, ...toCluster(attached, own)];
    }
    return this.targets;
  }
}

function toCluster(
  attached: readonly GatewayLink[],
  passingOn: GatewayLink | undefined,
): Target[] {
  if (passingOn) return [{ link: passingOn, isLocal: false }];
  // What has one receiver only goes on to those that have come in this very moment.
  const isLocal = attached.length > 1;
  return attached.map((link) => ({ link, isLocal }));
}

// Whether a gateway passes it on to the others of its cluster.
function mark(frame: Uint8Array, isLocal: boolean): void {
  if (isLocal) addFlag(frame, 0, TaskFlag.LOCAL);
  else removeFlag(frame, 0, TaskFlag.LOCAL);
}

function away(): WorkerError {
  return new WorkerError("Cannot send: no gateway is there");
}
