// Requests that no worker asks for: they wait for the park time, then their client is told.

import { assertEquals } from "@std/assert";
import { Box, RET, TaskCmd } from "@maple/box";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";

overTransports(
  "Gateway answers RET.BUSY to requests that no worker asked for in the park time, in order",
  async (start) => {
    for (const order of ["client", "none"] as const) {
      await using gateway = await start({ order, parkTime: 0.2 });
      await using client = await gateway.connectBox();
      for (let sn = 1; sn <= 3; sn++) client.write({ cmd: 1, sn });
      for (let sn = 1; sn <= 3; sn++) {
        const answer = await client.read();
        assertEquals([answer?.ret, answer?.sn], [RET.BUSY, sn]);
      }
      await gateway.log.line(/WARN .*given up.*parkTime/);
      const { expired, queued } = gateway.gateway.stats();
      // The news that the client has come waits on.
      assertEquals([expired, queued], [3, 1]);
      await using worker = await gateway.attach();
      await worker.pull(TaskCmd.CLIENT_CREATED);
      await client.write({ cmd: 1, sn: 4 });
      await worker.answer(await worker.pull(TaskCmd.CLIENT_REQ), "served");
      assertEquals((await client.read())?.text(), "served");
    }
  },
);

overTransports(
  "Gateway keeps requests behind one that a worker holds, however long that takes",
  async (start) => {
    await using gateway = await start({ parkTime: 0.1 });
    await using worker = await gateway.attach();
    await using client = await gateway.connectBox();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    client.write({ cmd: 1, sn: 1 });
    const held = await worker.pull(TaskCmd.CLIENT_REQ);
    client.write({ cmd: 1, sn: 2 });
    // Another client's request is given up meanwhile, so the time is over.
    await using other = await gateway.connectBox();
    await other.write({ cmd: 1, sn: 9 });
    assertEquals((await other.read())?.ret, RET.BUSY);
    await worker.answer(held, "first");
    await worker.ask();
    const first = await client.read();
    assertEquals([first?.sn, first?.text()], [1, "first"]);
  },
);

Deno.test("Gateway gives up tasks of triggers too, and counts them", async () => {
  await using gateway = await GatewayFixture.start({ parkTime: 0.1 });
  await using trigger = await gateway.attach();
  await trigger.send({
    cmd: TaskCmd.WRITE_TO_WORKER,
    body: new Box({ cmd: 1 }).pack(),
  });
  await gateway.until((stats) => stats.expired === 1 && stats.queued === 0);
});

overTransports("Gateway never gives up with parkTime 0", async (start) => {
  await using patient = await start({ parkTime: 0 });
  await using other = await start({ parkTime: 0.1 });
  await using client = await patient.connectBox();
  await client.write({ cmd: 1, sn: 1 });
  await patient.until((stats) => stats.queued === 2);
  // The other one gives up twice meanwhile.
  for (let sn = 1; sn <= 2; sn++) {
    await using hasty = await other.connectBox();
    await hasty.write({ cmd: 1, sn });
    assertEquals((await hasty.read())?.ret, RET.BUSY);
  }
  const { expired, queued } = patient.gateway.stats();
  assertEquals([expired, queued], [0, 2]);
});
