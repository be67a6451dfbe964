// Trigger.drain() and maple trigger drain: one of several gateways leaves.

import { assertEquals, assertRejects } from "@std/assert";
import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger, TriggerError } from "@maple/trigger";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { pathOf } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { runProcess } from "../helpers/process.ts";
import { within } from "../helpers/within.ts";
import { innerAddress } from "./trigger_fixture.ts";

const QUICK = { lameDuckNotice: 0 };

Deno.test("Trigger.drain() has the one gateway leave that has the number, and says when none has", async () => {
  await using one = await GatewayFixture.start({ ...QUICK, nodeId: 1 });
  await using two = await GatewayFixture.start({ ...QUICK, nodeId: 2 });
  await using client = await two.connectBox();
  await two.until(({ clients }) => clients === 1);
  await using trigger = new Trigger(Box, [one, two].map(innerAddress), {
    logger: SILENT,
  });
  const nobody = await assertRejects(
    () => trigger.drain({ node: 3, seconds: 1 }),
    TriggerError,
    "Cannot drain node 3: no gateway that was asked has this number",
  );
  assertEquals(nobody.code, "refused");
  const wrong = await assertRejects(
    () => trigger.drain({ node: 2, seconds: -1 }),
    TriggerError,
    "The seconds of a drain must be a number from 0 to",
  );
  assertEquals(wrong.code, "refused");
  await trigger.drain({ node: 2, seconds: 0 });
  assertEquals(await client.read(), null);
  await within(two.gateway.finished, "the end of the gateway");
  assertEquals(one.gateway.state, "serving");
});

function drain(args: readonly string[]) {
  return runProcess(Deno.execPath(), {
    args: [
      ...[...runArgs("trigger"), pathOf("../../trigger/mod.ts"), "drain"],
      ...args,
    ],
  });
}

Deno.test("maple trigger drain has a gateway leave, and says what it has asked for", async () => {
  await using gateway = await GatewayFixture.start({ ...QUICK, nodeId: 7 });
  const port = ["--port", String(gateway.inner.port)];
  const seconds = ["--seconds", "0.5"];
  assertEquals(await drain(["--node", "8", ...seconds, ...port]), {
    code: 1,
    stdout: [],
    stderr:
      "maple trigger: Cannot drain node 8: no gateway that was asked has this number\n",
  });
  assertEquals(await drain(["--node", "7", ...seconds, ...port]), {
    code: 0,
    stdout: ['{"node":7,"seconds":0.5}'],
    stderr: "",
  });
  await within(gateway.gateway.finished, "the end of the gateway");
});

Deno.test("maple trigger drain says what is missing before it asks a gateway", async () => {
  for (
    const [args, line] of [
      [["--seconds", "5"], "--node is missing: which gateway is to leave"],
      [
        ["--node", "5"],
        "--seconds is missing: over how long its clients move",
      ],
    ] as const
  ) {
    assertEquals(await drain(args), {
      code: 2,
      stdout: [],
      stderr: `maple trigger: ${line}\n`,
    });
  }
});
