// ClusterMischief: what the chaos test does to the workers, the bus and the gateways of a cluster.

import type { NatsServer } from "../../helpers/nats_server.ts";
import type { Random } from "../../helpers/random.ts";
import type { ChaosCluster } from "./chaos_cluster.ts";
import type { ChaosEvents } from "./events.ts";
import { signalProcess } from "./worker_group.ts";

/** What it is done to. */
export interface ClusterMischiefContext {
  /** The gateways, the workers and the users. */
  readonly cluster: ChaosCluster;
  /** The bus. */
  readonly nats: NatsServer;
  /** By which it is chosen. */
  readonly random: Random;
  /** Where it is noted. */
  readonly events: ChaosEvents;
  /** Seconds from one death of the bus to the next; undefined = it lives. */
  readonly killBusEvery: number | undefined;
  /** Seconds from one death of a gateway to the next; undefined = they live. */
  readonly killGatewayEvery: number | undefined;
}

const LONGEST_STOP_MS = 3000;
const LONGEST_AWAY_MS = 3000;
const ON_ITS_WAY_MS = 1000;
// What was on its way when the bus ended, and what is told anew when it is back: see the gateway's
// README.
const BEFORE_MS = 3000;
const AFTER_MS = 12_000;

/** Does mischief to a cluster until it is stopped. */
export class ClusterMischief implements AsyncDisposable {
  readonly #context: ClusterMischiefContext;
  readonly #running: Promise<void>[] = [];
  readonly #undo = new Map<ReturnType<typeof setTimeout>, () => void>();
  readonly #ending = new AbortController();

  /** It begins at once. */
  constructor(context: ClusterMischiefContext) {
    this.#context = context;
    const { killBusEvery, killGatewayEvery } = context;
    this.#running.push(this.#roam());
    if (killBusEvery !== undefined) {
      this.#running.push(this.#each(killBusEvery, () => this.#killBus()));
    }
    if (killGatewayEvery !== undefined) {
      this.#running.push(this.#each(killGatewayEvery, () => this.#killOne()));
    }
  }

  /** Stops it, and mends what it has broken. May be called twice. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
    for (const [timer, undo] of this.#undo) {
      clearTimeout(timer);
      undo();
    }
    this.#undo.clear();
  }

  /** The same. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #roam(): Promise<void> {
    const { random, cluster, events } = this.#context;
    const kinds: [weight: number, act: () => void][] = [
      [4, () => this.#signalChild("SIGTERM")],
      [4, () => this.#signalChild("SIGKILL")],
      [3, () => this.#stopChild()],
      [2, () => {
        const group = random.pick(cluster.groups);
        events.count("HUP master", `pid ${group.process.pid}`);
        group.signal("SIGHUP");
      }],
    ];
    const acts = kinds.flatMap(([weight, act]) => Array(weight).fill(act));
    while (await this.#pause(random.between(100, 800))) {
      random.pick<() => void>(acts)();
    }
  }

  async #each(seconds: number, act: () => Promise<void>): Promise<void> {
    while (await this.#pause(seconds * 1000)) await act();
  }

  async #killBus(): Promise<void> {
    const { nats, cluster, events, random } = this.#context;
    const excuse = cluster.deliveries.excuse(performance.now() - BEFORE_MS);
    const kind = random.between(0, 1) === 0 ? "KILL bus" : "STOP bus";
    const ms = random.between(20, LONGEST_AWAY_MS);
    events.count(kind, `for ${ms} ms`);
    if (kind === "KILL bus") await nats.kill();
    else nats.signal("SIGSTOP");
    await this.#pause(ms);
    if (kind === "KILL bus") await nats.restart();
    else nats.signal("SIGCONT");
    events.note("the bus is back");
    excuse.to = performance.now() + AFTER_MS;
  }

  // Its clients are cut off and come back to others; the others may send to it for a moment.
  async #killOne(): Promise<void> {
    const { cluster, events, random } = this.#context;
    const { gateways } = cluster;
    const at = random.between(0, gateways.length - 1);
    const host = gateways[at]!;
    const ms = random.between(20, LONGEST_AWAY_MS);
    events.count("KILL gateway", `number ${at}, pid ${host.process.pid}`);
    gateways[at] = undefined;
    // What the trigger has given it a moment ago may have been on its way.
    const excuse = cluster.deliveries.excuse(
      performance.now() - ON_ITS_WAY_MS,
      0,
    );
    host.process.kill("SIGKILL");
    await host.process.finished();
    excuse.to = performance.now() + ON_ITS_WAY_MS;
    await this.#pause(ms);
    await cluster.restart(at, host);
    events.note(`gateway ${at} is back`);
  }

  #child(): number | undefined {
    const { cluster, random } = this.#context;
    const { children } = random.pick(cluster.groups);
    const dice = random.next();
    return children[Math.floor(dice * children.length)];
  }

  #signalChild(signal: Deno.Signal): void {
    const pid = this.#child();
    if (pid === undefined) return;
    this.#context.events.count(`${signal.slice(3)} child`, `pid ${pid}`);
    signalProcess(pid, signal);
  }

  #stopChild(): void {
    const pid = this.#child();
    const ms = this.#context.random.between(20, LONGEST_STOP_MS);
    if (pid === undefined) return;
    this.#context.events.count("STOP child", `pid ${pid} for ${ms} ms`);
    signalProcess(pid, "SIGSTOP");
    const timer = setTimeout(() => {
      this.#undo.delete(timer);
      signalProcess(pid, "SIGCONT");
    }, ms);
    this.#undo.set(timer, () => signalProcess(pid, "SIGCONT"));
  }

  // Whether it is to go on after it.
  async #pause(ms: number): Promise<boolean> {
    const { signal } = this.#ending;
    if (signal.aborted) return false;
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    const end = () => over.resolve();
    signal.addEventListener("abort", end, { once: true });
    await over.promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    return !signal.aborted;
  }
}
