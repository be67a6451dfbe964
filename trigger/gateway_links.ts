// GatewayLinks: all gateways of a trigger: what is for users goes to each, or to one of a cluster;
// a task for a worker to one.

import { type Task, TaskCmd } from "@maple/box";
import {
  missingOf,
  type Query,
  queryTask,
  type Receipt,
  sumReceipts,
} from "@maple/box/internal";
import {
  ClusterLinks,
  isMoved,
  type Results,
  type Sending,
  told,
} from "./cluster_links.ts";
import { TriggerError } from "./errors.ts";
import { FirstAttempts } from "./first_attempts.ts";
import { GatewayLink, type LinkHandler } from "./gateway_link.ts";
import type { ResolvedOptions, TriggerGateway } from "./options.ts";

/** What became of a message. */
export interface Receipts {
  /** The receipts that came. */
  readonly receipts: readonly Receipt[];
  /** Whether all gateways that it was for have told. */
  readonly isWhole: boolean;
}

const LOOK_MS = 500;

/** All gateways of a trigger. */
export class GatewayLinks {
  readonly #options: ResolvedOptions;
  readonly #given: readonly GatewayLink[];
  readonly #clusters = new Map<string, ClusterLinks>();
  readonly #handler: LinkHandler = {
    onChange: (link) => this.#clusterOf(link)?.changed(link),
  };
  readonly #first: FirstAttempts;
  #turn = 0;
  #sending = 0;
  #watch: ReturnType<typeof setInterval> | undefined;

  /** @param options Complete and checked. */
  constructor(gateways: readonly TriggerGateway[], options: ResolvedOptions) {
    this.#options = options;
    this.#given = gateways.map((at) =>
      new GatewayLink(at, options, this.#handler)
    );
    this.#first = new FirstAttempts(this.#given, options);
  }

  /** Connects to all, to one of each cluster; throws when one cannot be reached. */
  async connect(): Promise<void> {
    const { ensure } = this.#options;
    await this.#first.made(0, undefined);
    const cluster = this.#onlyCluster;
    if (cluster) return await cluster.connect();
    throwAny(
      await Promise.allSettled(
        this.#given.map((link) => link.connect(ensure)),
      ),
    );
  }

  /** Sends a task to those it is for; throws when one of them has not got it. */
  async send(task: Task, signal: AbortSignal | undefined): Promise<void> {
    const wants = this.#options.ensure ? "where given" : "none";
    const results = await this.#send(task, { wants, signal });
    throwAny(results);
    if (!isWhole(results)) {
      throw new TriggerError(
        "connection",
        "Cannot send to all gateways of the cluster: its bus is away, and some cannot be reached",
      );
    }
  }

  /** The same; gives the receipts that came, and throws when none did, or one is a refusal. */
  async receiptsOf(
    task: Task,
    signal: AbortSignal | undefined,
  ): Promise<Receipts> {
    const results = await this.#send(task, { wants: "receipt", signal });
    const receipts = cameOf(results);
    for (const receipt of receipts) checkDone(receipt);
    return { receipts, isWhole: isWhole(results) };
  }

  /** Puts a question to all; throws when one does not answer. */
  async ask(
    query: Partial<Query>,
    signal: AbortSignal | undefined,
  ): Promise<Receipt> {
    const task = queryTask(query);
    const results = await this.#send(task, { wants: "answer", signal });
    throwAny(results);
    const answer = sumReceipts(cameOf(results));
    const missing = missingOf(answer) ??
      (isWhole(results) ? undefined : "not all gateways are there");
    if (missing === undefined) return answer;
    throw new TriggerError(
      "timeout",
      `Cannot tell who is logged in: ${missing}`,
    );
  }

  /** Closes all; true when all that was sent was taken. */
  async close(): Promise<boolean> {
    const all = [...this.#given, ...this.#clusters.values()];
    const taken = await Promise.all(all.map((one) => one.close()));
    return taken.every(Boolean);
  }

  // To one gateway, or to all users.
  async #send(task: Task, sending: Sending): Promise<Results> {
    using _watched = this.#watched();
    if (isForOne(task)) {
      const receipt = await this.#toOne(task.pack(), sending);
      return [{ status: "fulfilled", value: { receipt, isWhole: true } }];
    }
    if (!this.#first.areMade) {
      await this.#first.made(task.pack().length, sending.signal);
    }
    const cluster = this.#onlyCluster;
    if (cluster) return await cluster.sendToAll(task, sending);
    // Nobody is told twice, whoever turns out to be of one cluster.
    const served = new Set<ClusterLinks>();
    const stop = new AbortController();
    const results = await Promise.allSettled(
      this.#given.map((link) =>
        this.#toAllOf(link, task, { sending, served, stop })
      ),
    );
    return results.flatMap((result, at) => {
      if (result.status === "fulfilled") return result.value;
      const { isKnown } = this.#given[at]!.gateway;
      return isKnown || !this.#onlyCluster ? [result] : [];
    });
  }

  async #toAllOf(
    link: GatewayLink,
    task: Task,
    { sending, served, stop }: {
      readonly sending: Sending;
      readonly served: Set<ClusterLinks>;
      readonly stop: AbortController;
    },
  ): Promise<Results> {
    if (this.#given.length > 1 && !link.gateway.isKnown) {
      const signals = [
        stop.signal,
        ...(sending.signal ? [sending.signal] : []),
      ];
      await link.connect(this.#options.ensure, AbortSignal.any(signals));
    }
    const cluster = this.#clusterOf(link);
    if (!cluster) {
      const receipt = this.#toLink(link, task.pack(), sending);
      return await Promise.allSettled([told(receipt, true)]);
    }
    // Others that are not there are not waited for: they are of this cluster, if of any.
    if (this.#onlyCluster) stop.abort();
    if (served.has(cluster)) return [];
    served.add(cluster);
    return await cluster.sendToAll(task, sending);
  }

  // While something is sent, it is looked whether somebody does not answer.
  #watched(): Disposable {
    if (this.#sending++ === 0) {
      this.#watch = setInterval(() => {
        for (const cluster of this.#clusters.values()) cluster.leaveSilent();
      }, LOOK_MS);
    }
    return {
      [Symbol.dispose]: () => {
        if (--this.#sending === 0) clearInterval(this.#watch);
      },
    };
  }

  // A gateway may turn out to be one of a cluster, of which others can take it.
  async #toLink(
    link: GatewayLink,
    frame: Uint8Array,
    sending: Sending,
  ): Promise<Receipt | undefined> {
    try {
      return await link.send(frame, {
        ...sending,
        ensure: this.#options.ensure,
        canMove: (takenBy) =>
          this.#clusterOf(link)?.canMove(link, takenBy) ?? false,
      });
    } catch (error) {
      const cluster = this.#clusterOf(link);
      if (!cluster || !isMoved(error)) throw error;
      return await cluster.send(frame, sending);
    }
  }

  #toOne(frame: Uint8Array, sending: Sending): Promise<Receipt | undefined> {
    const cluster = this.#onlyCluster;
    if (cluster) return cluster.sendToWorker(frame, sending);
    const [first, second] = this.#given;
    if (second) return this.#inTurn(frame, sending);
    return this.#toLink(first!, frame, sending);
  }

  // To one that is connected, in turn; where it has not taken it, to the next one.
  async #inTurn(
    frame: Uint8Array,
    sending: Sending,
  ): Promise<Receipt | undefined> {
    const { ensure, timeoutMs, retryDelayMs } = this.#options;
    const forever = ensure === "forever";
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        const link = this.#nextConnected() ?? await this.#firstConnected();
        return await link.send(frame, { ensure: false, ...sending });
      } catch (error) {
        const { code } = error as TriggerError;
        const passes = code === "timeout" || code === "secret";
        const again = code === "connection" || forever && passes;
        const inTime = forever || performance.now() < deadline;
        if (!ensure || !again || !inTime) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
    }
  }

  #nextConnected(): GatewayLink | undefined {
    const all = this.#all;
    for (let i = 0; i < all.length; i++) {
      const link = all[this.#turn++ % all.length]!;
      if (link.connected) return link;
    }
    return undefined;
  }

  async #firstConnected(): Promise<GatewayLink> {
    // One that is away for ever must not be waited for when another is there.
    const ensure = this.#options.ensure !== false;
    try {
      return await Promise.any(
        this.#all.map((link) => link.connect(ensure).then(() => link)),
      );
    } catch (error) {
      return throwFirst((error as AggregateError).errors);
    }
  }

  get #all(): GatewayLink[] {
    const found = [...this.#clusters.values()].flatMap(({ links }) => links);
    return [...new Set([...this.#given, ...found])];
  }

  // The cluster of all that are known, if these are of one. One that was never there is taken for
  // a gateway of it.
  get #onlyCluster(): ClusterLinks | undefined {
    const known = this.#given.filter(({ gateway }) => gateway.isKnown);
    const [first, ...others] = known.map((link) => this.#clusterOf(link));
    return others.every((cluster) => cluster === first) ? first : undefined;
  }

  #clusterOf({ gateway: { cluster: name } }: GatewayLink):
    | ClusterLinks
    | undefined {
    if (name === undefined) return undefined;
    let cluster = this.#clusters.get(name);
    if (!cluster) {
      const context = { options: this.#options, handler: this.#handler };
      cluster = new ClusterLinks(name, this.#given, context);
      this.#clusters.set(name, cluster);
    }
    return cluster;
  }
}

function isWhole(results: Results): boolean {
  return results.every((r) => r.status === "fulfilled" && r.value.isWhole);
}

function errorsOf(
  results: readonly PromiseSettledResult<unknown>[],
): TriggerError[] {
  return results.flatMap((r) => r.status === "rejected" ? [r.reason] : []);
}

function throwAny(results: readonly PromiseSettledResult<unknown>[]): void {
  const errors = errorsOf(results);
  if (errors.length > 0) throwFirst(errors);
}

// What came of it where it was done; where it was nowhere, why not.
function cameOf(results: Results): Receipt[] {
  const done = results.flatMap((r) =>
    r.status === "fulfilled" ? [r.value.receipt!] : []
  );
  if (done.length === 0) throwFirst(errorsOf(results));
  return done;
}

function throwFirst(errors: readonly TriggerError[]): never {
  const first = errors[0]!;
  // Where a signal was aborted it is the reason for that.
  if (errors.length === 1 || !(first instanceof TriggerError)) throw first;
  const why = errors.map((error) => error.message).join("; ");
  throw new TriggerError(first.code, why, { cause: first });
}

// Whether a task goes to one of the gateways, rather than to all.
function isForOne({ cmd }: Task): boolean {
  return cmd === TaskCmd.WRITE_TO_WORKER;
}

// There may be room for a task later, which is no error.
function checkDone({ error }: Receipt): void {
  if (error === "" || error.startsWith("busy")) return;
  throw new TriggerError("refused", `The gateway has not done it: ${error}`);
}
