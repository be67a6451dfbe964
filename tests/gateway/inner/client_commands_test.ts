// The commands about clients and users, on real sockets: writing, closing, login, clearing.

import { assertEquals } from "@std/assert";
import {
  Box,
  encodeCloseUsers,
  encodeRspToUsers,
  type Int64,
  TaskCmd,
} from "@maple/box";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";
import {
  type Client,
  connectSeen,
  FRAME,
  login,
  row,
  textRead,
} from "./command_support.ts";

overTransports(
  "WRITE_TO_CLIENT sends the body as it is, from a worker and from a trigger",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    await using trigger = await gateway.attach();
    const [client, created] = await connectSeen(gateway, worker);
    await using _ = client;
    await worker.answer(created, new Box({ body: "from the worker" }).pack());
    assertEquals(await textRead(client), "from the worker");
    await trigger.answer(created, new Box({ body: "from outside" }).pack());
    assertEquals(await textRead(client), "from outside");
    const { answers, answerBytes } = gateway.gateway.stats();
    assertEquals([answers, answerBytes], [2, 24 * 2 + 15 + 12]);
  },
);

overTransports(
  "WRITE_TO_USERS reaches users, special uids, masks and not the excluded",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    const [a, createdA] = await connectSeen(gateway, worker);
    const [b, createdB] = await connectSeen(gateway, worker);
    const [c] = await connectSeen(gateway, worker);
    await using _a = a, _b = b, _c = c;
    const high = 2n ** 60n;
    await worker.send(login(createdA, 1, 0b01));
    await worker.send(login(createdB, 2, high + 1n));
    await worker.send({
      cmd: TaskCmd.WRITE_TO_USERS,
      body: encodeRspToUsers([
        row("to 1", [1]),
        row("to both", [2, 1, 2]),
        row("logged in", [-1]),
        row("all", [-2]),
        row("not logged in", [-3]),
        row("masked", [-2], high),
        row("all but 1", [-2], 0, [1]),
        row("nobody", [99]),
        row("end", [-2]),
      ]),
    });
    const readToEnd = async (client: Client) => {
      const texts: string[] = [];
      for (;;) {
        const text = await textRead(client);
        if (text === "end" || text === undefined) return texts;
        texts.push(text);
      }
    };
    assertEquals(await readToEnd(a), ["to 1", "to both", "logged in", "all"]);
    assertEquals(await readToEnd(b), [
      "to both",
      "logged in",
      "all",
      "masked",
      "all but 1",
    ]);
    assertEquals(await readToEnd(c), ["all", "not logged in", "all but 1"]);
    const { userMessages, userDeliveries } = gateway.gateway.stats();
    assertEquals([userMessages, userDeliveries], [9, 4 + 5 + 3 + 3]);
  },
);

overTransports("CLOSE_CLIENT closes that client", async (start) => {
  await using gateway = await start();
  await using worker = await gateway.attach();
  const [a, created] = await connectSeen(gateway, worker);
  const [b, other] = await connectSeen(gateway, worker);
  await using _a = a, _b = b;
  await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
  assertEquals(await a.read(), null);
  const closed = await worker.pull(TaskCmd.CLIENT_CLOSED);
  assertEquals(closed.connId, created.connId);
  await worker.answer(other, new Box({ body: "still here" }).pack());
  assertEquals(await textRead(b), "still here");
  assertEquals(gateway.gateway.stats().clientsClosed.local, 1);
});

overTransports(
  "CLOSE_CLIENT lets the client receive the last message",
  async (start) => {
    await using gateway = await start({ clientQueueMax: 4 });
    await using worker = await gateway.attach();
    const body = new Uint8Array(300_000).fill(7);
    for (let round = 0; round < 20; round++) {
      const [client, created] = await connectSeen(gateway, worker);
      await using _ = client;
      // What the client still sends must not reset the connection under the message.
      const noise = client.writeBytes(new Uint8Array(50_000 * 24).map(
        (_, i) => FRAME[i % 24]!,
      )).catch(() => {});
      await worker.answer(created, new Box({ body }).pack());
      await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
      assertEquals((await client.read())?.body, body);
      assertEquals(await client.read(), null);
      await noise;
      for (;;) {
        await worker.ask();
        if ((await worker.next())?.cmd === TaskCmd.CLIENT_CLOSED) break;
      }
    }
  },
);

overTransports("CLOSE_USERS closes who is selected", async (start) => {
  await using gateway = await start();
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  const [c] = await connectSeen(gateway, worker);
  await using _a = a, _b = b, _c = c;
  await worker.send(login(createdA, 1, 0b01));
  await worker.send(login(createdB, 2, 0b11));
  const close = (uids: Int64[], userdata: Int64, exclude: Int64[]) =>
    worker.send({
      cmd: TaskCmd.CLOSE_USERS,
      body: encodeCloseUsers({ uids, userdata, exclude }),
    });
  await close([-1], 0b01, [1]);
  assertEquals(await b.read(), null);
  await close([-2], 0b01, []);
  assertEquals(await a.read(), null);
  await gateway.until((stats) => stats.clients === 1);
  await close([-2], 0, []);
  assertEquals(await c.read(), null);
});

overTransports(
  "LOGIN_CLIENT moves a user from another connection, which is as if logged out",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    const [a, createdA] = await connectSeen(gateway, worker);
    const [b, createdB] = await connectSeen(gateway, worker);
    await using _a = a, _b = b;
    await worker.send(login(createdA, 7, 3));
    await worker.send(login(createdB, 7, 5));
    await worker.send({
      cmd: TaskCmd.WRITE_TO_USERS,
      body: encodeRspToUsers([row("for 7", [7]), row("end", [-2])]),
    });
    assertEquals([await textRead(a), await textRead(b)], ["end", "for 7"]);
    a.close();
    const closedA = await worker.pull(TaskCmd.CLIENT_CLOSED);
    assertEquals([closedA.uid, closedA.userdata], [0, 0]);
    await b.write({ cmd: 1 });
    const request = await worker.pull(TaskCmd.CLIENT_REQ);
    assertEquals([request.uid, request.userdata], [7, 5]);
  },
);

Deno.test("LOGIN_CLIENT wants a positive uid", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  for (const uid of [0, -1, -(2n ** 60n)]) {
    await worker.send(login(created, uid));
  }
  await client.write({ cmd: 1 });
  assertEquals((await worker.pull(TaskCmd.CLIENT_REQ)).uid, 0);
  assertEquals(gateway.gateway.stats().badCommands, 3);
  await gateway.log.line(/WARN worker .* sent a login with uid -1;/);
});

overTransports("LOGOUT_CLIENT unbinds the user", async (start) => {
  await using gateway = await start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  await worker.send(login(created, 7, 3));
  await worker.send(created.map({ cmd: TaskCmd.LOGOUT_CLIENT }));
  await client.write({ cmd: 1 });
  const request = await worker.pull(TaskCmd.CLIENT_REQ);
  assertEquals([request.uid, request.userdata], [0, 0]);
  assertEquals(gateway.gateway.stats().users, 0);
});

overTransports(
  "CLEAR_CLIENT_TASKS drops the requests of that client that wait",
  async (start) => {
    for (const order of ["client", "none"] as const) {
      await using gateway = await start({ order });
      await using worker = await gateway.attach();
      const [a, created] = await connectSeen(gateway, worker);
      const [b] = await connectSeen(gateway, worker);
      await using _a = a, _b = b;
      for (const sn of [1, 2, 3]) await a.write({ cmd: 1, sn });
      await gateway.until((stats) => stats.clientFrames === 3);
      await b.write({ cmd: 1, sn: 9 });
      await gateway.until((stats) => stats.clientFrames === 4);
      const held = await worker.pull(TaskCmd.CLIENT_REQ);
      assertEquals(Box.fromFrame(held.body).sn, 1);
      await worker.send(created.map({ cmd: TaskCmd.CLEAR_CLIENT_TASKS }));
      const next = await worker.pull(TaskCmd.CLIENT_REQ);
      assertEquals(Box.fromFrame(next.body).sn, 9);
      assertEquals(gateway.gateway.stats().cleared, 2);
      // Later ones come as ever.
      await a.write({ cmd: 1, sn: 4 });
      const later = await worker.pull(TaskCmd.CLIENT_REQ);
      assertEquals(Box.fromFrame(later.body).sn, 4);
    }
  },
);

Deno.test("a frame whose conn_id or tag is of no live connection is dropped", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [client, created] = await connectSeen(gateway, worker);
  await using _ = client;
  const strays = [
    { tag: created.tag === 1 ? 2 : created.tag - 1 },
    { tag: 0 },
    { connId: Number(created.connId) + 1 },
    { connId: 2n ** 62n },
  ];
  const cmds = [
    TaskCmd.WRITE_TO_CLIENT,
    TaskCmd.CLOSE_CLIENT,
    TaskCmd.LOGIN_CLIENT,
    TaskCmd.LOGOUT_CLIENT,
    TaskCmd.CLEAR_CLIENT_TASKS,
  ];
  for (const stray of strays) {
    for (const cmd of cmds) {
      await worker.send(
        created.map({ cmd, uid: 7, body: FRAME, ...stray }),
      );
    }
  }
  await worker.answer(created, new Box({ body: "the first" }).pack());
  assertEquals(await textRead(client), "the first");
  const stats = gateway.gateway.stats();
  assertEquals([
    stats.answersDropped.gone + stats.answersDropped.tag,
    stats.users,
    stats.clients,
  ], [20, 0, 1]);
});
