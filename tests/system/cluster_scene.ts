// ClusterScene: three gateways that are one over a bus, workers that were told of one of them, 300
// users and triggers; and what a test does with them.

import { assertEquals } from "@std/assert";
import type { GatewayStats } from "@maple/gateway";
import { eventually } from "../helpers/eventually.ts";
import { Random } from "../helpers/random.ts";
import { ChaosCluster } from "./chaos/chaos_cluster.ts";
import { ChaosEvents } from "./chaos/events.ts";
import { GROUPS, TO_ALL, TO_GROUP } from "./chaos/messages.ts";
import { TriggerMessages } from "./chaos/trigger_messages.ts";

/** How many users there are. */
export const USERS = 300;
/** How many gateways there are. */
export const GATEWAYS = 3;
/** Long enough for any machine that is busy with other tests. */
export const PATIENCE = { timeout: 60_000 };

/** Gateways that are one, with all that a test needs around them. */
export class ClusterScene implements AsyncDisposable {
  /** The gateways, the workers and the users. */
  readonly cluster: ChaosCluster;
  /** What has happened. */
  readonly events: ChaosEvents;
  /** A trigger at each of the gateways. */
  readonly triggers: TriggerMessages[];

  private constructor(cluster: ChaosCluster, events: ChaosEvents) {
    this.cluster = cluster;
    this.events = events;
    const { deliveries } = cluster;
    this.triggers = cluster.serving.map(({ inner: seed }) =>
      new TriggerMessages({
        ...{ seed, users: USERS, deliveries, events },
        random: new Random(1),
      })
    );
  }

  /**
   * Starts all; users are logged in.
   *
   * @param buses The bus of each gateway.
   * @param mayBeCut Whether gateways are killed.
   * @param handovers Whether others can take their places.
   */
  static async start(
    buses: readonly string[],
    mayBeCut = false,
    handovers = false,
  ): Promise<ClusterScene> {
    const events = new ChaosEvents();
    const cluster = await ChaosCluster.start({
      ...{ buses, users: USERS, masters: 2, children: 1, depths: [1, 4] },
      ...{ mayBeCut, handovers, events, random: new Random(7) },
    });
    return new ClusterScene(cluster, events);
  }

  /** The counters of those that serve. */
  stats(): Promise<GatewayStats[]> {
    return Promise.all(this.cluster.serving.map((one) => one.stats()));
  }

  /** Waits until all gateways see so many, none of them alone. */
  async untilWhole(count = GATEWAYS): Promise<void> {
    await this.until((stats) =>
      stats.every(({ cluster }) =>
        cluster!.state === "whole" && cluster!.gateways.length === count
      )
    );
  }

  /** Waits until the gateways are as the condition wants them. */
  async until(
    condition: (stats: GatewayStats[]) => boolean,
  ): Promise<void> {
    await eventually(async () => condition(await this.stats()), {
      ...PATIENCE,
      what: `gateways as in ${condition}`,
    });
  }

  /** Nothing was lost, came twice, to the wrong user or out of order. */
  async allIsWell(): Promise<void> {
    const { deliveries, totals } = this.cluster;
    await deliveries.untilQuiet();
    const { lost, unsure } = deliveries.sums();
    const { doubled, wrongUser, outOfOrder } = deliveries;
    const { answeredTwice, foreign, refused, givenUp } = totals;
    assertEquals(
      {
        ...{ lost, unsure, doubled, wrongUser, outOfOrder },
        ...{ answeredTwice, foreign, refused, givenUp },
        late: totals.outOfOrder,
      },
      {
        ...{ lost: 0, unsure: 0, doubled: 0, wrongUser: 0, outOfOrder: 0 },
        ...{ answeredTwice: 0, foreign: 0, refused: 0, givenUp: 0, late: 0 },
      },
      this.events.last.join("\n"),
    );
  }

  /** The users send requests and messages to each other for so long; gives how many were done. */
  async busy(ms: number): Promise<number> {
    const { cluster } = this;
    const before = cluster.totals.answered;
    cluster.maySend = true;
    for (const user of cluster.users) user.start();
    await new Promise((resolve) => setTimeout(resolve, ms));
    cluster.maySend = false;
    await cluster.untilAnswered();
    return cluster.totals.answered - before;
  }

  /** Each trigger writes to all, to each group and to some users. */
  async writeToMany(): Promise<void> {
    for (const trigger of this.triggers) {
      await trigger.write(TO_ALL);
      for (let group = 0; group < GROUPS; group++) {
        await trigger.write(TO_GROUP + group);
      }
      for (let user = 1; user <= USERS; user += 7) await trigger.write(user);
    }
  }

  /** How many users are logged in at all gateways. */
  async users(): Promise<number> {
    return (await this.stats()).reduce((sum, { users }) => sum + users, 0);
  }

  /** Ends all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    for (const trigger of this.triggers) await trigger.stop();
  }
}
