// Groups by way of a trigger: the calls, those of a kept request, and the programs.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { BoxError } from "@maple/box";
import { VirtualRequest } from "@maple/trigger";
import { main } from "../../trigger/main.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import {
  joinClient,
  type JoinedClient,
  makeTrigger,
  nextText,
} from "./trigger_fixture.ts";

Deno.test("Trigger: joinGroup, writeToGroups, leaveGroup and closeGroup", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using a = await joinClient(gateway, worker);
  await using b = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway);
  await new VirtualRequest(trigger, a.created).loginClient(1, 3);
  await new VirtualRequest(trigger, b.created).loginClient(2, 1);
  assert(await trigger.joinGroup("room", [1, 2, 99]));
  assert(await trigger.joinGroup("room", []));
  assert(
    await trigger.writeToGroups([
      [["room"], { body: "bit 2" }, { userdata: 2 }],
      [["room", "none"], { body: "not 1" }, { exclude: [1] }],
    ]),
  );
  assertEquals(await nextText(a), "bit 2");
  assertEquals(await nextText(b), "not 1");
  assert(await trigger.leaveGroup("room", [1]));
  const receipt = await trigger.writeToGroups(
    [[["room"], { body: "who is left" }]],
    { receipt: true },
  );
  assertEquals([receipt.delivered, receipt.complete], [1, true]);
  assertEquals(await nextText(b), "who is left");
  assert(await trigger.leaveGroup("room", []));
  const closed = await trigger.closeGroup("room", { receipt: true });
  assertEquals(closed.delivered, 1);
  assertEquals(await nextText(b), "closed");
  await assertRejects(
    () => trigger.joinGroup("x".repeat(129), [1]),
    BoxError,
    "1 to 128 bytes of UTF-8",
  );
});

Deno.test("VirtualRequest: a client joins and leaves groups", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using a = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway);
  const request = new VirtualRequest(trigger, a.created);
  assert(await request.joinGroup("a", "b", "c"));
  assert(await request.joinGroup());
  assert(await request.leaveGroup("b"));
  await request.writeToGroups([[["b"], { body: "b" }], [["c"], { body: "c" }]]);
  assertEquals(await nextText(a), "c");
  assert(await request.leaveGroup());
  await request.writeToGroups([[["a", "c"], { body: "nobody" }]]);
  await gateway.until(({ groups }) => groups === 0);
  assert(await request.joinGroup("a"));
  assert(await request.closeGroup("a"));
  assertEquals(await nextText(a), "closed");
});

async function program(
  gateway: GatewayFixture,
  ...args: string[]
): Promise<number> {
  const [name, ...flags] = args;
  const port = String(gateway.inner.port);
  return await main([name!, "--port", port, ...flags]);
}

async function loggedIn(
  gateway: GatewayFixture,
  joined: JoinedClient,
  uid: number,
): Promise<void> {
  await using trigger = makeTrigger(gateway);
  await new VirtualRequest(trigger, joined.created).loginClient(uid);
}

Deno.test("maple trigger join-group, write-to-groups, leave-group and close-group", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using a = await joinClient(gateway, worker);
  await using b = await joinClient(gateway, worker);
  await loggedIn(gateway, a, 1);
  await loggedIn(gateway, b, 2);
  const join = ["join-group", "--group", "table 7", "--uids", "1,2"];
  assertEquals(await program(gateway, ...join), 0);
  const say = (text: string, ...flags: string[]) =>
    program(
      gateway,
      ...["write-to-groups", "--groups", "table 7,x", "--body", text],
      ...flags,
    );
  assertEquals(await say("not 1", "--exclude", "1"), 0);
  assertEquals(await say("all"), 0);
  assertEquals([await nextText(a), await nextText(b)], ["all", "not 1"]);
  const leave = ["leave-group", "--group", "table 7", "--uids", "1"];
  assertEquals(await program(gateway, ...leave), 0);
  assertEquals(await say("left", "--receipt"), 0);
  assertEquals([await nextText(b), await nextText(b)], ["all", "left"]);
  const close = ["close-group", "--group", "table 7", "--receipt"];
  assertEquals(await program(gateway, ...close), 0);
  assertEquals(await nextText(b), "closed");
  // Nobody was reached.
  assertEquals(await program(gateway, ...close), 3);
});

Deno.test("maple trigger tells a wrong name of a group as a mistake in the command line", async () => {
  await using gateway = await GatewayFixture.start();
  for (
    const args of [
      ["join-group", "--uids", "1"],
      ["join-group", "--group", "x"],
      ["join-group", "--group", "x".repeat(129), "--uids", "1"],
      ["write-to-groups", "--body", "x"],
      ["write-to-groups", "--groups", "a,,b"],
      ["close-group"],
    ]
  ) assertEquals(await program(gateway, ...args), 2, args.join(" "));
});
