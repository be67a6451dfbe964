// A gateway that leaves as a lame duck: who is asked to move, who is closed and when, and that all
// are served until then.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Box, type BoxClass, LineBox, Task, TaskCmd } from "@maple/box";
import { decodeReceipt, drainTask } from "@maple/box/internal";
import { Gateway, GatewayError, type GatewayOptions } from "@maple/gateway";
import type { BoxClient } from "../helpers/box_peer.ts";
import { GatewayFixture, overTransports } from "../helpers/gateway_fixture.ts";
import { ALL_SECRETS, attachProven } from "../helpers/proven_worker.ts";
import type { RawWorker } from "../helpers/raw_worker.ts";
import { within } from "../helpers/within.ts";

const CMD = 98;
// Longer than any test waits.
const FOREVER_S = 3600;
const DUCK: GatewayOptions = {
  moveCmd: CMD,
  lameDuck: 0.2,
  lameDuckNotice: 0,
  drainTimeout: FOREVER_S,
};

/** Tells that it knows how to move, and waits until the gateway knows. */
async function announce(client: BoxClient): Promise<void> {
  await client.write({ cmd: CMD });
  // A heartbeat is answered behind it.
  await client.write({ cmd: CMD + 1, sn: 1 });
  assertEquals((await client.read())?.sn, 1);
}

overTransports(
  "lameDuck asks who knows moveCmd to move, closes the others, and serves them until then",
  async (start) => {
    await using gateway = await start({
      ...DUCK,
      heartbeatCmd: CMD + 1,
      moveTimeout: FOREVER_S,
    });
    await using _worker = await gateway.attachEcho();
    await using knowing = await gateway.connectBox();
    await using other = await gateway.connectBox();
    await announce(knowing);
    const closed = gateway.gateway.close();
    assertEquals(gateway.gateway.state, "leaving");
    assertEquals(await other.read(), null);
    const ask = await knowing.read();
    assertEquals([ask?.cmd, ask?.sn, ask?.ret], [CMD, 0, 0]);
    const { after } = ask!.json() as { after: number };
    assert(after >= 0 && after <= 100, String(after));
    // It is served as long as it stays.
    await knowing.write({ cmd: 1, sn: 7, body: "in flight" });
    assertEquals((await knowing.read())?.text(), "in flight");
    assertEquals(gateway.gateway.state, "leaving");
    assertEquals(gateway.gateway.stats().workers, 1);
    await knowing[Symbol.asyncDispose]();
    await within(closed, "close()");
    const { moves, clientFrames, abandoned } = gateway.gateway.stats();
    assertEquals(moves, { asked: 1, late: 0, closed: 1 });
    // What is announced is nobody's task.
    assertEquals([clientFrames, abandoned], [1, 0]);
    assertEquals(gateway.log.complaints, []);
  },
);

overTransports(
  "lameDuck closes who was asked and stays, after moveTimeout and its answers",
  async (start) => {
    await using gateway = await start({
      ...DUCK,
      lameDuck: 0.05,
      heartbeatCmd: CMD + 1,
      moveTimeout: 0.1,
    });
    await using worker = await gateway.attach();
    await using client = await gateway.connectBox();
    await announce(client);
    await worker.pull(TaskCmd.CLIENT_CREATED);
    await client.write({ cmd: 1, sn: 2 });
    const task = await worker.pull(TaskCmd.CLIENT_REQ);
    const closed = gateway.gateway.close();
    assertEquals((await client.read())?.cmd, CMD);
    await gateway.until(({ moves }) => moves.late === 1);
    assertEquals(gateway.gateway.stats().clients, 1);
    await worker.answer(task, "the last");
    await worker.ask();
    assertEquals((await client.read())?.sn, 2);
    assertEquals(await client.read(), null);
    await worker.expect(TaskCmd.CLIENT_CLOSED);
    await worker.ask();
    await worker.closedByPeer();
    worker.close();
    await within(closed, "close()");
  },
);

Deno.test("lameDuck: what a client sends that is shown out is not read, and its answers still come", async () => {
  await using gateway = await GatewayFixture.start({ ...DUCK, lameDuck: 0.05 });
  await using worker = await gateway.attach();
  await using client = await gateway.connectBox();
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await client.write({ cmd: 1, sn: 1 });
  const task = await worker.pull(TaskCmd.CLIENT_REQ);
  const closed = gateway.gateway.close();
  await gateway.until(({ moves }) => moves.closed === 1);
  await client.write({ cmd: 1, sn: 2 });
  await worker.answer(task, "the last");
  await worker.ask();
  assertEquals((await client.read())?.sn, 1);
  assertEquals(await client.read(), null);
  assertEquals(gateway.gateway.stats().clientFrames, 1);
  await worker.expect(TaskCmd.CLIENT_CLOSED);
  await worker.ask();
  await worker.closedByPeer();
  worker.close();
  await within(closed, "close()");
});

Deno.test("lameDuckNotice lets new clients in, and closeNow() ends it at once", async () => {
  await using gateway = await GatewayFixture.start({
    ...DUCK,
    lameDuckNotice: FOREVER_S,
    drainTimeout: 0,
  });
  await using _worker = await gateway.attachEcho();
  await using first = await gateway.connectBox();
  await gateway.until(({ clients }) => clients === 1);
  const closed = gateway.gateway.close();
  await using second = await gateway.connectBox();
  for (const client of [first, second]) {
    await client.write({ cmd: 1, sn: 5 });
    assertEquals((await client.read())?.sn, 5);
  }
  await within(
    Promise.all([closed, gateway.gateway.closeNow()]),
    "closeNow()",
  );
  assertEquals([await first.read(), await second.read()], [null, null]);
  assertEquals(gateway.gateway.stats().moves.closed, 0);
  await within(gateway.gateway.finished, "finished");
});

Deno.test("lameDuck lets nobody in when lameDuckNotice is over, and serves those that are there", async () => {
  await using gateway = await GatewayFixture.start({
    ...DUCK,
    lameDuck: FOREVER_S,
    lameDuckNotice: 0.05,
    drainTimeout: 0,
  });
  await using _worker = await gateway.attachEcho();
  await using first = await gateway.connectBox();
  await using second = await gateway.connectBox();
  await gateway.until(({ clients }) => clients === 2);
  const closed = gateway.gateway.close();
  await gateway.until(() => gateway.gateway.outerAddr === undefined);
  assertEquals(gateway.gateway.state, "leaving");
  await assertRejects(() => gateway.connectBox());
  // Of an hour's time the first client's turn is at once, the second's not.
  assertEquals(await first.read(), null);
  await second.write({ cmd: 1, sn: 6 });
  assertEquals((await second.read())?.sn, 6);
  await within(
    Promise.all([closed, gateway.gateway.closeNow()]),
    "closeNow()",
  );
  assertEquals(await second.read(), null);
});

Deno.test("lameDuck: a gateway without clients leaves at once", async () => {
  await using gateway = await GatewayFixture.start({
    ...DUCK,
    lameDuck: FOREVER_S,
    lameDuckNotice: FOREVER_S,
  });
  await using _worker = await gateway.attachEcho();
  await gateway.until(({ workers }) => workers === 1);
  await within(gateway.gateway.close(), "close()");
});

Deno.test("lameDuck takes its time over many clients", async () => {
  await using gateway = await GatewayFixture.start({ ...DUCK, lameDuck: 3 });
  await using clients = new AsyncDisposableStack();
  for (let i = 0; i < 20; i++) clients.use(await gateway.connectRaw());
  await using _worker = await gateway.attachEcho();
  await gateway.until(({ clients }) => clients === 20);
  const closed = gateway.gateway.close();
  await gateway.until(({ moves }) => moves.closed > 0);
  // One each tenth of a second or so.
  assert(gateway.gateway.stats().moves.closed < 20);
  await within(closed, "close()", 60_000);
  assertEquals(gateway.gateway.stats().moves.closed, 20);
});

async function answerTo(link: RawWorker, body: unknown) {
  await link.send(new Task({ cmd: TaskCmd.DRAIN, body: JSON.stringify(body) }));
  const { cmd, body: receipt } = Task.fromFrame((await link.nextFrame())!);
  assertEquals(cmd, TaskCmd.RECEIPT);
  return decodeReceipt(receipt);
}

Deno.test("DRAIN has the gateway of that node leave, and is answered at once", async () => {
  await using gateway = await GatewayFixture.start({
    ...DUCK,
    lameDuck: 0,
    nodeId: 7,
  });
  await using client = await gateway.connectBox();
  await using _worker = await gateway.attachEcho();
  await using admin = await gateway.attach();
  await gateway.until(({ clients }) => clients === 1);
  assertEquals((await answerTo(admin, { node: 8, seconds: 1 })).delivered, 0);
  assertEquals(gateway.gateway.state, "serving");
  for (
    const [body, error] of [
      [{ node: 7, seconds: -1 }, "The seconds of a drain must be a number"],
      [{ node: 7 }, "Cannot decode a drain"],
      [null, "Cannot decode a drain"],
    ] as const
  ) {
    const receipt = await answerTo(admin, body);
    assertEquals(receipt.error.slice(0, error.length), error);
  }
  assertEquals(gateway.gateway.state, "serving");
  assertEquals((await answerTo(admin, { node: 7, seconds: 0 })).delivered, 1);
  assertEquals(await client.read(), null);
  await within(gateway.gateway.finished, "finished");
  await gateway.log.line(/INFO .* has this gateway leave, over 0 s$/);
  const { innerFrames, badCommands, moves } = gateway.gateway.stats();
  assertEquals([innerFrames.DRAIN, badCommands, moves.closed], [5, 3, 1]);
});

Deno.test("DRAIN takes the secret of an admin where there are secrets", async () => {
  await using gateway = await GatewayFixture.start({
    innerSecrets: ALL_SECRETS,
  });
  for (const role of ["worker", "trigger", "monitor"] as const) {
    const { peer } = await attachProven(gateway.inner, role);
    await using _peer = peer;
    const { error } = await answerTo(peer, { node: 0, seconds: 1 });
    assertEquals(error, `command 470, which role ${role} may not`);
  }
  assertEquals(gateway.gateway.state, "serving");
  const { peer: admin } = await attachProven(gateway.inner, "admin");
  await using _admin = admin;
  assertEquals((await answerTo(admin, { node: 0, seconds: 1 })).delivered, 1);
  await within(gateway.gateway.finished, "finished");
});

Deno.test("drainTask() takes what DRAIN says", () => {
  const options = { node: -3, seconds: 1.5 };
  const { cmd, body } = drainTask(options);
  assertEquals(cmd, 470);
  assertEquals(JSON.parse(new TextDecoder().decode(body)), options);
});

Deno.test("Gateway.drain() refuses what is no number of seconds", async () => {
  await using gateway = await GatewayFixture.start(DUCK);
  await assertRejects(
    () => gateway.gateway.drain(-1),
    GatewayError,
    "The seconds of a drain must be a number from 0 to",
  );
  assertEquals(gateway.gateway.state, "serving");
});

Deno.test("moveCmd goes with boxes that have a cmd, and is no heartbeat", () => {
  const wrong: [GatewayOptions, string][] = [
    [
      { boxClass: LineBox as unknown as BoxClass<object>, moveCmd: 1 },
      "Option moveCmd does not go with these boxes",
    ],
    [
      { boxClass: Box as unknown as BoxClass<object>, moveCmd: 2 ** 32 },
      "Option moveCmd must be a whole number",
    ],
    [
      { moveCmd: 5, heartbeatCmd: 5 },
      "Options moveCmd and heartbeatCmd must differ, got 5 for both",
    ],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new Gateway(options), GatewayError, message);
  }
});
