// Where gateways ask for a handover: whose path it is, and what those get who ask at a bad moment.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Passing, Taking } from "@maple/box/internal";
import { Gateway, GatewayError, type GatewayOptions } from "@maple/gateway";
import { handoverTest as test } from "../../helpers/handover_test_case.ts";
import { fail } from "../../../gateway/errors.ts";
import type { Offer } from "../../../gateway/handover/format.ts";

const ASKED = {
  whose: "the gateway",
  hello: { version: "0.0.0", pid: Deno.pid },
  timeoutMs: 20_000,
  fail,
};
const OPTIONS: GatewayOptions = {
  ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0, io: "epoll" },
};

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

test("a file that is no socket is not removed for a handover", async (handover) => {
  await Deno.writeTextFile(handover, "somebody's");
  await using gateway = new Gateway({ ...OPTIONS, handover });
  for (const call of [() => gateway.checkHandover(), () => gateway.listen()]) {
    const error = await assertRejects(call, GatewayError);
    assertEquals(
      error.message,
      `Cannot listen for a handover at ${handover}: what is there is no socket; name another path`,
    );
  }
  assertEquals(await Deno.readTextFile(handover), "somebody's");
});

test("the socket of a gateway that has died is replaced", async (handover) => {
  using passing = Passing.open();
  passing.close(passing.listen(handover));
  assert(await exists(handover));
  await using gateway = new Gateway({ ...OPTIONS, handover });
  await gateway.listen();
  await gateway.close();
  assertEquals(await exists(handover), false);
});

test("a gateway that ends leaves the path to another one that has it now", async (handover) => {
  await using first = new Gateway({ ...OPTIONS, handover });
  await first.listen();
  await Deno.remove(handover);
  await using second = new Gateway({ ...OPTIONS, handover });
  await second.listen();
  await first.close();
  assert(await exists(handover));
  await second.close();
  assertEquals(await exists(handover), false);
});

test("who is turned away since others ask just now asks again, and does not take the gateway for none", async (handover) => {
  await using gateway = new Gateway({ ...OPTIONS, handover });
  await gateway.listen();
  using passing = Passing.open();
  const others = Array.from({ length: 8 }, () => passing.connect(handover));
  const asked = Taking.ask<Offer>(passing, handover, ASKED);
  const leave = setTimeout(() => passing.close(others.pop()!), 100);
  using taking = await asked;
  clearTimeout(leave);
  assertEquals(taking?.offer.pid, Deno.pid);
  for (const one of others) passing.close(one);
});

test("a gateway with a list of addresses that is longer than a message tells what it has", async (handover) => {
  const deny = Array.from(
    { length: 6000 },
    (_, i) => `10.${i >> 8}.${i & 255}.0/24`,
  ).join();
  await using gateway = new Gateway({ ...OPTIONS, handover, deny });
  await gateway.listen();
  using passing = Passing.open();
  using taking = await Taking.ask<Offer>(passing, handover, ASKED);
  assertEquals(taking?.offer.settings.deny, `${deny.length} characters`);
});
