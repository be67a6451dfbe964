// Trigger.ban() and maple trigger ban: clients of an address are closed and kept out.

import { assertEquals, assertRejects } from "@std/assert";
import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger, TriggerError } from "@maple/trigger";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { pathOf } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { innerAddress, makeTrigger } from "./trigger_fixture.ts";

Deno.test("Trigger.ban() closes clients at all gateways, and 0 seconds let them in again", async () => {
  await using one = await GatewayFixture.start();
  await using other = await GatewayFixture.start();
  await using clients = new AsyncDisposableStack();
  for (const gateway of [one, one, other]) {
    clients.use(await gateway.connectRaw());
  }
  await one.until(({ clients }) => clients === 2);
  await other.until(({ clients }) => clients === 1);
  await using trigger = new Trigger(Box, [one, other].map(innerAddress), {
    logger: SILENT,
  });
  assertEquals(await trigger.ban({ address: "127.0.0.0/8", seconds: 60 }), {
    closed: 3,
    complete: true,
  });
  for (const gateway of [one, other]) {
    assertEquals(await gateway.refuses(), true);
  }
  assertEquals(await trigger.ban({ address: "127.0.0.0/8", seconds: 0 }), {
    closed: 0,
    complete: true,
  });
  assertEquals(
    [one, other].map(({ gateway }) => gateway.stats().bans),
    [0, 0],
  );
});

Deno.test("Trigger.ban() tells why a gateway refuses one", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = makeTrigger(gateway);
  const error = await assertRejects(
    () => trigger.ban({ address: "everybody", seconds: 60 }),
    TriggerError,
    'A ban takes an address or a range such as 192.0.2.7 or 10.0.0.0/8, got "everybody"',
  );
  assertEquals(error.code, "refused");
});

async function ban(
  args: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...[...runArgs("trigger"), pathOf("../../trigger/mod.ts"), "ban"],
      ...args,
    ],
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  return { code, out: out!, err: err! };
}

Deno.test("maple trigger ban closes clients and says how many", async () => {
  await using gateway = await GatewayFixture.start();
  await using client = await gateway.connectRaw();
  await gateway.until(({ clients }) => clients === 1);
  const port = String(gateway.inner.port);
  const address = ["--address", "127.0.0.1", "--seconds", "60"];
  assertEquals(await ban([...address, "--port", port]), {
    code: 0,
    out: '{"closed":1,"complete":true}\n',
    err: "",
  });
  assertEquals(await client.nextFrame(), null);
  assertEquals(gateway.gateway.stats().bans, 1);
});

Deno.test("maple trigger ban says what is wrong before it asks a gateway", async () => {
  const port = ["--port", String(freePort())];
  const wrong = [
    [
      ["--seconds", "5"],
      "--address takes an address or a range such as 192.0.2.7 or 10.0.0.0/8, got nothing",
    ],
    [
      ["--address", "x", "--seconds", "5"],
      '--address takes an address or a range such as 192.0.2.7 or 10.0.0.0/8, got "x"',
    ],
    [
      ["--address", "::1"],
      "--seconds is missing: how long the ban lasts",
    ],
  ] as const;
  for (const [args, line] of wrong) {
    assertEquals(await ban([...args, ...port]), {
      code: 2,
      out: "",
      err: `maple trigger: ${line}\n`,
    });
  }
});
