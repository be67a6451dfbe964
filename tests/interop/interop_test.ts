// Our gateway with workers, clients and triggers of another make, the Python ones beside this file,
// which speak the wire as the originals did: every command.

import { Buffer } from "node:buffer";
import {
  assertEquals,
  assertGreater,
  assertMatch,
  assertObjectMatch,
} from "@std/assert";
import { Box, RET } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { ALL_SECRETS } from "../helpers/proven_worker.ts";
import { SecretFile } from "../helpers/secret_file.ts";
import {
  CLOSED,
  CMD,
  type Fields,
  PythonClient,
  PythonWorker,
  selfTest,
  test,
  trigger,
} from "./python_peers.ts";

test("the peers put the originals' bytes on the wire", selfTest);

test("a request is answered with the bytes and numbers it came with", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  const body_hex = "00ff7978aecf0a0d80";
  const reply = await client.call(CMD.ECHO, "", { sn: 7, ret: 5, body_hex });
  assertObjectMatch(reply, { cmd: CMD.ECHO, sn: 7, ret: 0, body_hex });
  for (const size of [0, 1, 100_000]) {
    const body = "m".repeat(size);
    assertObjectMatch(await client.call(CMD.ECHO, body, { sn: -1 }), {
      body,
      sn: -1,
      packet_len: 24 + size,
    });
  }
});

test("a worker learns of clients that come and go, and who they are", async () => {
  await using gateway = await startGatewayProcess(["--node-id", "6"]);
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  const created = await worker.event("created");
  assertObjectMatch(created, {
    cmd: 15,
    flags: 0,
    node_id: 6,
    uid: 0,
    userdata: 0,
    custom: 0,
    client_ip: "127.0.0.1",
  });
  const { tag, conn_id } = created;
  assertGreater(Number(tag), 0);
  const [header] = await client.header();
  assertObjectMatch(header, {
    cmd: 10,
    flags: 0,
    node_id: 6,
    tag,
    conn_id,
    client_ip: "127.0.0.1",
  });
  await client.call(CMD.LOGIN, { uid: 7, userdata: 3 });
  await client.do({ op: "close" });
  assertObjectMatch(await worker.event("closed"), {
    cmd: 20,
    tag,
    conn_id,
    uid: 7,
    userdata: 3,
  });
});

test("a client over IPv6 is told as one", async () => {
  if (!Deno.networkInterfaces().some((it) => it.address === "::1")) {
    console.log("there is no IPv6 here");
    return;
  }
  await using gateway = await startGatewayProcess(["--outer-host", "::1"]);
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway, "::1");
  assertObjectMatch((await client.header())[0], { flags: 2, client_ip: "::1" });
});

test("login and logout, with every bit of uid and userdata", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  // As text: JSON.parse() would round them.
  await client.call(
    CMD.LOGIN,
    '{"uid": 9223372036854775807, "userdata": -9223372036854775807}',
  );
  const [, text] = await client.header();
  assertMatch(text, /"uid": 9223372036854775807,/);
  assertMatch(text, /"userdata": -9223372036854775807,/);
  await client.call(CMD.LOGOUT);
  assertObjectMatch((await client.header())[0], { uid: 0, userdata: 0 });
});

test("a login moves from another connection", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using a = await PythonClient.start(gateway);
  await using b = await PythonClient.start(gateway);
  await a.call(CMD.LOGIN, { uid: 5, userdata: 1 });
  await b.call(CMD.LOGIN, { uid: 5, userdata: 2 });
  assertObjectMatch((await a.header())[0], { uid: 0, userdata: 0 });
  assertObjectMatch((await b.header())[0], { uid: 5, userdata: 2 });
});

test("a worker's message reaches users by uid, special uid and mask", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using a = await PythonClient.start(gateway);
  await using b = await PythonClient.start(gateway);
  await using c = await PythonClient.start(gateway);
  await a.call(CMD.LOGIN, { uid: 1, userdata: 1 });
  await b.call(CMD.LOGIN, { uid: 2, userdata: 3 });
  // Somebody who has no message of his own waiting sends; the answer comes last.
  const messages: Fields[] = [
    { uids: [1, 2], body: "both" },
    { uids: [-1], userdata: 2, body: "masked" },
    { uids: [-2], exclude: [1], body: "all but 1" },
    { uids: [-3], body: "not logged in" },
    { uids: [-2], body: "end", cmd: 77 },
  ];
  const own: string[] = [];
  for (const message of messages) {
    await c.send(CMD.TO_USERS, message, { sn: 5 });
    for (;;) {
      const { cmd, body, sn } = await c.read();
      if (cmd === CMD.TO_USERS && sn === 5) break;
      own.push(String(body));
    }
  }
  const readToEnd = async (client: PythonClient) => {
    const texts: string[] = [];
    for (;;) {
      const { cmd, body } = await client.read();
      if (cmd === 77) return texts;
      texts.push(String(body));
    }
  };
  assertEquals(await readToEnd(a), ["both"]);
  assertEquals(await readToEnd(b), ["both", "masked", "all but 1"]);
  assertEquals(own, ["all but 1", "not logged in", "end"]);
});

test("a client is closed after its answer", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  assertObjectMatch(await client.call(CMD.CLOSE, "", { sn: 3 }), { sn: 3 });
  assertEquals(await client.read(), CLOSED);
});

test("users are closed by a worker", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using a = await PythonClient.start(gateway);
  await using b = await PythonClient.start(gateway);
  await using c = await PythonClient.start(gateway);
  await a.call(CMD.LOGIN, { uid: 1, userdata: 1 });
  await b.call(CMD.LOGIN, { uid: 2, userdata: 1 });
  const body = { uids: [-2], userdata: 1, exclude: [2] };
  assertObjectMatch(await c.call(CMD.CLOSE_USERS, body), {
    cmd: CMD.CLOSE_USERS,
  });
  assertEquals(await a.read(), CLOSED);
  assertObjectMatch((await b.header())[0], { uid: 2 });
});

test("a worker's task for a worker comes flagged inner, with what it was given", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  const fields = { uid: -5, userdata: 1, custom: 4611686018427388 };
  const reply = await client.call(CMD.TO_WORKER, { body: "hi", ...fields });
  const what = JSON.parse(String(reply.body));
  assertObjectMatch(what, { inner: true, body: "hi", flags: 1, ...fields });
  assertObjectMatch(await worker.event("inner"), { body: "hi", ...fields });
});

for (const order of ["client", "none"]) {
  test(`requests that wait are cleared, order ${order}`, async () => {
    await using gateway = await startGatewayProcess(["--order", order]);
    await using _worker = await PythonWorker.start(gateway);
    await using client = await PythonClient.start(gateway);
    const frames = [[CMD.CLEAR, 1], [CMD.ECHO, 2], [CMD.ECHO, 3]].map((
      [cmd, sn],
    ) => Buffer.from(new Box({ cmd: cmd!, sn: sn! }).pack()).toString("hex"));
    await client.do({ op: "send_raw", hex: frames.join("") });
    assertObjectMatch(await client.read(), { sn: 1 });
    assertObjectMatch(await client.call(CMD.ECHO, "", { sn: 4 }), { sn: 4 });
  });
}

test("an unknown command is answered as the originals did", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  assertObjectMatch(await client.call(CMD.UNKNOWN, "", { sn: 2 }), {
    cmd: CMD.UNKNOWN,
    sn: 2,
    ret: RET.INVALID_CMD,
  });
});

test("a client's answers come in order from several workers", async () => {
  await using gateway = await startGatewayProcess();
  await using _1 = await PythonWorker.start(gateway);
  await using _2 = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  for (const [sn, ms] of [30, 0, 20, 0, 10, 0].entries()) {
    await client.send(CMD.SLEEP, `${ms}`, { sn });
  }
  const order = [];
  for (let i = 0; i < 6; i++) order.push((await client.read()).sn);
  assertEquals(order, [0, 1, 2, 3, 4, 5]);
});

test("a frame of a client that is none closes it, and no other", async () => {
  await using gateway = await startGatewayProcess();
  await using _worker = await PythonWorker.start(gateway);
  await using good = await PythonClient.start(gateway);
  await using bad = await PythonClient.start(gateway);
  await bad.do({ op: "send_raw", hex: "00".repeat(24) });
  assertObjectMatch(await bad.read(), { closed: true });
  assertObjectMatch(await good.call(CMD.ECHO, "fine"), { body: "fine" });
});

test("a trigger gives a worker a task", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  await trigger(
    gateway,
    ...["write-to-worker", "--cmd", "3", "--body", "hi", "--uid", "7"],
    ...["--userdata", "5", "--custom", "-9"],
  );
  assertObjectMatch(await worker.event("inner"), {
    inner: true,
    box_cmd: 3,
    body: "hi",
    uid: 7,
    userdata: 5,
    custom: -9,
  });
});

test("a trigger of 2016, with a Task header of 60 bytes, gives a worker a task", async () => {
  await using gateway = await startGatewayProcess();
  await using worker = await PythonWorker.start(gateway);
  for (const body of ["", "hi", "x".repeat(100_000)]) {
    await trigger(
      gateway,
      ...["write-to-worker", "--old-header", "--cmd", "3", "--body", body],
    );
    assertObjectMatch(await worker.event("inner"), {
      inner: true,
      box_cmd: 3,
      body,
      flags: 1,
      uid: 0,
      userdata: 0,
      custom: 0,
    });
  }
  await trigger(gateway, "close-users", "--old-header", "--uids", "1");
  const line =
    / WARN .* trigger \S+ sent command 250 with a Task header of 60 bytes, .*ignored/;
  await eventually(() => line.test(gateway.process.stderr));
});

for (const lists of [[], ["--unpacked"]]) {
  const how = lists.length ? "unpacked" : "packed";
  test(`a trigger writes to users and closes them, lists ${how}`, async () => {
    await using gateway = await startGatewayProcess();
    await using _worker = await PythonWorker.start(gateway);
    await using a = await PythonClient.start(gateway);
    await using b = await PythonClient.start(gateway);
    await using c = await PythonClient.start(gateway);
    await a.call(CMD.LOGIN, { uid: 1, userdata: 1 });
    await b.call(CMD.LOGIN, { uid: 2, userdata: 3 });
    await c.call(CMD.ECHO);
    const write = (body: string, ...flags: string[]) =>
      trigger(
        gateway,
        ...["write-to-users", ...lists, "--cmd", "8", "--body", body],
        ...flags,
      );
    await write("to 1 and 2", "--uids", "1,2,300");
    await write("masked", "--uids", "-1", "--userdata", "2");
    await write("all but 2", "--uids", "-2", "--exclude", "2");
    assertObjectMatch(await a.read(), { cmd: 8, body: "to 1 and 2" });
    assertObjectMatch(await a.read(), { cmd: 8, body: "all but 2" });
    assertObjectMatch(await b.read(), { cmd: 8, body: "to 1 and 2" });
    assertObjectMatch(await b.read(), { cmd: 8, body: "masked" });
    assertObjectMatch(await c.read(), { cmd: 8, body: "all but 2" });
    await trigger(
      gateway,
      ...["close-users", ...lists, "--uids", "-1", "--exclude", "2"],
    );
    assertEquals(await a.read(), CLOSED);
    await trigger(gateway, "close-users", ...lists, "--uids", "-3,2");
    assertEquals(await b.read(), CLOSED);
    assertEquals(await c.read(), CLOSED);
  });
}

test("beside secrets, worker and trigger from an open address need none, and hear nothing first", async () => {
  await using secrets = new SecretFile(...ALL_SECRETS);
  await using gateway = await startGatewayProcess([
    ...["--inner-secret-file", secrets.path],
    ...["--inner-open", "10.0.0.0/8,127.0.0.1"],
  ]);
  await using worker = await PythonWorker.start(gateway);
  await using client = await PythonClient.start(gateway);
  assertObjectMatch(await client.call(CMD.ECHO, "open"), { body: "open" });
  for (const header of [[], ["--old-header"]]) {
    await trigger(gateway, "write-to-worker", ...header, "--body", "hi");
    assertObjectMatch(await worker.event("inner"), { body: "hi" });
  }
});
