// The commands about groups, on real sockets: joining, leaving, messages, closing.

import { assert, assertEquals } from "@std/assert";
import {
  Box,
  decodeGroups,
  encodeGroups,
  encodeRspToGroups,
  encodeRspToUsers,
  type GroupMessage,
  type Int64,
  type Task,
  TaskCmd,
  TaskFlag,
} from "@maple/box";
import { encodeIdentity } from "@maple/box/internal";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";
import {
  type Client,
  connectSeen,
  login,
  row,
  textRead,
} from "./command_support.ts";

function join(created: Task, ...names: string[]): Task {
  const body = encodeGroups({ names, uids: [] });
  return created.map({ cmd: TaskCmd.JOIN_GROUPS, body });
}

function leave(created: Task, ...names: string[]): Task {
  const body = encodeGroups({ names, uids: [] });
  return created.map({ cmd: TaskCmd.LEAVE_GROUPS, body });
}

function about(cmd: number, names: string[], uids: Int64[] = []) {
  return { cmd, body: encodeGroups({ names, uids }) };
}

function toGroups(
  text: string,
  names: string[],
  userdata: Int64 = 0,
  exclude: Int64[] = [],
): GroupMessage {
  return { names, buf: new Box({ body: text }).pack(), userdata, exclude };
}

function write(...rows: GroupMessage[]) {
  return { cmd: TaskCmd.WRITE_TO_GROUPS, body: encodeRspToGroups(rows) };
}

const END = {
  cmd: TaskCmd.WRITE_TO_USERS,
  body: encodeRspToUsers([row("end", [-2])]),
};

async function textsRead(client: Client): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const text = await textRead(client);
    if (text === "end" || text === undefined) return texts;
    texts.push(text);
  }
}

overTransports(
  "WRITE_TO_GROUPS reaches the members, each once, as userdata and exclude say",
  async (start) => {
    await using gateway = await start();
    await using worker = await gateway.attach();
    const [a, createdA] = await connectSeen(gateway, worker);
    const [b, createdB] = await connectSeen(gateway, worker);
    const [c, createdC] = await connectSeen(gateway, worker);
    await using _a = a, _b = b, _c = c;
    await worker.send(login(createdA, 1, 0b01));
    await worker.send(login(createdB, 2, 0b10));
    await worker.send(join(createdA, "t", "u"));
    await worker.send(join(createdB, "t"));
    await worker.send(join(createdC, "u", "u"));
    await worker.send(write(
      toGroups("to t", ["t"]),
      toGroups("to t and u", ["t", "u", "t"]),
      toGroups("masked", ["t", "u"], 0b10),
      toGroups("without 1", ["t", "u"], 0, [1]),
      toGroups("to none", ["none"]),
      toGroups("to no group", []),
    ));
    await worker.send(END);
    assertEquals(await textsRead(a), ["to t", "to t and u"]);
    assertEquals(await textsRead(b), [
      "to t",
      "to t and u",
      "masked",
      "without 1",
    ]);
    assertEquals(await textsRead(c), ["to t and u", "without 1"]);
    const stats = gateway.gateway.stats();
    assertEquals([stats.groups, stats.groupMembers], [2, 4]);
    assertEquals([stats.groupMessages, stats.groupDeliveries], [6, 8]);
    assertEquals(stats.largestGroups.map(({ members }) => members), [2, 2]);
  },
);

Deno.test("a client stays in its groups over login and logout, and no longer than its connection", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  await using _b = b;
  await worker.send(join(createdA, "t"));
  await worker.send(login(createdA, 1));
  // The user moves to another connection; the group is the connection's.
  await worker.send(login(createdB, 1));
  await worker.send(createdB.map({ cmd: TaskCmd.LOGOUT_CLIENT }));
  await worker.send(write(toGroups("still", ["t"])));
  await worker.send(END);
  assertEquals(await textsRead(a), ["still"]);
  assertEquals(await textsRead(b), []);
  a.close();
  await worker.pull(TaskCmd.CLIENT_CLOSED);
  const { groups, groupMembers } = gateway.gateway.stats();
  assertEquals([groups, groupMembers], [0, 0]);
});

Deno.test("JOIN_GROUPS and LEAVE_GROUPS with uids are about the connections of these users", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  await using trigger = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  const [c] = await connectSeen(gateway, worker);
  await using _a = a, _b = b, _c = c;
  await worker.send(login(createdA, 1));
  await worker.send(login(createdB, 2));
  await gateway.until(({ users }) => users === 2);
  await trigger.send(about(TaskCmd.JOIN_GROUPS, ["t", "u"], [1, 2, 99]));
  await trigger.send(about(TaskCmd.JOIN_GROUPS, ["all"], [-2]));
  await trigger.send(write(toGroups("t", ["t"]), toGroups("all", ["all"])));
  await trigger.send(about(TaskCmd.LEAVE_GROUPS, ["t"], [1]));
  await trigger.send(about(TaskCmd.LEAVE_GROUPS, [], [2]));
  await trigger.send(write(
    toGroups("t again", ["t"]),
    toGroups("u", ["u"]),
    toGroups("all again", ["all"]),
  ));
  await trigger.send(END);
  assertEquals(await textsRead(a), ["t", "all", "u", "all again"]);
  assertEquals(await textsRead(b), ["t", "all"]);
  assertEquals(await textsRead(c), ["all", "all again"]);
});

Deno.test("LEAVE_GROUPS leaves the groups that it names, or all", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, created] = await connectSeen(gateway, worker);
  await using _a = a;
  await worker.send(join(created, "t", "u", "v"));
  await worker.send(leave(created, "t", "none", "t"));
  await worker.send(write(toGroups("t", ["t"]), toGroups("u", ["u"])));
  await worker.send(leave(created));
  await worker.send(write(toGroups("u again", ["u"]), toGroups("v", ["v"])));
  await worker.send(END);
  assertEquals(await textsRead(a), ["u"]);
  // Of another life of the gateway.
  const { tag } = created;
  await worker.send(join(created.map({ tag: tag === 1 ? 2 : 1 }), "w"));
  await worker.send(join(created.map({ connId: 77 }), "w"));
  await gateway.until(({ answersDropped }) => answersDropped.tag === 1);
  assertEquals(gateway.gateway.stats().groups, 0);
});

Deno.test("CLOSE_GROUPS closes the members after what was sent to them", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  const [c, createdC] = await connectSeen(gateway, worker);
  await using _a = a, _b = b, _c = c;
  await worker.send(join(createdA, "t", "u"));
  await worker.send(join(createdB, "u"));
  await worker.send(join(createdC, "v"));
  await worker.send(write(toGroups("bye", ["t", "u"])));
  await worker.send(about(TaskCmd.CLOSE_GROUPS, ["t", "u", "none"]));
  await worker.send(END);
  for (const client of [a, b]) {
    assertEquals(await textRead(client), "bye");
    assertEquals(await client.read(), null);
  }
  assertEquals(await textsRead(c), []);
  assertEquals(gateway.gateway.stats().clientsClosed.local, 2);
});

Deno.test("groupsPerClient and groupsMax bound the groups: what is beyond is counted and told once", async () => {
  await using gateway = await GatewayFixture.start({
    groupsPerClient: 2,
    groupsMax: 3,
  });
  await using worker = await gateway.attach();
  const [a, createdA] = await connectSeen(gateway, worker);
  const [b, createdB] = await connectSeen(gateway, worker);
  await using _a = a, _b = b;
  await worker.send(join(createdA, "1", "2", "3", "4"));
  await worker.send(join(createdB, "3", "4"));
  await worker.send(join(createdB, "1"));
  await worker.send(END);
  assertEquals(await textsRead(b), []);
  const { groupsRefused, groups, groupMembers } = gateway.gateway.stats();
  assertEquals(groupsRefused, { clientFull: 1, full: 1 });
  assertEquals([groups, groupMembers], [3, 4]);
  const told = gateway.log.lines.filter((line) => /does not join/.test(line));
  assertEquals(told.length, 1);
  assert(/2 groups, the most that groupsPerClient allows/.test(told[0]!));
  gateway.gateway.setLimits({ groupsPerClient: 3, groupsMax: 4 });
  await worker.send(join(createdA, "4"));
  await gateway.until(({ groups }) => groups === 4);
});

Deno.test("bodies about groups that make no sense are ignored and counted, and the worker stays", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, created] = await connectSeen(gateway, worker);
  await using _a = a;
  const bad = Uint8Array.of(10, 2, 0xc3, 0x28);
  const badRow = Uint8Array.of(10, 4, ...bad);
  const commands = [
    TaskCmd.JOIN_GROUPS,
    TaskCmd.LEAVE_GROUPS,
    TaskCmd.CLOSE_GROUPS,
  ];
  for (const cmd of commands) {
    await worker.send(created.map({ cmd, body: bad }));
  }
  await worker.send({ cmd: TaskCmd.WRITE_TO_GROUPS, body: badRow });
  await worker.send(join(created, "t"));
  // What comes before the fault is done, as with messages to users.
  const rows = encodeRspToGroups([toGroups("whole", ["t"])]);
  const body = Uint8Array.of(...rows, ...badRow);
  await worker.send({ cmd: TaskCmd.WRITE_TO_GROUPS, body });
  await worker.send(END);
  assertEquals(await textsRead(a), ["whole"]);
  assertEquals(gateway.gateway.stats().badCommands, 5);
  const told = gateway.log.lines.filter((line) => /is ignored/.test(line));
  assertEquals(told.length, 5);
  assert(told.every((line) => line.includes("no UTF-8")), told.join("\n"));
});

Deno.test("JOIN_GROUPS with 100,000 names costs no more than a client may join", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, created] = await connectSeen(gateway, worker);
  await using _a = a;
  const names = Array.from({ length: 100_000 }, (_, i) => `group ${i}`);
  await worker.send(join(created, ...names));
  await worker.send(write(toGroups("to all of them", names)));
  await worker.send(END);
  assertEquals(await textsRead(a), ["to all of them"]);
  const { groups, groupMembers, groupsRefused } = gateway.gateway.stats();
  assertEquals([groups, groupMembers], [100, 100]);
  assertEquals(groupsRefused.clientFull, 1);
});

async function askAs(worker: RawWorker, identity: object): Promise<void> {
  await worker.send({
    cmd: TaskCmd.WORKER_ASK_FOR_TASK,
    flags: TaskFlag.EXPLICIT_ACK,
    body: encodeIdentity(identity),
  });
}

Deno.test("CLIENT_CLOSED names the groups that the client was in, to workers that want to know", async () => {
  await using gateway = await GatewayFixture.start();
  for (const groups of [true, false]) {
    await using worker = await gateway.attach();
    await askAs(worker, { name: "w", groups });
    const a = await gateway.connectBox();
    const created = await worker.expect(TaskCmd.CLIENT_CREATED);
    await worker.send(join(created, "t", "ü", "v"));
    await worker.send(leave(created, "v"));
    a.close();
    await worker.askExplicitly(created);
    const closed = await worker.expect(TaskCmd.CLIENT_CLOSED);
    assertEquals(
      closed.body.length === 0 ? [] : decodeGroups(closed.body).names,
      groups ? ["t", "ü"] : [],
    );
    await worker.askExplicitly(closed);
    await a[Symbol.asyncDispose]();
  }
});

Deno.test("CLIENT_CLOSED names as many groups as innerFrameBytes has room for, and no worker is lost by it", async () => {
  await using gateway = await GatewayFixture.start({
    frameBytes: 300,
    innerFrameBytes: 400,
  });
  await using worker = await gateway.attach();
  await askAs(worker, { name: "w", groups: true });
  const a = await gateway.connectBox();
  const created = await worker.expect(TaskCmd.CLIENT_CREATED);
  const names = Array.from({ length: 20 }, (_, i) => `${i} `.padEnd(100, "x"));
  for (const name of names) await worker.send(join(created, name));
  await gateway.until(({ groupMembers }) => groupMembers === 20);
  a.close();
  await worker.askExplicitly(created);
  const closed = await worker.expect(TaskCmd.CLIENT_CLOSED);
  assertEquals(decodeGroups(closed.body).names, names.slice(0, 2));
  await gateway.log.line(/of the 20 groups .* are told the first 2: /);
  await a[Symbol.asyncDispose]();
});

Deno.test("an original worker gets CLIENT_CLOSED without a body", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await gateway.attach();
  const [a, created] = await connectSeen(gateway, worker);
  await worker.send(join(created, "t"));
  a.close();
  const closed = await worker.pull(TaskCmd.CLIENT_CLOSED);
  assertEquals([closed.connId, closed.body.length], [created.connId, 0]);
});
