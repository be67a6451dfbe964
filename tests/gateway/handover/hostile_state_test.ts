// A state that is cut, changed or not what it seems: a gateway refuses it in one line, or takes what
// was written; the descriptors that came are closed by whoever has brought them.

import { assert, assertEquals } from "@std/assert";
import { Gateway, type GatewayOptions } from "@maple/gateway";
import { lineOf, SILENT } from "@maple/box/internal";
import { FORMAT_VERSION } from "../../../gateway/handover/format.ts";
import { mangled } from "../../helpers/mangled.ts";
import { pathOf } from "../../helpers/paths.ts";
import { propertyTest } from "../../helpers/random.ts";
import { CapturedState, handoverOf } from "./captured_state.ts";

const OPTIONS: GatewayOptions = {
  ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0, wsPort: 0 },
  ...{ io: "epoll", workerTimeout: 0, clientQueueMax: 6, queueMax: 12 },
  ...{ heartbeatCmd: 77, clientRate: 20, connTimeout: 600 },
  ...{ connsPerAddress: 100, connectRate: 1000, goneRequests: "run" },
  logger: SILENT,
};
const GOLDEN = pathOf(`../gateway/handover/golden/v${FORMAT_VERSION}.bin`);
const BUDGET_MS = 3000;

// Why it is refused; undefined when it is taken.
async function refusal(
  bytes: Uint8Array,
  descriptors: readonly number[],
): Promise<string | undefined> {
  await using gateway = new Gateway(OPTIONS);
  const reader = handoverOf(gateway).reader();
  try {
    reader.descriptors(descriptors);
    reader.bytes(bytes);
    reader.end();
    return undefined;
  } catch (error) {
    return lineOf(error);
  } finally {
    reader.release();
    await gateway.closeNow();
  }
}

Deno.test({
  name: "a gateway refuses a state that has not all descriptors, or more",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using state = CapturedState.fromFile(GOLDEN);
    const { bytes, descriptors, passing } = state;
    assertEquals(await refusal(bytes, descriptors), undefined);
    const count = descriptors.length;
    assertEquals(
      await refusal(bytes, descriptors.slice(0, -1)),
      `descriptor ${count - 1} is missing`,
    );
    assertEquals(
      await refusal(bytes, [...descriptors, descriptors[0]!]),
      `${count + 1} descriptors have come, and ${count} are told of`,
    );
    for (const one of descriptors) assert(passing.isOpen(one));
  },
});

if (Deno.build.os === "linux") {
  propertyTest(
    "a gateway refuses a changed state in one line",
    async (random) => {
      using state = CapturedState.fromFile(GOLDEN);
      const end = performance.now() + BUDGET_MS;
      let refused = 0;
      while (performance.now() < end) {
        const { bytes, descriptors } = mangled(state, random);
        const why = await refusal(bytes, descriptors);
        if (why === undefined) continue;
        refused++;
        assert(/^\P{Cc}{1,400}$/u.test(why), why);
      }
      assert(refused > 0);
      for (const one of state.descriptors) assert(state.passing.isOpen(one));
    },
  );
}
