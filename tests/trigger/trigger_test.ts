// Tests of Trigger with a real gateway.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Box,
  boxClass,
  type BoxData,
  BoxError,
  type BoxFields,
  type Int64,
  SpecialUid,
  Task,
  TaskCmd,
  TcpClient,
} from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger, TriggerError, VirtualRequest } from "@maple/trigger";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { PlayedGateway } from "../helpers/played_gateway.ts";
import {
  HOST,
  innerAddress,
  joinClient,
  type JoinedClient,
  makeTrigger,
  nextText,
} from "./trigger_fixture.ts";

Deno.test("Trigger.writeToUsers() reaches exactly the users that a row selects", async (t) => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = makeTrigger(gateway);
  const big = 2n ** 60n + 1n;
  const users: [name: string, uid: Int64, userdata: Int64][] = [
    ["one", 1, 0b001],
    ["two", 2, 0b011],
    ["big", big, 0b111],
    ["guest", 0, 0],
  ];
  await using stack = new AsyncDisposableStack();
  const clients = new Map<string, JoinedClient>();
  for (const [name, uid, userdata] of users) {
    const joined = stack.use(await joinClient(gateway, worker));
    clients.set(name, joined);
    if (uid === 0) continue;
    assert(
      await new VirtualRequest(trigger, joined.created).loginClient(
        uid,
        userdata,
      ),
    );
  }

  const cases: [
    uids: Int64[],
    userdata: Int64,
    exclude: Int64[],
    got: string,
  ][] = [
    [[1], 0, [], "one"],
    [[1, 2, 99], 0, [], "one two"],
    [[big], 0, [], "big"],
    [[SpecialUid.LOGGED_IN], 0, [], "one two big"],
    [[SpecialUid.ALL], 0, [], "one two big guest"],
    [[SpecialUid.NOT_LOGGED_IN], 0, [], "guest"],
    [[SpecialUid.LOGGED_IN], 0b010, [], "two big"],
    [[SpecialUid.LOGGED_IN], 0b110, [], "big"],
    [[SpecialUid.LOGGED_IN], 0, [2, big], "one"],
    [[1, 2], 0b010, [2], ""],
  ];
  for (const [uids, userdata, exclude, got] of cases) {
    await t.step(
      `uids ${uids} userdata ${userdata} exclude ${exclude}`,
      async () => {
        // The second row goes to everybody, so nobody waits for what does not come.
        const rows: [Int64[], BoxData<BoxFields>, Int64, Int64[]][] = [
          [uids, { cmd: 5, body: "it" }, userdata, exclude],
          [[SpecialUid.ALL], { cmd: 6, body: "end" }, 0, []],
        ];
        assert(await trigger.writeToUsers(rows));
        const reached: string[] = [];
        for (const [name, client] of clients) {
          const first = await nextText(client);
          if (first === "end") continue;
          assertEquals(first, "it");
          reached.push(name);
          assertEquals(await nextText(client), "end");
        }
        assertEquals(reached.join(" "), got);
      },
    );
  }
});

Deno.test("Trigger.writeToUsers() sends a box, its fields or its bytes", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = makeTrigger(gateway);
  await using joined = await joinClient(gateway, worker);
  const box = new Box({ cmd: 3, sn: 4, body: { a: 1 } });
  for (const data of [box, box.pack(), { cmd: 3, sn: 4, body: { a: 1 } }]) {
    await trigger.writeToUsers([[[-2], data]]);
    const got = await joined.client.read();
    assertEquals(got?.pack(), box.pack());
  }
});

Deno.test("Trigger.writeToWorker() queues an inner task with uid, userdata and custom", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = makeTrigger(gateway);
  const params = { uid: 2n ** 61n + 3n, userdata: 6, custom: -9 };
  assert(await trigger.writeToWorker({ cmd: 7, body: "do" }, params));
  assert(await trigger.writeToWorker({ cmd: 8 }));

  const task = await worker.work();
  assertEquals(task.cmd, TaskCmd.WRITE_TO_WORKER);
  assert(task.inner);
  const { uid, userdata, custom } = task;
  assertEquals({ uid, userdata, custom }, params);
  const box = Box.fromFrame(task.body);
  assertEquals([box.cmd, box.text()], [7, "do"]);
  const second = await worker.work();
  assertEquals([second.uid, second.userdata, second.custom], [0, 0, 0]);
  assertEquals(Box.fromFrame(second.body).cmd, 8);
});

Deno.test("Trigger.closeUsers() closes the users selected and nobody else", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = makeTrigger(gateway);
  await using first = await joinClient(gateway, worker);
  await using second = await joinClient(gateway, worker);
  await new VirtualRequest(trigger, first.created).loginClient(1, 1);
  await new VirtualRequest(trigger, second.created).loginClient(2, 3);

  await trigger.closeUsers([-1], 2, [2]);
  await trigger.writeToUsers([[[-1], { body: "both live" }]]);
  assertEquals(await nextText(first), "both live");
  assertEquals(await nextText(second), "both live");

  assert(await trigger.closeUsers([-1], 2));
  assertEquals(await nextText(second), "closed");
  await trigger.writeToUsers([[[-2], { body: "one lives" }]]);
  assertEquals(await nextText(first), "one lives");

  await trigger.closeUsers([1]);
  assertEquals(await nextText(first), "closed");
});

Deno.test("Trigger keeps the order of its calls, also when none is awaited", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using joined = await joinClient(gateway, worker);
  await using trigger = makeTrigger(gateway);
  const count = 2000;
  const calls = Array.from(
    { length: count },
    (_, sn) => trigger.writeToUsers([[[-2], { sn }]]),
  );
  for (let sn = 0; sn < count; sn++) {
    assertEquals((await joined.client.read())?.sn, sn);
  }
  assert((await Promise.all(calls)).every(Boolean));
});

Deno.test("Trigger.close() gives true when the gateway has taken all that was sent", async () => {
  await using gateway = await GatewayFixture.start();
  const trigger = makeTrigger(gateway);
  const calls = Array.from(
    { length: 100 },
    () => trigger.writeToWorker({ cmd: 1, body: new Uint8Array(10_000) }),
  );
  assert(await trigger.close());
  assertEquals(gateway.gateway.stats().queued, 100);
  assert((await Promise.all(calls)).every(Boolean));
  assert(await trigger.close());
});

Deno.test("Trigger.close() gives true when nothing was sent", async () => {
  assert(await makeTrigger(1).close());
  await using gateway = await GatewayFixture.start();
  const trigger = makeTrigger(gateway);
  assert(await trigger.connect());
  assert(await trigger.close());
});

Deno.test("Trigger refuses calls after close", async () => {
  for (const ensure of [true, false]) {
    const trigger = makeTrigger(1, { ensure });
    await trigger.close();
    const error = await assertRejects(
      () => trigger.closeUsers([1]),
      TriggerError,
    );
    assertEquals(error.code, "closed");
  }
});

Deno.test("Trigger takes other box classes", async () => {
  const TinyBox = boxClass([["bodyLen", "H"], ["cmd", "B"]]);
  await using gateway = await GatewayFixture.start({ boxClass: TinyBox });
  await using client = new TcpClient(TinyBox, HOST, gateway.outer.port, {
    timeout: 10,
  });
  await client.connect();
  await using trigger = new Trigger(TinyBox, [innerAddress(gateway)], {
    logger: SILENT,
  });
  await using worker = await gateway.attach();
  await worker.work();
  await trigger.writeToUsers([[[-2], { cmd: 200, body: "tiny" }]]);
  const box = await client.read();
  assertEquals([box?.cmd, box?.text()], [200, "tiny"]);
});

Deno.test("Trigger.send() sends a task as it is", async () => {
  using played = new PlayedGateway();
  await using trigger = makeTrigger(played.port);
  const task = new Task({
    cmd: TaskCmd.CLOSE_CLIENT,
    connId: 5,
    tag: 6,
    nodeId: 7,
  });
  const sent = trigger.send(task);
  await using gateway = await played.accept();
  assertEquals((await gateway.next())?.pack(), task.pack());
  assert(await sent);
});

Deno.test("Trigger rejects what does not fit, with ensure and without", async () => {
  for (const ensure of [true, false]) {
    await using trigger = makeTrigger(1, { ensure });
    await assertRejects(
      () => trigger.writeToWorker({ cmd: 2 ** 40 }),
      BoxError,
    );
    await assertRejects(
      () => trigger.writeToWorker({ cmd: 1 }, { uid: 2n ** 63n }),
      BoxError,
    );
    await assertRejects(() => trigger.closeUsers([0.5]), BoxError);
    await assertRejects(
      () => trigger.writeToUsers([[[1], {}, 2 ** 60]]),
      BoxError,
    );
  }
});

Deno.test("new Trigger() rejects options out of their range", () => {
  const bad: [() => Trigger, string][] = [
    [() => new Trigger(Box, HOST, 0), "port"],
    [() => new Trigger(Box, HOST, 65536), "port"],
    [() => new Trigger(Box, []), "at least one gateway"],
    [() => new Trigger(Box, HOST, 1, { timeout: 0 }), "timeout"],
    [() => new Trigger(Box, HOST, 1, { timeout: 2_147_484 }), "timeout"],
    [() => new Trigger(Box, HOST, 1, { retryDelay: NaN }), "retryDelay"],
    [() => new Trigger(Box, HOST, 1, { queueBytes: 1.5 }), "queueBytes"],
    [
      () => new Trigger(Box, HOST, 1, { ensure: "always" as "forever" }),
      'ensure must be true, false or "forever", got "always"',
    ],
  ];
  for (const [make, name] of bad) {
    assertEquals(assertThrows(make, TriggerError, name).code, "option");
  }
});
