// Mischief: what the chaos test does to workers and their connections, chosen by a seed.

import { Box } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { eventually } from "../../helpers/eventually.ts";
import type { CutProxy, Route } from "./cut_proxy.ts";
import type { ChaosEvents } from "./events.ts";
import { ChaosCmd } from "./messages.ts";
import type { ChaosHost } from "./chaos_host.ts";
import type { SecretRotation } from "./secret_rotation.ts";
import type { Random } from "../../helpers/random.ts";
import { signalProcess, type WorkerGroup } from "./worker_group.ts";

/** What mischief is done to. */
export interface MischiefContext {
  /** The workers. */
  readonly groups: readonly WorkerGroup[];
  /** What some of them are attached through. */
  readonly proxies: readonly CutProxy[];
  /** Their gateway. */
  readonly gateway: ChaosHost;
  /** Its secrets and theirs, where they have such. */
  readonly rotation: SecretRotation | undefined;
  /** The processes that have answered a client. */
  readonly answering: ReadonlySet<number>;
  /** By which it is chosen. */
  readonly random: Random;
  /** Where it is noted. */
  readonly events: ChaosEvents;
}

// How long a process is stopped and a connection is silent: some longer than the gateway's
// patience.
const LONGEST_PAUSE_MS = 3000;

/** Does mischief until it is stopped. */
export class Mischief implements AsyncDisposable {
  /** Broadcasts that were sent to all users. */
  broadcasts = 0;
  readonly #context: MischiefContext;
  readonly #trigger: Trigger;
  readonly #undo = new Map<ReturnType<typeof setTimeout>, () => void>();
  readonly #running: Promise<unknown>[] = [];
  #untaken = 0;
  #stopped = false;

  /** @param context What it is done to. */
  constructor(context: MischiefContext) {
    this.#context = context;
    const { gateway, rotation } = context;
    this.#trigger = new Trigger(
      Box,
      "127.0.0.1",
      gateway.inner.port,
      rotation && { secretFile: rotation.peers.path },
    );
  }

  /** All kinds of it, at any time. */
  roam(): void {
    this.#running.push(this.#roam(), this.#rotate());
  }

  /** Workers are reloaded and killed as fast as they come up. */
  harass(): void {
    for (const group of this.#context.groups) {
      this.#running.push(this.#harass(group, this.#context.random.fork()));
    }
  }

  /**
   * Stops it, and lets go on what was stopped. May be called twice.
   *
   * @returns Whether the gateway has taken all broadcasts.
   */
  async stop(): Promise<boolean> {
    this.#stopped = true;
    await Promise.all(this.#running);
    for (const [timer, undo] of this.#undo) {
      clearTimeout(timer);
      undo();
    }
    this.#undo.clear();
    return await this.#trigger.close() && this.#untaken === 0;
  }

  /** Stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #roam(): Promise<void> {
    const { groups, random } = this.#context;
    const kinds: [weight: number, act: () => void][] = [
      [4, () => this.#signalChild("SIGTERM")],
      [4, () => this.#signalChild("SIGKILL")],
      [1, () => this.#signalChild("SIGHUP")],
      [3, () => this.#stopChild()],
      [2, () => this.#reload(random.pick(groups))],
      [3, () => this.#onRoute("cut", (route) => route.cut())],
      [3, () => this.#cutWithin()],
      [3, () => this.#reset()],
      [3, () => this.#hold()],
      [6, () => this.#broadcast()],
    ];
    const acts = kinds.flatMap(([weight, act]) => Array(weight).fill(act));
    while (!this.#stopped) {
      random.pick<() => void>(acts)();
      await pause(random.between(50, 400));
    }
  }

  async #harass(group: WorkerGroup, random: Random): Promise<void> {
    while (await this.#until(() => this.#isUp(group))) {
      const dice = random.between(0, 3);
      // A reload as often as a death: after several deaths in a row a master waits before it starts
      // the next child.
      if (dice < 2) {
        const before = group.reloads;
        const old = group.children;
        this.#reload(group);
        await this.#until(() =>
          group.reloads > before &&
          !group.children.some((pid) => old.includes(pid))
        );
      } else {
        const victims = dice === 2
          ? group.children
          : [random.pick(group.children)];
        for (const pid of victims) this.#signal(pid, "SIGKILL");
        await this.#until(() =>
          !group.children.some((pid) => victims.includes(pid))
        );
        if (random.between(0, 3) === 0) this.#broadcast();
      }
    }
  }

  #isUp({ children }: WorkerGroup): boolean {
    const { answering } = this.#context;
    return children.length > 0 && children.every((pid) => answering.has(pid));
  }

  // Whether it came to be so before the mischief was stopped.
  async #until(condition: () => boolean): Promise<boolean> {
    await eventually(() => this.#stopped || condition(), { timeout: Infinity });
    return !this.#stopped;
  }

  #child(): number | undefined {
    const { groups, random } = this.#context;
    const { children } = random.pick(groups);
    const dice = random.next();
    return children[Math.floor(dice * children.length)];
  }

  #signalChild(signal: Deno.Signal): void {
    const pid = this.#child();
    if (pid !== undefined) this.#signal(pid, signal);
  }

  #signal(pid: number, signal: Deno.Signal): void {
    this.#context.events.count(`${signal.slice(3)} child`, `pid ${pid}`);
    signalProcess(pid, signal);
  }

  #stopChild(): void {
    const pid = this.#child();
    const ms = this.#pauseMs();
    if (pid === undefined) return;
    this.#context.events.count("STOP child", `pid ${pid} for ${ms} ms`);
    signalProcess(pid, "SIGSTOP");
    this.#later(ms, () => signalProcess(pid, "SIGCONT"));
  }

  #reload(group: WorkerGroup): void {
    this.#context.events.count("HUP master", `pid ${group.process.pid}`);
    group.signal("SIGHUP");
  }

  #onRoute(kind: string, action: (route: Route) => void): void {
    const { proxies, random, events } = this.#context;
    const { routes } = random.pick(proxies);
    const dice = random.next();
    const route = routes[Math.floor(dice * routes.length)];
    if (!route) return;
    events.count(`network ${kind}`, `1 of ${routes.length} connections`);
    action(route);
  }

  #cutWithin(): void {
    const share = this.#context.random.next();
    this.#onRoute("cut within", (route) => route.cutWithin(share));
  }

  // What comes in the meantime is not read: the system resets the connection.
  #reset(): void {
    this.#onRoute("reset", (route) => {
      route.hold();
      this.#later(20, () => route.cut());
    });
  }

  #hold(): void {
    const ms = this.#pauseMs();
    this.#onRoute("silent", (route) => {
      route.hold();
      this.#later(ms, () => route.release());
    });
  }

  #broadcast(): void {
    const sn = ++this.broadcasts;
    this.#context.events.count("broadcast", `number ${sn}`);
    this.#trigger.writeToUsers([[[-1], { cmd: ChaosCmd.BROADCAST, sn }]])
      .catch((error) => {
        this.#untaken++;
        this.#context.events.note(`BROADCAST ${sn}: ${error.message}`);
      });
  }

  // Changes the secrets, where there are such, one step after the other.
  async #rotate(): Promise<void> {
    const { rotation, gateway, events } = this.#context;
    while (rotation && !this.#stopped) {
      events.count("secret", await rotation.step(gateway));
      await pause(500);
    }
  }

  #pauseMs(): number {
    return this.#context.random.between(20, LONGEST_PAUSE_MS);
  }

  #later(ms: number, undo: () => void): void {
    const timer = setTimeout(() => {
      this.#undo.delete(timer);
      undo();
    }, ms);
    this.#undo.set(timer, undo);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
