// The additions to the wire, byte by byte, and what their readers make of foreign frames.

import { assert, assertEquals } from "@std/assert";
import { Task, TaskCmd, TaskFlag } from "@maple/box";
import {
  addressAnswer,
  chainEnded,
  decodeGreeting,
  decodeIdentity,
  deliveryIdOf,
  encodeIdentity,
  endChain,
  endsChain,
  greet,
  hello,
  isChained,
  isExplicit,
  isHello,
  isPing,
  isRecall,
  isRedelivered,
  isUnrun,
  isWithdrawal,
  ping,
  pingIntervalMs,
  tookMsOf,
  withdrawal,
  writeAsk,
  writeDelivery,
  writeRecall,
} from "@maple/box/internal";
import { hex, toHex, utf8 } from "./support.ts";

// A header with a body of `bodyBytes`, as text with the fields in their order.
function header(
  { flags = "0000", cmd = "", ret = "00000000", custom = "0".repeat(16) },
  bodyBytes = 0,
): string {
  const length = (76 + bodyBytes).toString(16).padStart(8, "0");
  // nodeId, tag, the address; then connId, uid, userdata.
  const [where, who] = ["0".repeat(8 + 8 + 32), "0".repeat(3 * 16)];
  return `7978aecf0000${flags}${length}${cmd}${ret}${where}${who}${custom}`;
}

// The same frame at the start of a buffer and further on in it.
function written(cmd: number, write: (target: Uint8Array, at: number) => void) {
  const frame = new Task({ cmd }).pack();
  const target = new Uint8Array(5 + frame.length);
  target.set(frame, 5);
  write(target, 5);
  assertEquals(toHex(target.subarray(0, 5)), "0000000000");
  return target.subarray(5);
}

Deno.test("writeAsk() writes flag 8, the delivery id and the microseconds", () => {
  const ask = written(
    TaskCmd.WORKER_ASK_FOR_TASK,
    (target, at) => writeAsk(target, at, 0x01020304, 65.5361, false),
  );
  assertEquals(
    toHex(ask),
    header({
      flags: "0008",
      cmd: "000000d2",
      ret: "01020304",
      custom: "0000000000010001",
    }),
  );
  assert(isExplicit(ask));
  assertEquals([deliveryIdOf(ask), tookMsOf(ask)], [0x01020304, 65.537]);
});

Deno.test("writeAsk() of a first ASK writes the flag alone", () => {
  const ask = written(
    TaskCmd.WORKER_ASK_FOR_TASK,
    (target, at) => writeAsk(target, at, 0, 0, false),
  );
  assertEquals(toHex(ask), header({ flags: "0008", cmd: "000000d2" }));
  assertEquals([deliveryIdOf(ask), tookMsOf(ask)], [0, 0]);
});

Deno.test("writeAsk() tells no more microseconds than the field holds", () => {
  const ask = written(
    TaskCmd.WORKER_ASK_FOR_TASK,
    (target, at) => writeAsk(target, at, 1, 1e9, false),
  );
  assertEquals(Task.fromFrame(ask).custom, 2 ** 31 - 1);
});

Deno.test("isExplicit() is false for the ASK of an original worker", () => {
  const ask = new Task({ cmd: TaskCmd.WORKER_ASK_FOR_TASK, custom: -1 }).pack();
  assertEquals([isExplicit(ask), tookMsOf(ask)], [false, 0]);
});

Deno.test("writeDelivery() writes the delivery id, and flag 4 beside others the second time", () => {
  const first = written(
    TaskCmd.CLIENT_REQ,
    (target, at) => writeDelivery(target, at, 0x0a0b0c0d, false, false),
  );
  assertEquals(toHex(first), header({ cmd: "0000000a", ret: "0a0b0c0d" }));
  assertEquals(isRedelivered(first), false);
  const again = new Task({ cmd: TaskCmd.CLIENT_REQ, flags: TaskFlag.IPV6 })
    .pack();
  writeDelivery(again, 0, 1, true, false);
  assertEquals(
    toHex(again),
    header({ flags: "0006", cmd: "0000000a", ret: "00000001" }),
  );
  assertEquals([isRedelivered(again), deliveryIdOf(again)], [true, 1]);
});

Deno.test("writeDelivery() marks a chained task with flag 16 beside others", () => {
  const task = written(
    TaskCmd.CLIENT_REQ,
    (target, at) => writeDelivery(target, at, 1, true, true),
  );
  assertEquals(
    toHex(task),
    header({ flags: "0014", cmd: "0000000a", ret: "00000001" }),
  );
  assertEquals([isChained(task), isRedelivered(task)], [true, true]);
  assertEquals(isChained(new Task({ flags: 0xf }).pack()), false);
});

Deno.test("writeAsk() gives a chained task back with flag 16", () => {
  const ask = written(
    TaskCmd.WORKER_ASK_FOR_TASK,
    (target, at) => writeAsk(target, at, 2, 0, true),
  );
  assertEquals(
    toHex(ask),
    header({ flags: "0018", cmd: "000000d2", ret: "00000002" }),
  );
  assertEquals([isExplicit(ask), isUnrun(ask)], [true, true]);
});

Deno.test("writeRecall() makes a client's header a recall, which no withdrawal is", () => {
  const target = new Task({ cmd: TaskCmd.CLIENT_REQ, connId: 7, body: "{}" })
    .pack();
  writeRecall(target, 0);
  const frame = target.subarray(0, 76);
  const { cmd, connId } = Task.fromFrame(frame);
  assertEquals([cmd, connId], [TaskCmd.CLEAR_CLIENT_TASKS, 7]);
  assertEquals([isRecall(frame), endsChain(frame)], [true, false]);
  assertEquals([isRecall(withdrawal()), isWithdrawal(frame)], [false, false]);
});

Deno.test("endChain() marks a command, and chainEnded() confirms it", () => {
  const command = new Task({ cmd: TaskCmd.LOGIN_CLIENT, connId: 7, uid: 5 });
  const marked = command.pack();
  assertEquals(endsChain(marked), false);
  endChain(marked);
  assertEquals(endsChain(marked), true);
  const frame = chainEnded(marked);
  assertEquals([isRecall(frame), endsChain(frame)], [true, true]);
  assertEquals(Task.fromFrame(frame).connId, 7);
});

Deno.test("addressAnswer() copies delivery id, node, tag and connection, nothing else", () => {
  const task = new Task({
    cmd: TaskCmd.CLIENT_REQ,
    flags: TaskFlag.IPV6,
    ret: 1,
    nodeId: 2,
    tag: 3,
    clientIp: new Uint8Array(16).fill(9),
    connId: 4,
    uid: 5,
    userdata: 6,
    custom: 7,
  }).pack();
  const answer = written(
    TaskCmd.WRITE_TO_CLIENT,
    (target, at) => addressAnswer(task, target, at),
  );
  const { cmd, flags, ret, nodeId, tag, connId, uid, userdata, custom } = Task
    .fromFrame(answer);
  assertEquals(
    { cmd, flags, ret, nodeId, tag, connId, uid, userdata, custom },
    {
      cmd: TaskCmd.WRITE_TO_CLIENT,
      flags: 0,
      ret: 1,
      nodeId: 2,
      tag: 3,
      connId: 4,
      uid: 0,
      userdata: 0,
      custom: 0,
    },
  );
  assertEquals(toHex(answer.subarray(28, 44)), "0".repeat(32));
});

Deno.test("withdrawal() is CLEAR_CLIENT_TASKS for no client", () => {
  assertEquals(toHex(withdrawal()), header({ cmd: "00000118" }));
  assert(isWithdrawal(withdrawal()));
  const clear = { cmd: TaskCmd.CLEAR_CLIENT_TASKS, connId: 2 ** 40 };
  assertEquals(isWithdrawal(new Task(clear).pack()), false);
  assertEquals(isWithdrawal(ping(1)), false);
});

Deno.test("ping() is LOGOUT_CLIENT for no client with the milliseconds", () => {
  const frame = ping(4999.2);
  assertEquals(
    toHex(frame),
    header({ cmd: "0000010e", custom: "0000000000001388" }),
  );
  assertEquals([isPing(frame), pingIntervalMs(frame)], [true, 5000]);
  assertEquals(isPing(withdrawal()), false);
  const logout = { cmd: TaskCmd.LOGOUT_CLIENT, connId: 1 };
  assertEquals(isPing(new Task(logout).pack()), false);
  assertEquals(
    pingIntervalMs(new Task({ cmd: TaskCmd.LOGOUT_CLIENT, custom: -5 }).pack()),
    0,
  );
});

Deno.test("hello() is LOGOUT_CLIENT for no client with flag 8 and who it is", () => {
  const body = `{"name":"cron","pid":7}`;
  const frame = hello({ name: "cron", pid: 7 });
  assertEquals(
    toHex(frame),
    header({ flags: "0008", cmd: "0000010e" }, body.length) +
      toHex(utf8(body)),
  );
  assertEquals([isHello(frame), isPing(frame)], [true, false]);
  assertEquals(isHello(ping(1)), false);
  assertEquals(decodeIdentity(Task.fromFrame(frame).body), {
    name: "cron",
    pid: 7,
  });
});

Deno.test("greet() is GREETING with the limits as JSON", () => {
  const body =
    `{"version":"1.2.3","node":4,"innerFrameMax":100,"outboxMax":50}`;
  const greeting = {
    version: "1.2.3",
    node: 4,
    innerFrameMax: 100,
    outboxMax: 50,
  };
  const frame = greet(greeting);
  assertEquals(
    toHex(frame),
    header({ cmd: "00000140" }, body.length) + toHex(utf8(body)),
  );
  assertEquals(decodeGreeting(frame), greeting);
});

Deno.test("decodeGreeting() takes what it can read, and only a greeting", () => {
  const told = (body: string | object) =>
    decodeGreeting(new Task({ cmd: TaskCmd.GREETING, body }).pack());
  for (const body of ["", "{", "null", "7", "[]", "\xff"]) {
    assertEquals(told(body), {}, body);
  }
  assertEquals(
    told({ version: 1, node: "x", innerFrameMax: 0, outboxMax: 1.5, more: [] }),
    {},
  );
  assertEquals(told({ innerFrameMax: 77, gateways: [{ node: 1 }] }), {
    innerFrameMax: 77,
  });
  assertEquals(decodeGreeting(ping(1)), undefined);
});

Deno.test("decodeIdentity() takes what it can read of what is told", () => {
  const identity = {
    name: "table",
    pid: 1,
    host: "here",
    version: "1",
    concurrency: 2,
    index: 3,
  };
  assertEquals(decodeIdentity(encodeIdentity(identity)), identity);
  assertEquals(
    decodeIdentity(utf8(`{"name":"${"x".repeat(200)}","pid":"1","index":1.5}`)),
    { name: "x".repeat(100) },
  );
  for (const body of ["", "{", "null", "7", `{"name":"${"x".repeat(5000)}"}`]) {
    assertEquals(decodeIdentity(utf8(body)), undefined, body.slice(0, 20));
  }
  assertEquals(decodeIdentity(hex("ff")), undefined);
});
