// What becomes of commands over several gateways when one does not answer, or the bus is away.

import { assert, assertEquals } from "@std/assert";
import {
  Box,
  encodeRspToUsers,
  Task,
  TaskCmd,
  TaskFlag,
  type UserMessage,
} from "@maple/box";
import { concat } from "@std/bytes/concat";
import { encodeQuery } from "@maple/box/internal";
import { eventually } from "../../helpers/eventually.ts";
import { PATIENCE_MS } from "../../helpers/within.ts";
import { login, row, textRead } from "../inner/command_support.ts";
import { decodeHead } from "../../../gateway/cluster/message.ts";
import { Across, textsUntil } from "./across_support.ts";

const TO_ALL = {
  cmd: TaskCmd.WRITE_TO_USERS,
  body: encodeRspToUsers([row("all", [-1, 77])]),
};

Deno.test("a gateway that does not answer is told as missing after a second; the others' parts count", async () => {
  await using across = await Across.start(3);
  for (const at of [0, 1, 2]) await across.user(at, at + 1);
  // What it has done it does not tell.
  across.cluster.parts[2]!.bus.onCarried = (message) =>
    decodeHead(message)?.kind === "part" ? undefined : message;
  const from = performance.now();
  const receipt = await across.receipt(0, TO_ALL);
  assert(performance.now() - from < PATIENCE_MS / 2);
  assertEquals(
    [receipt.delivered, receipt.offline, receipt.missingNodes],
    [2, [77], [3]],
  );
  const asked = await across.ask(1, { body: encodeQuery({ limit: 10 }) });
  assertEquals([asked.online, asked.missingNodes], [[1, 2], [3]]);
  // One that is about a client of that gateway alone.
  const { created } = await across.user(2, 5);
  const closed = await across.receipt(
    0,
    created.map({ cmd: TaskCmd.CLOSE_CLIENT }),
  );
  assertEquals([closed.delivered, closed.missingNodes], [0, [3]]);
  const { clusterMissing } = across.places[0]!.gateway.gateway.stats();
  assertEquals(clusterMissing, 2);
});

Deno.test("a gateway that is cut off serves its own clients, and tells what it does not know", async () => {
  await using across = await Across.start(2);
  const [here, there] = [await across.user(0, 1), await across.user(1, 2)];
  across.cluster.parts[0]!.bus.cut();
  const receipt = await across.receipt(0, TO_ALL);
  assertEquals([receipt.delivered, receipt.missingNodes], [1, [2]]);
  assertEquals(await textRead(here.client), "all");
  const asked = await across.ask(0, { body: encodeQuery({ uids: [1, 2] }) });
  assertEquals(
    [asked.online, asked.offline, asked.missingNodes],
    [[1], [2], [2]],
  );
  const { worker, gateway } = across.places[0]!;
  const answer = new Box({ body: "served" }).pack();
  await worker.send(
    here.created.map({ cmd: TaskCmd.WRITE_TO_CLIENT, body: answer }),
  );
  assertEquals(await textRead(here.client), "served");
  // What is for the other one is dropped, and counted by its cause.
  await worker.send(
    there.created.map({ cmd: TaskCmd.WRITE_TO_CLIENT, body: answer }),
  );
  await gateway.until(({ clusterNotPassedOn }) => clusterNotPassedOn.away > 2);
  // Meanwhile the user comes here.
  const again = await across.user(0, 2);
  assertEquals(across.places[1]!.gateway.gateway.stats().users, 1);

  across.cluster.parts[0]!.bus.heal();
  await across.places[1]!.gateway.until(({ users }) => users === 0);
  await worker.send({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row("end", [2])]),
  });
  assertEquals(await textsUntil(again.client, "end"), []);
  const whole = await across.receipt(0, TO_ALL);
  assertEquals([whole.delivered, whole.missingNodes], [2, []]);
});

Deno.test("a gateway that has never met another tells that others are not known while the bus is away", async () => {
  await using across = await Across.start(1);
  await across.user(0, 1);
  const alone = await across.receipt(0, TO_ALL);
  assertEquals([alone.delivered, alone.missingNodes], [1, []]);
  across.cluster.parts[0]!.bus.cut();
  const away = await across.receipt(0, TO_ALL);
  assertEquals([away.delivered, away.missingNodes], [1, [-1]]);
  // What is for this gateway only is whole.
  const local = await across.receipt(0, { ...TO_ALL, flags: TaskFlag.LOCAL });
  assertEquals([local.delivered, local.missingNodes], [1, []]);
});

Deno.test("a gateway that leaves gives the receipts that it still gathers", async () => {
  await using across = await Across.start(2);
  await across.user(0, 1);
  across.cluster.parts[1]!.bus.onCarried = (message) =>
    decodeHead(message)?.kind === "part" ? undefined : message;
  const receipt = across.receipt(0, TO_ALL);
  const { gateway } = across.places[0]!;
  await gateway.until(({ userMessages }) => userMessages === 1);
  await gateway.gateway.closeNow();
  const { delivered, missingNodes } = await receipt;
  assertEquals([delivered, missingNodes], [1, [2]]);
});

Deno.test("what one gateway passes on waits at another that sends to many, in order", async () => {
  // Each message to all is as much as may be on its way.
  await using across = await Across.start(2, { fanOutBytes: 50_000 });
  const clients = [];
  for (let i = 0; i < 130; i++) clients.push((await across.user(1, 0)).client);
  const { worker } = across.places[0]!;
  const sent = Array.from({ length: 20 }, (_, i) => `${i}`);
  const body = encodeRspToUsers(sent.map((text) => row(text, [-2])));
  await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, body });
  const far = across.places[1]!.gateway;
  // Behind it, of the same sender.
  const end = encodeRspToUsers([row("end", [-2])]);
  await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, body: end });
  for (const client of clients) {
    assertEquals(await textsUntil(client, "end"), sent);
  }
  assert(far.gateway.stats().fanOutWaits > 0, "nothing had to wait");
  assertEquals(far.gateway.stats().clusterDropped.waiting, 0);
});

Deno.test("what is too much to wait at another gateway is dropped there, and counted", async () => {
  await using across = await Across.start(2, { fanOutBytes: 50_000 });
  const clients = [];
  for (let i = 0; i < 130; i++) clients.push((await across.user(1, 0)).client);
  await across.user(1, 1);
  const { worker } = across.places[0]!;
  const far = across.places[1]!.gateway;
  const send = (rows: UserMessage[]) =>
    worker.send({
      cmd: TaskCmd.WRITE_TO_USERS,
      body: encodeRspToUsers(rows),
    });
  const texts = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `${from + i}`);
  const first = texts(0, 50);
  await send(first.map((text) => row(text, [-2])));
  // As many as come before the first is done.
  const more = texts(50, 1000);
  const bytes = more.map((text) =>
    new Task({
      cmd: TaskCmd.WRITE_TO_USERS,
      body: encodeRspToUsers([row(text, [-2])]),
    }).pack()
  );
  await worker.sendBytes(concat(bytes));
  await far.until(({ clusterDropped }) => clusterDropped.waiting > 0);
  await far.log.line(/^WARN commands that gateway 1 has passed on are dropped/);
  await across.settled(0);
  await eventually(async () => {
    const receipt = await across.receipt(0, {
      cmd: TaskCmd.WRITE_TO_USERS,
      body: encodeRspToUsers([row("end", [-2])]),
    });
    return receipt.missingNodes.length === 0;
  });
  const got = await textsUntil(clients[0]!, "end");
  assertEquals(got.slice(0, 50), first);
  const rest = got.slice(50).map(Number);
  assert(rest.length < more.length);
  assertEquals(rest, rest.toSorted((a, b) => a - b));
});

Deno.test("a user who comes to another gateway while it is cut off is logged in there", async () => {
  await using across = await Across.start(2);
  const { created } = await across.user(0, 0);
  across.cluster.parts[0]!.bus.freeze();
  // A login never waits for anybody.
  const { worker, gateway } = across.places[0]!;
  await worker.send(login(created, 3));
  await gateway.until(({ users }) => users === 1);
});
