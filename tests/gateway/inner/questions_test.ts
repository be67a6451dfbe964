// What the gateway answers to questions about users.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Box, type Int64, TaskCmd } from "@maple/box";
import {
  decodeReceipt,
  encodeQuery,
  noReceipt,
  type Query,
  type Receipt,
} from "@maple/box/internal";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";
import { connectSeen, login } from "./command_support.ts";

async function ask(peer: RawWorker, query: Partial<Query>): Promise<Receipt> {
  await peer.send({
    cmd: TaskCmd.QUERY,
    custom: -7,
    body: encodeQuery(query),
  });
  const receipt = await peer.expect(TaskCmd.RECEIPT);
  assertEquals(receipt.custom, -7);
  return decodeReceipt(receipt.body);
}

/** Logs a new client in as each of the users. */
async function loginAll(
  gateway: GatewayFixture,
  worker: RawWorker,
  uids: Int64[],
): Promise<AsyncDisposable> {
  const clients = new AsyncDisposableStack();
  for (const uid of uids) {
    const [client, created] = await connectSeen(gateway, worker);
    clients.use(client);
    await worker.send(login(created, uid));
  }
  return clients;
}

Deno.test("QUERY with uids tells who of them is there, each once, in the order asked", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const large = 2n ** 60n;
  await using _clients = await loginAll(gateway, worker, [5, 3, large]);
  assertEquals(await ask(worker, { uids: [3, 9, large, 3, 9, -1, 5] }), {
    ...noReceipt(),
    online: [3, large, 5],
    offline: [9, -1],
  });
});

Deno.test("QUERY without uids gives users page by page, in their order", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const large = 2n ** 60n;
  await using _clients = await loginAll(gateway, worker, [
    300,
    5,
    large,
    20,
    4,
  ]);
  const pages: Int64[][] = [];
  let after: Int64 = 0;
  for (;;) {
    const { online } = await ask(worker, { after, limit: 2 });
    pages.push([...online]);
    if (online.length === 0) break;
    after = online.at(-1)!;
  }
  assertEquals(pages, [[4, 5], [20, 300], [large], []]);
  assertEquals((await ask(worker, {})).online, [4, 5, 20, 300, large]);
  assertEquals((await ask(worker, { after: -5 })).online.length, 5);
  const { innerFrames, receipts } = gateway.gateway.stats();
  assertEquals([innerFrames.QUERY, receipts.answered], [6, 6]);
});

Deno.test("an answer is never longer than innerFrameBytes", async () => {
  const frameBytes = 300;
  const innerFrameBytes = 400;
  await using gateway = await GatewayFixture.start({
    frameBytes,
    innerFrameBytes,
  });
  await using worker = await gateway.attach();
  await using _clients = await loginAll(
    gateway,
    worker,
    Array.from({ length: 20 }, (_, i) => 2n ** 61n + BigInt(i)),
  );
  const seen: Int64[] = [];
  for (let after: Int64 = 0;;) {
    await worker.send({
      cmd: TaskCmd.QUERY,
      body: encodeQuery({ after, limit: 10_000 }),
    });
    const receipt = await worker.expect(TaskCmd.RECEIPT);
    assertEquals(receipt.pack().length <= innerFrameBytes, true);
    const { online } = decodeReceipt(receipt.body);
    if (online.length === 0) break;
    seen.push(...online);
    after = online.at(-1)!;
  }
  assertEquals(seen.length, 20);
});

Deno.test("QUERY that asks too much is refused with what it may ask", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const uids = Array.from({ length: 10_001 }, (_, i) => i + 1);
  const { error } = await ask(worker, { uids });
  assertStringIncludes(error, "more than 10000 values");
  await gateway.log.line(/WARN trigger .* asks what is not answered: /);
  assertEquals(gateway.gateway.stats().badCommands, 1);
  // And it goes on.
  await worker.send({ cmd: TaskCmd.WRITE_TO_WORKER, body: new Box().pack() });
  await worker.work();
});
