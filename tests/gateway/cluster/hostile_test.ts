// What comes from the bus, whoever has sent it, does no harm to a gateway.

import { assertEquals } from "@std/assert";
import {
  Box,
  encodeGroups,
  encodeRspToGroups,
  encodeRspToUsers,
  Task,
  TaskCmd,
} from "@maple/box";
import {
  banTask,
  drainTask,
  encodeQuery,
  receiptFor,
  writeInt32,
} from "@maple/box/internal";
import { encodeLogins } from "../../../gateway/cluster/login_rows.ts";
import { encodeHello, UNTOLD } from "../../../gateway/cluster/hello.ts";
import {
  encodeMessage,
  HEAD_BYTES,
  type MessageKind,
} from "../../../gateway/cluster/message.ts";
import { ClusterFixture } from "../../helpers/cluster_fixture.ts";
import { EchoWorker } from "../../helpers/echo_worker.ts";
import type { MemoryBus } from "../../helpers/memory_bus.ts";
import { Random } from "../../helpers/random.ts";
import { row, textRead } from "../inner/command_support.ts";
import { Across } from "./across_support.ts";

const KINDS: readonly MessageKind[] = [
  "hello",
  "bye",
  "claim",
  "command",
  "part",
  "logins",
  "task",
  "task-end",
];

let lastNumber = 0;

function message(kind: MessageKind, body: Uint8Array): Uint8Array {
  const number = ++lastNumber;
  const head = { kind, node: 77, id: 4711, number, piece: 0, pieces: 1 };
  return encodeMessage(head, body);
}

// One message of each kind, and of commands one of each.
function samples(): Uint8Array[] {
  const tasks = [
    new Task({
      cmd: TaskCmd.WRITE_TO_USERS,
      body: encodeRspToUsers([row("none", [5000, 5001])]),
    }),
    new Task({
      cmd: TaskCmd.WRITE_TO_GROUPS,
      body: encodeRspToGroups([{
        names: ["none"],
        buf: new Box().pack(),
        userdata: 0,
        exclude: [],
      }]),
    }),
    new Task({
      cmd: TaskCmd.JOIN_GROUPS,
      body: encodeGroups({ names: ["x"], uids: [5000] }),
    }),
    new Task({
      cmd: TaskCmd.QUERY,
      custom: 1,
      body: encodeQuery({ uids: [1, 2] }),
    }),
    new Task({ cmd: TaskCmd.WRITE_TO_CLIENT, connId: 1, tag: 5, body: "x" }),
    new Task({ cmd: TaskCmd.LOGIN_CLIENT, connId: 1, tag: 5, uid: 9 }),
    banTask({ address: "192.0.2.7", seconds: 60 }),
    drainTask({ node: 99, seconds: 60 }),
    // Not for gateways.
    new Task({ cmd: TaskCmd.WRITE_TO_WORKER, body: new Box().pack() }),
    new Task({ cmd: TaskCmd.WORKER_ASK_FOR_TASK }),
    new Task({ cmd: TaskCmd.CLIENT_REQ, body: new Box().pack() }),
    new Task({ cmd: 12345 }),
  ];
  const receipt = receiptFor(new Task({ custom: 1 }).pack(), {
    delivered: 5,
    offline: [1],
  });
  return [
    ...tasks.map((task) => message("command", task.pack())),
    message("part", receipt),
    message("logins", encodeLogins([{ uid: 5000, stamp: 5 }])),
    message("hello", encodeHello({ ...UNTOLD, node: 77 } as typeof UNTOLD)),
    message("claim", new TextEncoder().encode(`{"node":5}`)),
    message("bye", new Uint8Array(0)),
  ];
}

// Gateways and somebody else on their bus.
async function setUp() {
  const across = await Across.start(2);
  const bus: MemoryBus = across.cluster.buses.make();
  await bus.open({ onMessage() {}, onState() {} });
  const flood = async (messages: Iterable<Uint8Array>) => {
    let count = 0;
    for (const one of messages) {
      bus.publish(one);
      // As they come from a socket.
      if (++count % 100 === 0) await new Promise((go) => setTimeout(go, 0));
    }
    await new Promise((go) => setTimeout(go, 0));
  };
  return { across, bus, flood };
}

async function allIsWell(across: Across): Promise<void> {
  const users = [await across.user(0, 1), await across.user(1, 2)];
  const receipt = await across.receipt(1, {
    cmd: TaskCmd.WRITE_TO_USERS,
    body: encodeRspToUsers([row("well", [1, 2])]),
  });
  assertEquals(receipt.delivered, 2);
  for (const { client } of users) assertEquals(await textRead(client), "well");
}

Deno.test("messages of the bus that are cut anywhere, or are of another version, do no harm", async () => {
  const { across, flood } = await setUp();
  await using _across = across;
  const cut = samples().flatMap((whole) =>
    Array.from(whole, (_, end) => whole.slice(0, end))
  );
  await flood(cut);
  const { clusterDropped } = across.places[0]!.gateway.gateway.stats();
  const dropped = Object.values(clusterDropped).reduce((a, b) => a + b, 0);
  assertEquals(dropped > HEAD_BYTES * samples().length, true);
  await flood(
    samples().map((whole) => {
      whole[0] = 99;
      return whole;
    }),
  );
  const after = across.places[0]!.gateway.gateway.stats().clusterDropped;
  assertEquals(after.unknown, clusterDropped.unknown + samples().length);
  await allIsWell(across);
});

Deno.test("messages of the bus of any bytes do no harm", async () => {
  const { across, flood } = await setUp();
  await using _across = across;
  const random = new Random(20);
  function* anything() {
    for (let i = 0; i < 1000; i++) {
      const bytes = random.bytes(random.between(0, 300));
      yield bytes;
      yield message(random.pick([...KINDS]), bytes);
      const spoiled = random.pick(samples());
      for (let times = random.between(1, 4); times > 0; times--) {
        spoiled[random.between(0, spoiled.length - 1)] = random.between(0, 255);
      }
      yield spoiled;
    }
  }
  await flood(anything());
  // Somebody may have told that he is there, and is waited for then.
  const { worker } = across.places[0]!;
  await worker.send({ cmd: 4 });
  const { places } = across;
  for (const { gateway } of places) {
    assertEquals(gateway.gateway.stats().state, "serving");
    assertEquals(gateway.gateway.stats().unhandledErrors, 0);
  }
  await allIsWell(across);
});

Deno.test("messages of the bus that claim huge lengths take no memory for them", async () => {
  const { across, flood } = await setUp();
  await using _across = across;
  function* huge() {
    for (let id = 1; id <= 300; id++) {
      for (const piece of [0, 1, 65_533]) {
        const head = { kind: "command", node: 78, id, number: 1 } as const;
        const body = new Uint8Array(100);
        yield encodeMessage({ ...head, piece, pieces: 65_535 }, body);
      }
    }
    for (const [whole] of [samples()]) {
      writeInt32(whole!, HEAD_BYTES + 8, 2 ** 31 - 1);
      yield whole!;
    }
    // A list that claims to have more than there is.
    const body = new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 1]);
    for (const cmd of [TaskCmd.WRITE_TO_USERS, TaskCmd.QUERY]) {
      yield message("command", new Task({ cmd, custom: 1, body }).pack());
    }
  }
  await flood(huge());
  await allIsWell(across);
});

Deno.test({
  name: "tasks of the bus, and ends of tasks, of any bytes do no harm",
  // Elsewhere gateways share no ports, and lend each other no workers.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const options = { reusePort: true, io: "epoll" } as const;
    await using cluster = await ClusterFixture.start(2, options);
    const [poor, rich] = cluster.gateways;
    await using _worker = await EchoWorker.attach(rich!.inner);
    const bus = cluster.buses.make();
    await bus.open({ onMessage() {}, onState() {} });
    const hello = { ...UNTOLD, state: "serving", workers: 3 } as const;
    bus.publish(message("hello", encodeHello(hello)));
    await poor!.until(({ cluster }) => cluster!.gateways.length === 3);
    const random = new Random(7);
    const { CLIENT_REQ, CLIENT_CREATED, WRITE_TO_WORKER } = TaskCmd;
    for (let i = 0; i < 1500; i++) {
      const task = new Task({
        cmd: random.pick([CLIENT_REQ, CLIENT_CREATED, WRITE_TO_WORKER, 0, -5]),
        nodeId: random.pick([77, 1, 2]),
        ret: random.between(0, 9),
        connId: random.between(0, 5),
        body: random.pick([new Box({ cmd: 1 }).pack(), random.bytes(30)]),
      }).pack();
      if (i % 3 === 0) {
        task[random.between(0, task.length - 1)] = random.between(0, 255);
      }
      bus.publish(message("task", task));
      bus.publish(message("task-end", random.bytes(random.between(0, 9))));
      if (i % 100 === 0) await new Promise((go) => setTimeout(go, 0));
    }
    bus.publish(message("bye", new Uint8Array(0)));
    await using client = await poor!.connectBox();
    for (let sn = 1; sn <= 5; sn++) {
      await client.write({ cmd: 1, sn, body: "x" });
      assertEquals((await client.read())?.sn, sn);
    }
    for (const gateway of [poor!, rich!]) {
      await gateway.until(({ queued, inHand }) => queued + inHand === 0);
      assertEquals(gateway.gateway.stats().unhandledErrors, 0);
    }
  },
});
