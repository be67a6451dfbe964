// ClusterFixture: several gateways in this process that are one cluster, over a bus in memory.

import type { GatewayOptions } from "@maple/gateway";
import { GatewayFixture } from "./gateway_fixture.ts";
import { type MemoryBus, MemoryBuses } from "./memory_bus.ts";

/** One of the gateways, and what it tells the others by. */
export interface ClusterPart {
  /** The gateway. */
  readonly fixture: GatewayFixture;
  /** Its bus. */
  readonly bus: MemoryBus;
}

/** Several gateways in this process that know each other; their nodes are 1, 2, ... */
export class ClusterFixture implements AsyncDisposable {
  /** All of them. */
  readonly parts: readonly ClusterPart[];
  /** What their buses are of. */
  readonly buses: MemoryBuses;

  private constructor(parts: readonly ClusterPart[], buses: MemoryBuses) {
    this.parts = parts;
    this.buses = buses;
  }

  /** Starts them. */
  static async start(
    count: number,
    options: GatewayOptions = {},
  ): Promise<ClusterFixture> {
    const buses = new MemoryBuses();
    const parts = Array.from({ length: count }, async (_, i) => {
      const bus = buses.make();
      const own = { ...options, bus, nodeId: i + 1 };
      return { bus, fixture: await GatewayFixture.start(own) };
    });
    return new ClusterFixture(await Promise.all(parts), buses);
  }

  /** The gateways. */
  get gateways(): GatewayFixture[] {
    return this.parts.map(({ fixture }) => fixture);
  }

  /** Closes all at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.gateways.map((gateway) => gateway[Symbol.asyncDispose]()),
    );
  }
}
