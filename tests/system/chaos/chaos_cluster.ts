// ChaosCluster: gateways that are one over a bus, each with its share of the users, and workers
// that were told of one of them.

import type { GatewayOptions } from "@maple/gateway";
import { eventually } from "../../helpers/eventually.ts";
import type { Random } from "../../helpers/random.ts";
import { ClientTotals } from "./chaos_client.ts";
import {
  ClusterClient,
  type ClusterClientContext,
  ClusterTotals,
} from "./cluster_client.ts";
import { Deliveries } from "./deliveries.ts";
import type { ChaosEvents } from "./events.ts";
import { GatewayHost } from "./gateway_host.ts";
import { type HandledSummary, summarizeHandled } from "./handled_log.ts";
import { WorkerGroup } from "./worker_group.ts";

/** How one is started. */
export interface ChaosClusterOptions {
  /** The bus of each gateway, as its option `cluster` wants it. */
  readonly buses: readonly string[];
  /** How many users there are. */
  readonly users: number;
  /** How many masters of workers there are. */
  readonly masters: number;
  /** How many children each of them has. */
  readonly children: number;
  /** Requests that each user has under way, in turn. @default {[1]} */
  readonly depths?: readonly number[];
  /** Options of all gateways. */
  readonly gateway?: GatewayOptions;
  /** Whether other processes can take the gateways' places. @default {false} */
  readonly handovers?: boolean;
  /** Whether gateways are killed, so that users are cut off and come back. */
  readonly mayBeCut: boolean;
  /** By which the users choose what they do. */
  readonly random: Random;
  /** Where faults are noted. */
  readonly events: ChaosEvents;
}

/** Milliseconds that anything may take on a busy machine. */
export const PATIENCE_MS = 60_000;

const GATEWAY: GatewayOptions = {
  maxDeliveries: 10,
  workerTimeout: 2,
  // At the end nobody is left to take the news of the clients' leave.
  drainTimeout: 0,
};

/** Gateways that are one over a bus, with workers and users. */
export class ChaosCluster implements AsyncDisposable {
  /** The gateways; one that was killed is away until it is started again. */
  readonly gateways: (GatewayHost | undefined)[] = [];
  /** The workers. */
  readonly groups: WorkerGroup[] = [];
  /** The users, each at the gateway that his number gives. */
  readonly users: ClusterClient[] = [];
  /** What was sent to whom, and what has come. */
  readonly deliveries: Deliveries;
  /** What is counted of requests. */
  readonly totals: ClientTotals = new ClientTotals();
  /** What is counted besides. */
  readonly more: ClusterTotals = new ClusterTotals();
  /** Whether the users may send requests. */
  maySend = false;
  readonly #options: ChaosClusterOptions;
  readonly #stack = new AsyncDisposableStack();
  readonly #notesDir: string;
  readonly #socketsDir: string;
  readonly #hosts: GatewayHost[] = [];
  #turn = 0;

  private constructor(options: ChaosClusterOptions) {
    this.#options = options;
    this.deliveries = new Deliveries(options.users, options.events);
    this.#notesDir = Deno.makeTempDirSync({ prefix: "maple_chaos_" });
    this.#socketsDir = Deno.makeTempDirSync({ prefix: "maple_sockets_" });
    for (const dir of [this.#notesDir, this.#socketsDir]) {
      this.#stack.defer(() => Deno.remove(dir, { recursive: true }));
    }
  }

  /** Starts one; the workers have come to all gateways, and the users are logged in. */
  static async start(options: ChaosClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Those that serve. */
  get serving(): GatewayHost[] {
    return this.gateways.filter((one) => one !== undefined);
  }

  /** The gateways in turn, one after the other. */
  nextHost(): GatewayHost {
    const { serving } = this;
    return serving[this.#turn++ % serving.length]!;
  }

  /** The users of one gateway, as they were at the start. */
  usersOf(gateway: number): ClusterClient[] {
    return this.users.filter((_, i) => i % this.gateways.length === gateway);
  }

  /** Another client of the same user, who is not connected yet. */
  twinOf({ number }: ClusterClient): ClusterClient {
    return this.#stack.use(new ClusterClient(number, 1, this.#context()));
  }

  /** The twin is the user's client from now on; the other one disconnects. */
  async replace(user: ClusterClient, twin: ClusterClient): Promise<void> {
    this.users[user.number - 1] = twin;
    await user[Symbol.asyncDispose]();
  }

  /** Starts a gateway that was killed again, at its ports. */
  async restart(at: number, { outer, inner }: GatewayHost): Promise<void> {
    this.gateways[at] = await this.#startGateway(at, {
      outerPort: outer.port,
      innerPort: inner.port,
    });
  }

  /** Waits until all gateways have all workers; throws when they do not. */
  async untilWorkersCame(): Promise<void> {
    const { masters, children } = this.#options;
    for (const gateway of this.serving) {
      if (await gateway.reaches({ workers: masters * children })) continue;
      throw new Error("the workers have not come to all gateways");
    }
  }

  /** Waits until all users are logged in and wait for no answer. */
  async untilAnswered(): Promise<void> {
    await eventually(
      () =>
        this.users.every(({ waiting, isLoggedIn }) =>
          waiting === 0 && isLoggedIn
        ),
      { timeout: PATIENCE_MS, what: "users who wait for no answer" },
    );
  }

  /** What the handlers have seen. */
  handled(): Promise<HandledSummary> {
    return summarizeHandled(this.#notesDir);
  }

  /** Ends all. */
  [Symbol.asyncDispose](): Promise<void> {
    // Who leaves in order would wait for one that a test has frozen.
    for (const { process } of this.#hosts) process.kill("SIGKILL");
    return this.#stack.disposeAsync();
  }

  async #start(): Promise<void> {
    const { buses, users, masters, children, depths = [1] } = this.#options;
    for (const at of buses.keys()) {
      this.gateways.push(await this.#startGateway(at));
    }
    for (let i = 0; i < masters; i++) {
      // Each knows one gateway, and learns of the others there.
      const { port } = this.gateways[i % buses.length]!.inner;
      this.groups.push(this.#stack.use(
        await WorkerGroup.start({
          ...{ port, notesDir: this.#notesDir },
          ...{ workers: children, workTimeout: 2.5 },
        }),
      ));
    }
    await this.untilWorkersCame();
    for (let i = 0; i < users; i++) {
      this.users.push(this.#stack.use(
        new ClusterClient(i + 1, depths[i % depths.length]!, this.#context()),
      ));
    }
    await Promise.all(
      this.users.map((user, i) =>
        user.connect(this.gateways[i % buses.length]!.outer)
      ),
    );
    await this.untilAnswered();
    // Logins are told to all within moments; answers do not wait for that.
    await new Promise((resolve) => setTimeout(resolve, 500));
  }

  async #startGateway(
    at: number,
    more: GatewayOptions = {},
  ): Promise<GatewayHost> {
    const cluster = this.#options.buses[at]!;
    const { gateway, handovers } = this.#options;
    const handover: GatewayOptions = handovers
      ? { io: "epoll", handover: `${this.#socketsDir}/${at}.sock` }
      : {};
    const host = this.#stack.use(
      await GatewayHost.start({
        ...{ ...GATEWAY, ...gateway, ...handover, cluster, ...more },
      }),
    );
    this.#hosts.push(host);
    return host;
  }

  #context(): ClusterClientContext {
    const { events, users, mayBeCut, random } = this.#options;
    const { totals, more, deliveries } = this;
    const own = random.fork();
    return {
      ...{ totals, more, deliveries, events, users, mayBeCut },
      random: own,
      mayGoOn: () => this.maySend,
      choose: () => own.pick(this.serving).outer,
    };
  }
}
