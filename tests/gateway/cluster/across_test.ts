// What a worker or trigger of one gateway does to clients of all gateways.

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  Box,
  encodeCloseUsers,
  encodeGroups,
  encodeRspToGroups,
  encodeRspToUsers,
  TaskCmd,
  TaskFlag,
} from "@maple/box";
import {
  banTask,
  decodeReceipt,
  drainTask,
  encodeQuery,
} from "@maple/box/internal";
import { row, textRead } from "../inner/command_support.ts";
import { Across, textsUntil } from "./across_support.ts";

function usersBody(text: string, uids: number[]): Uint8Array {
  return encodeRspToUsers([row(text, uids)]);
}

function groupsBody(text: string, names: string[]): Uint8Array {
  const buf = new Box({ body: text }).pack();
  return encodeRspToGroups([{ names, buf, userdata: 0, exclude: [] }]);
}

Deno.test("a message to users comes to each of them once, at whichever gateway", async () => {
  await using across = await Across.start(3);
  const users = [];
  for (const at of [0, 1, 2, 0, 1]) {
    users.push(await across.user(at, users.length + 1));
  }
  for (const at of [0, 1, 2]) {
    const { worker } = across.places[at]!;
    const all = usersBody(`all ${at}`, [-2]);
    await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, body: all });
    const some = usersBody(`some ${at}`, [1, 2, 3]);
    await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, body: some });
    const end = usersBody(`end ${at}`, [-1]);
    await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, body: end });
    for (const { uid, client } of users) {
      const texts = await textsUntil(client, `end ${at}`);
      const expected = [`all ${at}`, `some ${at}`];
      assertEquals(texts, uid as number <= 3 ? expected : [`all ${at}`]);
    }
  }
});

Deno.test("a command with the flag LOCAL is for its gateway only", async () => {
  await using across = await Across.start(2);
  const [here, there] = [await across.user(0, 1), await across.user(1, 2)];
  const send = async (at: number, text: string, flags = 0) => {
    const body = usersBody(text, [-1]);
    const { worker } = across.places[at]!;
    await worker.send({ cmd: TaskCmd.WRITE_TO_USERS, flags, body });
  };
  // As a worker does that is attached to both.
  await send(0, "local", TaskFlag.LOCAL);
  await send(1, "local", TaskFlag.LOCAL);
  await send(0, "only 0", TaskFlag.LOCAL);
  await across.settled(0);
  await across.settled(1);
  await send(0, "end");
  assertEquals(await textsUntil(here.client, "end"), ["local", "only 0"]);
  assertEquals(await textsUntil(there.client, "end"), ["local"]);
  // Receipts and answers are of this gateway as well.
  const flags = TaskFlag.LOCAL;
  const online = await across.ask(0, {
    flags,
    body: encodeQuery({ uids: [1, 2] }),
  });
  assertEquals([online.online, online.offline], [[1], [2]]);
  const receipt = await across.receipt(0, {
    cmd: TaskCmd.WRITE_TO_USERS,
    flags,
    body: usersBody("x", [1, 2]),
  });
  assertEquals([receipt.delivered, receipt.offline], [1, [2]]);
});

Deno.test("groups are of the whole cluster: joined, written to, left and closed from anywhere", async () => {
  await using across = await Across.start(3);
  const users = [];
  for (const at of [0, 1, 2]) users.push(await across.user(at, at + 1));
  const nobody = await across.user(1, 0);
  const names = ["room"];
  const join = { cmd: TaskCmd.JOIN_GROUPS };
  const joined = await across.receipt(0, {
    ...join,
    body: encodeGroups({ names, uids: [1, 2, 3, 9] }),
  });
  assertEquals([joined.delivered, joined.offline], [3, [9]]);
  // One that nobody is logged in on joins by its connection, through another gateway.
  const alone = await across.receipt(
    2,
    nobody.created.map({ ...join, body: encodeGroups({ names, uids: [] }) }),
  );
  assertEquals([alone.delivered, alone.missingNodes], [1, []]);
  const asked = await across.ask(1, {
    body: encodeQuery({ names, members: true }),
  });
  assertEquals(asked.groups, [{ name: "room", size: 4, uids: [1, 2, 3] }]);

  const written = await across.receipt(1, {
    cmd: TaskCmd.WRITE_TO_GROUPS,
    body: groupsBody("hi", names),
  });
  assertEquals(written.delivered, 4);
  for (const { client } of [...users, nobody]) {
    assertEquals(await textRead(client), "hi");
  }
  const left = await across.receipt(2, {
    cmd: TaskCmd.LEAVE_GROUPS,
    body: encodeGroups({ names: [], uids: [1] }),
  });
  assertEquals(left.delivered, 1);
  const closed = await across.receipt(0, {
    cmd: TaskCmd.CLOSE_GROUPS,
    body: encodeGroups({ names, uids: [] }),
  });
  assertEquals(closed.delivered, 3);
  for (const { client } of [users[1]!, users[2]!, nobody]) {
    assertEquals(await textRead(client), undefined);
  }
  const still = await across.receipt(1, {
    cmd: TaskCmd.WRITE_TO_USERS,
    body: usersBody("still", [1]),
  });
  assertEquals(still.delivered, 1);
  assertEquals(await textRead(users[0]!.client), "still");
});

Deno.test("users are closed at all gateways", async () => {
  await using across = await Across.start(2);
  const [one, two, three] = [
    await across.user(0, 1),
    await across.user(1, 2),
    await across.user(1, 3),
  ];
  const receipt = await across.receipt(0, {
    cmd: TaskCmd.CLOSE_USERS,
    body: encodeCloseUsers({ uids: [-1, 7], userdata: 0, exclude: [3] }),
  });
  assertEquals([receipt.delivered, receipt.offline], [2, [7]]);
  assertEquals(await textRead(one.client), undefined);
  assertEquals(await textRead(two.client), undefined);
  await across.places[0]!.worker.send({
    cmd: TaskCmd.WRITE_TO_USERS,
    body: usersBody("still", [3]),
  });
  assertEquals(await textRead(three.client), "still");
});

Deno.test("questions are answered for the whole cluster, pages in order", async () => {
  await using across = await Across.start(3);
  for (const uid of [10, 20, 30, 40, 50, 60, 70]) {
    await across.user(uid % 3, uid);
  }
  const online = await across.ask(1, {
    body: encodeQuery({ uids: [70, 15, 10, 20, 10] }),
  });
  assertEquals(new Set(online.online), new Set([70, 10, 20]));
  assertEquals([online.offline, online.missingNodes], [[15], []]);
  const pages = [];
  for (let after = 0;;) {
    const { online } = await across.ask(0, {
      body: encodeQuery({ after, limit: 3 }),
    });
    if (online.length === 0) break;
    pages.push(online);
    after = online.at(-1) as number;
  }
  assertEquals(pages, [[10, 20, 30], [40, 50, 60], [70]]);
  const bad = await across.ask(0, { body: "no question" });
  assertStringIncludes(bad.error, "Cannot decode Query");
});

Deno.test("a client is reached through any gateway: answered, logged in, cleared, logged out, closed", async () => {
  await using across = await Across.start(2);
  const { client, created } = await across.user(1, 0);
  const { worker: far } = across.places[0]!;
  const about = (cmd: number, more = {}) =>
    across.receipt(0, created.map({ cmd, ...more }));
  const body = new Box({ cmd: 4, body: "hello" }).pack();
  assertEquals((await about(TaskCmd.WRITE_TO_CLIENT, { body })).delivered, 1);
  assertEquals(await textRead(client), "hello");

  const loggedIn = await about(TaskCmd.LOGIN_CLIENT, { uid: 5, userdata: 3 });
  assertEquals(loggedIn.delivered, 1);
  const online = () => across.ask(0, { body: encodeQuery({ uids: [5] }) });
  assertEquals((await online()).online, [5]);
  const wrong = await about(TaskCmd.LOGIN_CLIENT, { uid: -5 });
  assertStringIncludes(wrong.error, "a uid is positive");
  assertEquals((await about(TaskCmd.LOGOUT_CLIENT)).delivered, 1);
  assertEquals((await online()).online, []);

  for (let i = 0; i < 3; i++) await client.write({ cmd: i });
  const { gateway } = across.places[1]!;
  await gateway.until(({ queued }) => queued === 3);
  assertEquals((await about(TaskCmd.CLEAR_CLIENT_TASKS)).delivered, 1);
  await gateway.until(({ queued, cleared }) => queued + cleared === 3);

  // Without a receipt it goes as well.
  await far.send(created.map({ cmd: TaskCmd.WRITE_TO_CLIENT, body }));
  assertEquals(await textRead(client), "hello");
  assertEquals((await about(TaskCmd.CLOSE_CLIENT)).delivered, 1);
  assertEquals(await textRead(client), undefined);
  await gateway.until(({ clients }) => clients === 0);
  const gone = await about(TaskCmd.WRITE_TO_CLIENT, { body });
  assertEquals([gone.delivered, gone.missingNodes], [0, []]);
  // As one of a gateway that nobody knows.
  const unknown = await about(TaskCmd.WRITE_TO_CLIENT, { body, nodeId: 99 });
  assertEquals([unknown.delivered, unknown.missingNodes], [0, []]);
  const stats = across.places[0]!.gateway.gateway.stats();
  assertEquals(stats.answersDropped.tag, 1);
});

Deno.test("with LOCAL a client of another gateway is not reached", async () => {
  await using across = await Across.start(2);
  const { created } = await across.user(1, 1);
  const receipt = await across.receipt(
    0,
    created.map({ cmd: TaskCmd.CLOSE_CLIENT, flags: TaskFlag.LOCAL }),
  );
  assertEquals(receipt.delivered, 0);
  assertEquals(across.places[1]!.gateway.gateway.stats().clients, 1);
});

Deno.test("a worker of chains that does something to a client of another gateway is confirmed at once", async () => {
  await using across = await Across.start(2);
  const { created } = await across.user(1, 1);
  const { worker } = across.places[0]!;
  await worker.send(
    created.map({ cmd: TaskCmd.LOGOUT_CLIENT, flags: TaskFlag.CHAINED }),
  );
  const confirmed = await worker.expect(TaskCmd.CLEAR_CLIENT_TASKS);
  assertEquals(confirmed.connId, created.connId);
  await across.places[1]!.gateway.until(({ users }) => users === 0);
});

Deno.test("a task that is answered through another gateway is not handed out again", async () => {
  await using across = await Across.start(2);
  const { client, created } = await across.user(1, 0);
  const { gateway, worker } = across.places[1]!;
  await client.write({ cmd: 7, sn: 9 });
  await worker.askExplicitly(created);
  const task = await worker.expect(TaskCmd.CLIENT_REQ);
  const answer = Box.fromFrame(task.body).map({ body: "kept" }).pack();
  const receipt = await across.receipt(
    0,
    task.map({ cmd: TaskCmd.WRITE_TO_CLIENT, ret: task.ret, body: answer }),
  );
  assertEquals(receipt.delivered, 1);
  assertEquals(await textRead(client), "kept");
  worker.close();
  await gateway.until(({ workers, inHand }) => workers + inHand === 0);
  const { redelivered, givenUp, queued } = gateway.gateway.stats();
  assertEquals([redelivered, givenUp, queued], [0, 0, 0]);
  // The client's next one is served.
  await using next = await gateway.attach();
  await client.write({ cmd: 8 });
  assertEquals((await next.pull(TaskCmd.CLIENT_REQ)).redelivered, false);
});

Deno.test("a ban is of the whole cluster, by an admin and by a program", async () => {
  await using across = await Across.start(2);
  const [here, there] = [await across.user(0, 1), await across.user(1, 2)];
  const ban = banTask({ address: "127.0.0.0/8", seconds: 60 });
  const { worker } = across.places[0]!;
  await worker.send({ cmd: ban.cmd, body: ban.body });
  const receipt = decodeReceipt((await worker.expect(TaskCmd.RECEIPT)).body);
  assertEquals([receipt.delivered, receipt.missingNodes], [2, []]);
  for (const { client } of [here, there]) {
    assertEquals(await textRead(client), undefined);
  }
  const { gateway } = across.places[1]!;
  assertEquals(await gateway.refuses(), true);
  await gateway.log.line(
    /^INFO 127\.0\.0\.0\/8 is banned for 60 s, as gateway 1 has asked$/,
  );
  // A program ends it at all of them.
  gateway.gateway.ban({ address: "127.0.0.0/8", seconds: 0 });
  for (const { gateway } of across.places) {
    await gateway.until(({ bans }) => bans === 0);
  }
});

Deno.test("a gateway is told to leave through another one", async () => {
  await using across = await Across.start(2);
  const drain = drainTask({ node: 2, seconds: 0 });
  const receipt = await across.receipt(0, { cmd: drain.cmd, body: drain.body });
  assertEquals([receipt.delivered, receipt.missingNodes], [1, []]);
  const [here, there] = across.places;
  await there!.gateway.until(({ state }) => state !== "serving");
  assertEquals(here!.gateway.gateway.stats().state, "serving");
  const nobody = drainTask({ node: 9, seconds: 0 });
  const refused = await across.receipt(0, {
    cmd: nobody.cmd,
    body: nobody.body,
  });
  assertEquals(refused.delivered, 0);
});

Deno.test("messages of one sender come to a user in their order, whatever their way and length", async () => {
  await using across = await Across.start(2);
  const { client, created } = await across.user(1, 1);
  const { worker } = across.places[0]!;
  await across.receipt(0, {
    cmd: TaskCmd.JOIN_GROUPS,
    body: encodeGroups({ names: ["g"], uids: [1] }),
  });
  // Longer than what the bus carries in one piece.
  const long = "x".repeat(200_000);
  const sent = [];
  for (let i = 0; i < 60; i++) {
    const text = i % 10 === 3 ? `${i} ${long}` : `${i}`;
    const box = new Box({ body: text }).pack();
    sent.push(text);
    if (i % 3 === 0) {
      await worker.send({
        cmd: TaskCmd.WRITE_TO_USERS,
        body: encodeRspToUsers([row(text, [1])]),
      });
    } else if (i % 3 === 1) {
      await worker.send(
        created.map({ cmd: TaskCmd.WRITE_TO_CLIENT, body: box }),
      );
    } else {
      await worker.send({
        cmd: TaskCmd.WRITE_TO_GROUPS,
        body: groupsBody(text, ["g"]),
      });
    }
  }
  for (const text of sent) assertEquals(await textRead(client), text);
});
