// What the gateway tells a sender of what became of its frame.

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  Box,
  encodeCloseUsers,
  encodeRspToUsers,
  type Task,
  TaskCmd,
  TaskFlag,
  type TaskInit,
} from "@maple/box";
import {
  decodeReceipt,
  hello,
  noReceipt,
  type Receipt,
} from "@maple/box/internal";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";
import { connectSeen, login, row, textRead } from "./command_support.ts";

let lastCustom = 0;

/** Sends a frame that wants a receipt, and takes that. */
async function receiptOf(
  peer: RawWorker,
  init: TaskInit | Task,
): Promise<Receipt> {
  const custom = 2n ** 60n + BigInt(++lastCustom);
  await peer.send({ ...init, custom, flags: TaskFlag.RECEIPT_WANTED });
  const receipt = await peer.expect(TaskCmd.RECEIPT);
  assertEquals(receipt.custom, custom);
  return decodeReceipt(receipt.body);
}

function told(receipt: Partial<Receipt>): Receipt {
  return { ...noReceipt(), ...receipt };
}

Deno.test("a receipt of messages to users counts connections and names who is not there", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [one, createdOne] = await connectSeen(gateway, worker);
  await using _one = one;
  const [two, createdTwo] = await connectSeen(gateway, worker);
  await using _two = two;
  await worker.send(login(createdOne, 1, 3));
  await worker.send(login(createdTwo, 2));

  const body = encodeRspToUsers([
    row("a", [1, 2, 7, 7, 2n ** 60n]),
    row("b", [7, 8, 9], 0, [9, 1]),
    // Is there, and not selected.
    row("c", [2], 1),
    row("d", [-1, -2, -3, -9, 0]),
  ]);
  assertEquals(
    await receiptOf(worker, { cmd: TaskCmd.WRITE_TO_USERS, body }),
    told({ delivered: 4, offline: [7, 2n ** 60n, 8] }),
  );
  for (const client of [one, two]) {
    assertEquals([await textRead(client), await textRead(client)], ["a", "d"]);
  }
  const empty = await receiptOf(worker, { cmd: TaskCmd.WRITE_TO_USERS });
  assertEquals(empty, told({}));
  const { reached, nobody } = gateway.gateway.stats().receipts;
  assertEquals([reached, nobody], [1, 1]);
});

Deno.test("a receipt of closed users counts the connections that are closed", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _client = client;
  await worker.send(login(created, 1));
  const body = encodeCloseUsers({ uids: [1, 5], userdata: 0, exclude: [] });
  assertEquals(
    await receiptOf(worker, { cmd: TaskCmd.CLOSE_USERS, body }),
    told({ delivered: 1, offline: [5] }),
  );
  assertEquals(await textRead(client), undefined);
});

Deno.test("receipts of what is about one client tell whether it is there", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _client = client;
  const answer = { cmd: TaskCmd.WRITE_TO_CLIENT, body: new Box().pack() };
  const commands: TaskInit[] = [
    answer,
    { cmd: TaskCmd.LOGIN_CLIENT, uid: 5 },
    { cmd: TaskCmd.LOGOUT_CLIENT },
    { cmd: TaskCmd.CLEAR_CLIENT_TASKS },
    { cmd: TaskCmd.CLOSE_CLIENT },
  ];
  for (const command of commands) {
    const { tag, connId } = created;
    const here = await receiptOf(worker, { ...command, tag, connId });
    assertEquals(here, told({ delivered: 1 }), `${command.cmd}`);
    for (const away of [{ tag, connId: 999 }, { tag: tag + 1, connId }]) {
      const receipt = await receiptOf(worker, { ...command, ...away });
      assertEquals(receipt, told({}), `${command.cmd}`);
    }
  }
  await client.read();
  assertEquals(await client.read(), null);
});

Deno.test("a task for a worker is taken when the queue has it; ret and custom come back, the flag is not passed on", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = await gateway.attach();
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    ...{ flags: TaskFlag.RECEIPT_WANTED, ret: 77, custom: 5, uid: 3 },
    body: new Box({ cmd: 1 }).pack(),
  });
  const receipt = await trigger.expect(TaskCmd.RECEIPT);
  assertEquals([receipt.ret, receipt.custom], [77, 5]);
  assertEquals(decodeReceipt(receipt.body), told({ delivered: 1 }));
  await using worker = await gateway.attach();
  const task = await worker.work();
  assertEquals(
    [task.cmd, task.flags, task.custom],
    [TaskCmd.WRITE_TO_WORKER, TaskFlag.INNER, 5],
  );
});

Deno.test("what cannot be done says so in its receipt", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _client = client;
  const { tag, connId } = created;
  const bad = new Uint8Array([8, 255]);
  const cases: [TaskInit, string][] = [
    [{ cmd: TaskCmd.WRITE_TO_USERS, body: bad }, "Cannot decode RspToUsers"],
    [{ cmd: TaskCmd.CLOSE_USERS, body: bad }, "Cannot decode CloseUsers"],
    [{ cmd: TaskCmd.QUERY, body: bad }, "Cannot decode Query"],
    [{ cmd: TaskCmd.LOGIN_CLIENT, uid: -5, tag, connId }, "uid -5"],
    [{ cmd: 999 }, "the unknown command 999"],
  ];
  for (const [init, error] of cases) {
    const receipt = await receiptOf(worker, init);
    assertStringIncludes(receipt.error, error);
    assertEquals(receipt.delivered, 0);
  }
  assertEquals(gateway.gateway.stats().receipts.refused, cases.length);
});

Deno.test("a task that finds the queue twice full is refused in its receipt", async () => {
  await using gateway = await GatewayFixture.start({ queueMax: 2 });
  await using worker = await gateway.attach();
  await worker.ask();
  await worker.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  await worker.expect(TaskCmd.WRITE_TO_WORKER);
  const receipts: Receipt[] = [];
  for (let i = 0; i < 6; i++) {
    receipts.push(await receiptOf(worker, { cmd: TaskCmd.WRITE_TO_WORKER }));
  }
  const refused = receipts.filter(({ delivered }) => delivered === 0);
  assertEquals(refused.length > 0, true);
  for (const { error } of refused) assertStringIncludes(error, "busy: ");
  assertEquals(gateway.gateway.stats().innerDropped, refused.length);
});

Deno.test("without the flag no receipt is sent", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _client = client;
  await worker.send({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row("a", [-2])]),
  });
  await worker.send(login(created, 1));
  await worker.send({ cmd: TaskCmd.WRITE_TO_WORKER });
  await worker.send({ cmd: TaskCmd.QUERY, custom: 9 });
  const { custom } = await worker.expect(TaskCmd.RECEIPT);
  assertEquals(custom, 9);
  const { reached, nobody, answered, refused } =
    gateway.gateway.stats().receipts;
  assertEquals([reached, nobody, answered, refused], [0, 0, 1, 0]);
});

Deno.test("receipts come in the order of the frames", async () => {
  await using gateway = await GatewayFixture.start();
  await using trigger = await gateway.attach();
  const frames = Array.from({ length: 300 }, (_, custom) => ({
    ...{ custom, flags: TaskFlag.RECEIPT_WANTED },
    cmd: [TaskCmd.WRITE_TO_WORKER, TaskCmd.WRITE_TO_USERS, TaskCmd.QUERY][
      custom % 3
    ]!,
  }));
  for (const frame of frames) await trigger.send(frame);
  for (const { custom } of frames) {
    assertEquals((await trigger.expect(TaskCmd.RECEIPT)).custom, custom);
  }
});

for (const how of ["close", "closeNow"] as const) {
  Deno.test(`a trigger that goes by receipts is told the end of them: ${how}()`, async () => {
    await using gateway = await GatewayFixture.start();
    await using worker = await gateway.attach();
    await worker.ask();
    await using trigger = await gateway.attach();
    await trigger.sendBytes(hello({ receipts: true }));
    await using other = await gateway.attach();
    await other.sendBytes(hello({}));
    await gateway.until(({ innerLinks }) => innerLinks === 3);
    assertEquals(
      (await receiptOf(trigger, { cmd: TaskCmd.WRITE_TO_WORKER })).delivered,
      1,
    );
    await worker.expect(TaskCmd.WRITE_TO_WORKER);
    const closing = gateway.gateway[how]();
    const last = await trigger.expect(TaskCmd.RECEIPT);
    assertEquals([last.custom, last.body.length], [0, 0]);
    await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER });
    assertEquals(await trigger.next(), null);
    trigger.close();
    if (how === "close") {
      // It waits for what the worker holds, and lets such a trigger in no more.
      await using late = await gateway.attach();
      await late.sendBytes(hello({ receipts: true }));
      const farewell = await late.expect(TaskCmd.RECEIPT);
      assertEquals(farewell.custom, 0);
      assertEquals(await late.next(), null);
      late.close();
      await worker.ask();
    }
    assertEquals(await other.next(), null);
    other.close();
    assertEquals(await worker.next(), null);
    worker.close();
    await closing;
  });
}
