// Gateways of a cluster in which as much as possible is under way between them, and the ones that
// take their places: what those would hand over in turn is the same, field by field.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeQuery } from "@maple/box/internal";
import { TaskCmd } from "@maple/box";
import { Gateway, type GatewayOptions } from "@maple/gateway";
import { encodeMessage } from "../../../gateway/cluster/message.ts";
import { FORMAT_VERSION } from "../../../gateway/handover/format.ts";
import { ClusterFixture } from "../../helpers/cluster_fixture.ts";
import type { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { MemoryBuses } from "../../helpers/memory_bus.ts";
import { pathOf } from "../../helpers/paths.ts";
import { CapturedState, taken } from "./captured_state.ts";

const ignore = Deno.build.os !== "linux";
// The first version of a cluster.
const FIRST_VERSION = 2;
const golden = (version: number) =>
  pathOf(`../gateway/handover/golden/v${version}_cluster.bin`);
const OPTIONS: GatewayOptions = {
  ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0 },
  ...{ reusePort: true, io: "epoll", workerTimeout: 0 },
};

/** Two gateways: one lends its tasks to the other, whose answers stay on their way. */
async function start() {
  const stack = new AsyncDisposableStack();
  const cluster = stack.use(await ClusterFixture.start(2, OPTIONS));
  const [poor, rich] = cluster.gateways as [GatewayFixture, GatewayFixture];
  const worker = stack.use(await rich.attach());
  await worker.askExplicitly();
  const client = stack.use(await poor.connect());
  for (let sn = 1; sn <= 3; sn++) {
    await client.write({ cmd: 1, sn, body: `body ${sn}` });
  }
  const other = stack.use(await poor.connect());
  await other.write({ cmd: 1, sn: 9 });
  await worker.expect(TaskCmd.CLIENT_CREATED);
  await poor.until(({ inHand }) => inHand === 2);
  await rich.until(({ queued, inHand }) => inHand === 1 && queued === 1);
  // A question whose part of the other gateway does not come.
  const trigger = stack.use(await poor.attach());
  cluster.parts[1]!.bus.freeze();
  await trigger.send({
    ...{ cmd: TaskCmd.QUERY, custom: 7 },
    body: encodeQuery({ uids: [1, 2 ** 40] }),
  });
  await poor.until(({ innerLinks, innerFrames }) =>
    innerLinks === 1 && innerFrames.QUERY === 1
  );
  // Half of a message.
  const third = cluster.buses.make();
  await third.open({ onMessage() {}, onState() {} });
  stack.defer(() => third.close());
  third.publish(encodeMessage({
    ...{ kind: "command", node: 3, id: 99, number: -5, piece: 0, pieces: 2 },
  }, new Uint8Array(50).fill(3)));
  await new Promise((resolve) => setTimeout(resolve, 0));
  return { stack, poor, rich };
}

async function afterTaking(
  state: CapturedState,
  options: GatewayOptions = {},
): Promise<Record<string, unknown>> {
  const bus = new MemoryBuses().make();
  await bus.open({ onMessage() {}, onState() {} });
  await using gateway = new Gateway({ ...OPTIONS, bus, ...options });
  const reader = state.putInto(gateway);
  using next = CapturedState.of(gateway);
  reader.release();
  const told = next.toJSON(reader.shift);
  await gateway.closeNow();
  return told;
}

// Without what is not JSON, and what the other one's options say.
function comparable(told: Record<string, unknown>): Record<string, unknown> {
  const { settings: _, ...rest } = told;
  return JSON.parse(JSON.stringify(rest));
}

Deno.test({
  name:
    "a gateway of a cluster that has taken the place of another holds the same, field by field",
  ignore,
  async fn() {
    const { stack, poor, rich } = await start();
    await using _stack = stack;
    using lends = CapturedState.of(poor.gateway);
    using borrows = CapturedState.of(rich.gateway);
    if (Deno.env.get("MAPLE_WRITE_GOLDEN")) {
      Deno.writeFileSync(golden(FORMAT_VERSION), lends.bytes);
    }
    const kinds = (state: CapturedState) =>
      taken(state.bytes, 0).records.map(({ kind }) => kind);
    for (const kind of ["far", "gathering", "part", "piece"]) {
      assert(kinds(lends).includes(kind), kind);
    }
    const { records } = taken(borrows.bytes, 0);
    for (const where of ["hand", "ready"]) {
      assert(
        records.some(({ kind, values }) =>
          kind === "task" && values.where === where && Number(values.from) > 0
        ),
        where,
      );
    }
    for (const state of [lends, borrows]) {
      const before = comparable(state.toJSON(0));
      assertEquals(comparable(await afterTaking(state)), before);
    }
  },
});

for (let version = FIRST_VERSION; version <= FORMAT_VERSION; version++) {
  Deno.test({
    name: `a gateway reads what version ${version} has written in a cluster`,
    ignore,
    async fn() {
      using state = CapturedState.fromFile(golden(version));
      const { records } = taken(state.bytes, 0);
      const told = await afterTaking(state) as { records: [string][] };
      for (const kind of ["far", "gathering", "part", "piece", "task"]) {
        assertEquals(
          told.records.filter(([one]) => one === kind).length,
          records.filter((one) => one.kind === kind).length,
          kind,
        );
      }
    },
  });
}

Deno.test({
  name:
    "a gateway takes no place of one in another cluster, or with another number than it was told",
  ignore,
  async fn() {
    using state = CapturedState.fromFile(golden(FORMAT_VERSION));
    for (
      const [options, why] of [
        [{ clusterName: "another" }, "its cluster is maple, and that of this"],
        [{ nodeId: 5 }, "its nodeId is 1, and that of this one 5"],
        [{ bus: undefined }, "its cluster is maple, and that of this one none"],
      ] as const
    ) {
      const bus = new MemoryBuses().make();
      await using gateway = new Gateway({ ...OPTIONS, bus, ...options });
      assertThrows(() => state.putInto(gateway), Error, why);
      await gateway.closeNow();
    }
  },
});
