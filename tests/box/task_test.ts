import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Box,
  BoxError,
  FrameFault,
  FrameReader,
  ipToBytes,
  RET,
  Task,
  TaskCmd,
  TaskFlag,
  type TaskInit,
  TaskOffset,
} from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { hex, joined, toHex, utf8 } from "./support.ts";

const FIELDS: TaskInit = {
  flags: 0x0506,
  cmd: 0x0b0c0d0e,
  ret: 0x0f101112,
  nodeId: 0x13141516,
  tag: 0x1718191a,
  clientIp: hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
  connId: 0x0021222324252627n,
  uid: 0x28292a2b2c2d2e2fn,
  userdata: 0x3031323334353637n,
  custom: -2,
  body: "hi",
};

const FRAME = hex(`
  7978aecf 0000 0506 0000004e 0b0c0d0e 0f101112 13141516 1718191a
  a0a1a2a3a4a5a6a7a8a9aaabacadaeaf
  0021222324252627 28292a2b2c2d2e2f 3031323334353637 fffffffffffffffe
  6869`);

Deno.test("Task.pack() writes each field where the wire has it", () => {
  const task = new Task(FIELDS);
  assertEquals(toHex(task.pack()), toHex(FRAME));
  assertEquals(task.packetLen, 78);
  assertEquals(Task.headerBytes, 76);
  task.version = 0x0102;
  assertEquals(toHex(task.pack().subarray(0, 8)), "7978aecf01020506");
});

Deno.test("Task.fromFrame() reads each field", () => {
  const task = Task.fromFrame(FRAME);
  assertEquals({ ...task }, {
    magic: 0x7978aecf,
    version: 0,
    packetLen: 78,
    flags: 0x0506,
    cmd: 0x0b0c0d0e,
    ret: 0x0f101112,
    nodeId: 0x13141516,
    tag: 0x1718191a,
    clientIp: hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
    connId: 0x21222324252627n,
    uid: 0x28292a2b2c2d2e2fn,
    userdata: 0x3031323334353637n,
    custom: -2,
    body: utf8("hi"),
  });
  assertEquals(task.pack(), FRAME);
  assertStrictEquals(task.body.buffer, FRAME.buffer);
});

Deno.test("TaskOffset tells where the fields are", () => {
  const view = new DataView(FRAME.buffer);
  const { flags, packetLen, cmd, ret, nodeId, tag, clientIp, connId } =
    TaskOffset;
  assertEquals(view.getInt16(flags), 0x0506);
  assertEquals(view.getInt32(packetLen), 78);
  assertEquals(view.getInt32(cmd), 0x0b0c0d0e);
  assertEquals(view.getInt32(ret), 0x0f101112);
  assertEquals(view.getInt32(nodeId), 0x13141516);
  assertEquals(view.getInt32(tag), 0x1718191a);
  assertEquals(FRAME[clientIp], 0xa0);
  assertEquals(view.getBigInt64(connId), 0x21222324252627n);
  assertEquals(view.getBigInt64(TaskOffset.uid), 0x28292a2b2c2d2e2fn);
  assertEquals(view.getBigInt64(TaskOffset.userdata), 0x3031323334353637n);
  assertEquals(view.getBigInt64(TaskOffset.custom), -2n);
  assertEquals(TaskOffset.body, Task.headerBytes);
});

Deno.test("TaskCmd, TaskFlag and RET have the numbers of the wire", () => {
  assertEquals({ ...TaskCmd }, {
    CLIENT_REQ: 10,
    CLIENT_CREATED: 15,
    CLIENT_CLOSED: 20,
    WRITE_TO_WORKER: 100,
    WORKER_ASK_FOR_TASK: 210,
    WRITE_TO_CLIENT: 220,
    WRITE_TO_USERS: 230,
    CLOSE_CLIENT: 240,
    CLOSE_USERS: 250,
    LOGIN_CLIENT: 260,
    LOGOUT_CLIENT: 270,
    CLEAR_CLIENT_TASKS: 280,
    CHALLENGE: 300,
    PROOF: 310,
    GREETING: 320,
    RECEIPT: 340,
    JOIN_GROUPS: 410,
    LEAVE_GROUPS: 420,
    WRITE_TO_GROUPS: 430,
    CLOSE_GROUPS: 440,
    QUERY: 450,
    BAN: 460,
    DRAIN: 470,
  });
  assertEquals({ ...TaskFlag }, {
    INNER: 1,
    IPV6: 2,
    REDELIVERED: 4,
    EXPLICIT_ACK: 8,
    CHAINED: 16,
    LOCAL: 32,
    RECEIPT_WANTED: 64,
  });
  assertEquals({ ...RET }, {
    INVALID_CMD: -10000,
    INTERNAL: -10001,
    WORKER_LOST: -10002,
    BUSY: -10003,
    BAD_REQUEST: -10004,
  });
});

Deno.test("Task is empty where nothing is given", () => {
  const task = new Task();
  assertEquals(
    toHex(task.pack()),
    "7978aecf" + "00000000" + "0000004c" + "00".repeat(64),
  );
  assertEquals(task.clientAddress, "");
  assertEquals(new Task({ body: { a: 1 } }).body, utf8('{"a":1}'));
});

Deno.test("Task.inner and redelivered read the flags", () => {
  for (
    const [flags, inner, redelivered] of [
      [0, false, false],
      [TaskFlag.INNER, true, false],
      [TaskFlag.IPV6, false, false],
      [TaskFlag.REDELIVERED, false, true],
      [7, true, true],
    ] as const
  ) {
    const task = Task.fromFrame(new Task({ flags }).pack());
    assertEquals([task.inner, task.redelivered], [inner, redelivered]);
  }
});

Deno.test("Task.clientAddress is the text of IPv4 and IPv6 addresses", () => {
  for (
    const address of ["127.0.0.1", "255.255.255.255", "::1", "2001:db8::7"]
  ) {
    const { bytes, ipv6 } = ipToBytes(address);
    const task = new Task({
      flags: ipv6 ? TaskFlag.IPV6 : 0,
      clientIp: bytes,
    });
    assertEquals(task.clientAddress, address);
    const frame = task.pack();
    assertEquals(Task.fromFrame(frame).clientAddress, address);
    if (!ipv6) assertEquals(toHex(frame.subarray(32, 44)), "00".repeat(12));
  }
});

Deno.test("Task.map() copies connId, tag and nodeId alone", () => {
  const answer = new Task(FIELDS).map({
    cmd: TaskCmd.WRITE_TO_CLIENT,
    body: "answer",
  });
  assertInstanceOf(answer, Task);
  const { connId, tag, nodeId } = FIELDS;
  assertEquals(
    answer.pack(),
    new Task({
      cmd: 220,
      connId: connId!,
      tag: tag!,
      nodeId: nodeId!,
      body: "answer",
    })
      .pack(),
  );
  assertEquals(new Task(FIELDS).map({ connId: 5 }).connId, 5);
  assertEquals(new Task(FIELDS).map().cmd, 0);
});

Deno.test("Task.check() tells used, wanting and broken bytes apart", () => {
  assertEquals(Task.check(joined([FRAME, FRAME])), 78);
  for (let cut = 0; cut < FRAME.length; cut++) {
    assertEquals(Task.check(FRAME.subarray(0, cut)), 0);
  }
  assertEquals(Task.check(FRAME, 77), FrameFault.tooLong);
  assertEquals(Task.check(utf8("GET / HTTP/1.1")), FrameFault.badMagic);
  const short = FRAME.slice();
  short[11] = 75;
  assertEquals(Task.check(short), FrameFault.badLength);
  // A box, which begins with the same magic number, is no task.
  const box = new Box({ body: new Uint8Array(51) }).pack();
  assertEquals(Task.check(joined([box, utf8("x")])), FrameFault.badLength);
});

Deno.test("Task.fromFrame() takes exactly one frame", () => {
  for (
    const bytes of [
      new Uint8Array(0),
      FRAME.subarray(0, 75),
      FRAME.subarray(0, -1),
      joined([FRAME, utf8("x")]),
      new Uint8Array(76),
    ]
  ) {
    const error = assertThrows(
      () => Task.fromFrame(bytes),
      BoxError,
      `Cannot unpack a Task: ${bytes.length} bytes are not one whole frame`,
    );
    assertEquals(error.code, "frame");
  }
});

Deno.test("Task.pack() refuses values that do not fit", () => {
  for (
    const init of [
      { cmd: 2 ** 31 },
      { flags: 65536 },
      { uid: 2n ** 63n },
      { connId: 2 ** 53 },
      { userdata: 1.5 },
      { clientIp: new Uint8Array(17) },
    ]
  ) {
    const error = assertThrows(
      () => new Task(init).pack(),
      BoxError,
      `Cannot pack field "${Object.keys(init)[0]}"`,
    );
    assertEquals(error.code, "value");
  }
});

Deno.test("Task shows itself in one readable line", () => {
  const task = new Task({
    cmd: TaskCmd.CLIENT_REQ,
    connId: 7,
    clientIp: ipToBytes("10.0.0.1").bytes,
    uid: 2n ** 60n,
    body: "hi",
  });
  const line = "Task { cmd: CLIENT_REQ, connId: 7, client: 10.0.0.1, " +
    'uid: 1152921504606846976, body: 2 bytes "hi" }';
  assertEquals(String(task), line);
  assertEquals(Deno.inspect(task), line);
  assertEquals(
    String(new Task({ cmd: 11 })),
    "Task { cmd: 11, body: 0 bytes }",
  );
});

propertyTest("Task round trips whatever it holds", (random) => {
  for (let run = 0; run < 5000; run++) {
    const task = new Task({
      flags: Number(random.signed(16)),
      cmd: Number(random.signed(32)),
      ret: Number(random.signed(32)),
      nodeId: Number(random.signed(32)),
      tag: Number(random.signed(32)),
      clientIp: random.bytes(16),
      connId: random.signed(64),
      uid: random.signed(64),
      userdata: random.signed(64),
      custom: random.signed(64),
      body: random.bytes(random.pick([0, 1, 100, 3000])),
    });
    const reader = new FrameReader(Task);
    for (const piece of random.cut(task.pack())) reader.push(piece);
    const again = Task.fromFrame(reader.next()!);
    assertEquals({ ...again }, { ...task });
    assertEquals(again.pack(), task.pack());
    assertEquals(typeof again.clientAddress, "string");
  }
});
