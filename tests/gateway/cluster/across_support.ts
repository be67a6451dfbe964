// What the tests of commands over several gateways share: a cluster with a worker and users at each
// gateway.

import { assertEquals } from "@std/assert";
import {
  type Int64,
  type Task,
  TaskCmd,
  TaskFlag,
  type TaskInit,
} from "@maple/box";
import { decodeReceipt, encodeQuery, type Receipt } from "@maple/box/internal";
import type { GatewayOptions } from "@maple/gateway";
import { ClusterFixture } from "../../helpers/cluster_fixture.ts";
import type { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";
import {
  type Client,
  connectSeen,
  login,
  textRead,
} from "../inner/command_support.ts";

/** A user and his connection. */
export interface User {
  /** Who. */
  readonly uid: Int64;
  /** Where. */
  readonly client: Client;
  /** The task that told of it. */
  readonly created: Task;
}

/** One gateway of a cluster with its worker. */
export interface Place {
  /** The gateway. */
  readonly gateway: GatewayFixture;
  /** Its worker. */
  readonly worker: RawWorker;
}

/** A cluster with a worker at each gateway. */
export class Across implements AsyncDisposable {
  /** The gateways. */
  readonly cluster: ClusterFixture;
  /** The same with their workers. */
  readonly places: readonly Place[];
  readonly #open: AsyncDisposable[] = [];
  #lastCustom = 0;

  private constructor(cluster: ClusterFixture, places: readonly Place[]) {
    this.cluster = cluster;
    this.places = places;
  }

  /** Starts it. */
  static async start(
    count: number,
    options: GatewayOptions = {},
  ): Promise<Across> {
    const cluster = await ClusterFixture.start(count, options);
    const places = await Promise.all(
      cluster.gateways.map(async (gateway) => ({
        gateway,
        worker: await gateway.attach(),
      })),
    );
    return new Across(cluster, places);
  }

  /** Connects a client at a gateway and logs a user in on it; 0 = nobody. */
  async user(at: number, uid: Int64): Promise<User> {
    const { gateway, worker } = this.places[at]!;
    const [client, created] = await connectSeen(gateway, worker);
    this.#open.push(client);
    if (uid !== 0) {
      await worker.send(login(created, uid));
      await this.settled(at);
    }
    return { uid, client, created };
  }

  /** All that a worker has sent before is done at its gateway and passed on. */
  async settled(at: number): Promise<void> {
    await this.ask(at, { body: encodeQuery({ names: ["?"] }) });
  }

  /** Sends a frame that wants a receipt through a gateway, and takes that. */
  async receipt(at: number, init: TaskInit | Task): Promise<Receipt> {
    const { worker } = this.places[at]!;
    const custom = 2n ** 60n + BigInt(++this.#lastCustom);
    const flags = (init.flags ?? 0) | TaskFlag.RECEIPT_WANTED;
    await worker.send({ ...init, custom, flags });
    const receipt = await worker.expect(TaskCmd.RECEIPT);
    assertEquals(receipt.custom, custom);
    return decodeReceipt(receipt.body);
  }

  /** Puts a question to a gateway. */
  ask(at: number, init: TaskInit): Promise<Receipt> {
    return this.receipt(at, { cmd: TaskCmd.QUERY, ...init });
  }

  /** Closes all. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open) await one[Symbol.asyncDispose]();
    for (const { worker } of this.places) await worker[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
  }
}

/** The texts of the next boxes of a client, up to one that ends them. */
export async function textsUntil(client: Client, end: string) {
  const texts: (string | undefined)[] = [];
  for (;;) {
    const text = await textRead(client);
    if (text === end) return texts;
    if (text === undefined) throw new Error(`closed after ${texts}`);
    texts.push(text);
  }
}
