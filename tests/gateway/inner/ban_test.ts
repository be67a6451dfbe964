// BAN: a frame that keeps clients of an address out, and is always answered by a receipt.

import { assertEquals } from "@std/assert";
import { type BanOptions, Task, TaskCmd } from "@maple/box";
import { banTask, decodeReceipt, noReceipt } from "@maple/box/internal";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { ALL_SECRETS, attachProven } from "../../helpers/proven_worker.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

async function answerTo(link: RawWorker, task: Task) {
  await link.send(task);
  const frame = await link.nextFrame();
  const { cmd, custom, body } = Task.fromFrame(frame!);
  assertEquals(cmd, TaskCmd.RECEIPT);
  return { custom, receipt: decodeReceipt(body) };
}

Deno.test("BAN closes clients and is answered with how many they were", async () => {
  await using gateway = await GatewayFixture.start();
  await using first = await gateway.connectRaw();
  await using second = await gateway.connectRaw();
  await gateway.until(({ clients }) => clients === 2);
  await using admin = await gateway.attach();
  const task = banTask({ address: "127.0.0.1", seconds: 60 });
  task.custom = 77;
  assertEquals(await answerTo(admin, task), {
    custom: 77,
    receipt: { ...noReceipt(), delivered: 2 },
  });
  for (const client of [first, second]) {
    assertEquals(await client.nextFrame(), null);
  }
  assertEquals(await gateway.refuses(), true);
  await gateway.log.line(
    /INFO 127\.0\.0\.1 is banned for 60 s, as .* has asked$/,
  );
  const { bans, innerFrames } = gateway.gateway.stats();
  assertEquals([bans, innerFrames.BAN], [1, 1]);
  await answerTo(admin, banTask({ address: "127.0.0.1", seconds: 0 }));
  await gateway.log.line(/INFO the ban of 127\.0\.0\.1 is ended/);
  assertEquals(gateway.gateway.stats().bans, 0);
});

Deno.test("BAN that does not fit is answered with why, and changes nothing", async () => {
  await using gateway = await GatewayFixture.start();
  await using admin = await gateway.attach();
  const wrong: [unknown, string][] = [
    [{ address: "x", seconds: 1 }, "A ban takes an address or a range"],
    [{ address: "::1", seconds: -1 }, "The seconds of a ban must be a number"],
    [{ address: "::1" }, "Cannot decode a ban"],
    [null, "Cannot decode a ban"],
    [[], "Cannot decode a ban"],
  ];
  for (const [body, error] of wrong) {
    const task = new Task({ cmd: TaskCmd.BAN, body: JSON.stringify(body) });
    const { receipt } = await answerTo(admin, task);
    assertEquals(receipt.error.slice(0, error.length), error);
  }
  const nothing = await answerTo(admin, new Task({ cmd: TaskCmd.BAN }));
  assertEquals(nothing.receipt.error.startsWith("Cannot decode a ban"), true);
  const { bans, badCommands, receipts } = gateway.gateway.stats();
  assertEquals([bans, badCommands, receipts.refused], [0, 6, 6]);
});

Deno.test("BAN takes the secret of an admin where there are secrets", async () => {
  await using gateway = await GatewayFixture.start({
    innerSecrets: ALL_SECRETS,
  });
  for (const role of ["worker", "trigger", "monitor"] as const) {
    const { peer } = await attachProven(gateway.inner, role);
    await using _peer = peer;
    const task = banTask({ address: "127.0.0.1", seconds: 60 });
    const { receipt } = await answerTo(peer, task);
    assertEquals(receipt.error, `command 460, which role ${role} may not`);
  }
  assertEquals(gateway.gateway.stats().bans, 0);
  const { peer: admin } = await attachProven(gateway.inner, "admin");
  await using _admin = admin;
  const task = banTask({ address: "127.0.0.1", seconds: 60 });
  assertEquals((await answerTo(admin, task)).receipt.error, "");
  assertEquals(gateway.gateway.stats().bans, 1);
});

Deno.test("banTask() takes what BAN says", () => {
  const options: BanOptions = { address: "192.0.2.0/24", seconds: 1.5 };
  assertEquals(JSON.parse(new TextDecoder().decode(banTask(options).body)), {
    address: "192.0.2.0/24",
    seconds: 1.5,
  });
});
