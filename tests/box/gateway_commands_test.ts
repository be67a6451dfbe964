import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Box,
  boxClass,
  BoxError,
  decodeCloseUsers,
  decodeRspToUsers,
  LineBox,
  SpecialUid,
  Task,
  TaskCmd,
} from "@maple/box";
import {
  closeUsersTask,
  packBox,
  writeToUsersTask,
  writeToWorkerTask,
} from "@maple/box/internal";
import { utf8 } from "./support.ts";

Deno.test("packBox() takes a box, fields or bytes", () => {
  const packed = new Box({ cmd: 3, body: "x" }).pack();
  assertEquals(packBox(Box, new Box({ cmd: 3, body: "x" })), packed);
  assertEquals(packBox(Box, { cmd: 3, body: "x" }), packed);
  assertStrictEquals(packBox(Box, packed), packed);
  assertEquals(packBox(LineBox, { body: "x" }), utf8("x\n"));
});

Deno.test("packBox() makes a box of the class from a box of another class", () => {
  const OtherBox = boxClass([["cmd", "i"], ["packetLen", "i"]]);
  const other = new OtherBox({ cmd: 3, body: "x" });
  assertEquals(packBox(Box, other), new Box({ cmd: 3, body: "x" }).pack());
});

Deno.test("packBox() refuses what makes no box", () => {
  assertThrows(() => packBox(Box, { cmd: 0.5 }), BoxError, '"cmd"');
});

Deno.test("writeToUsersTask() packs the rows", () => {
  const task = writeToUsersTask(Box, [
    [[1, 2], { cmd: 1, body: "hi" }],
    [[SpecialUid.ALL], new Box({ cmd: 2 }), 6, [7n]],
    [[2n ** 60n], utf8("raw"), 2n ** 62n],
  ]);
  assertEquals(task.cmd, TaskCmd.WRITE_TO_USERS);
  const { body, ...rest } = Task.fromFrame(task.pack());
  assertEquals([rest.connId, rest.tag, rest.nodeId, rest.uid], [0, 0, 0, 0]);
  assertEquals(decodeRspToUsers(body), [
    {
      buf: new Box({ cmd: 1, body: "hi" }).pack(),
      userdata: 0,
      uids: [1, 2],
      exclude: [],
    },
    { buf: new Box({ cmd: 2 }).pack(), userdata: 6, uids: [-2], exclude: [7] },
    { buf: utf8("raw"), userdata: 2n ** 62n, uids: [2n ** 60n], exclude: [] },
  ]);
  assertEquals(writeToUsersTask(Box, []).body.length, 0);
});

Deno.test("closeUsersTask() packs the selection", () => {
  const task = closeUsersTask([5, SpecialUid.LOGGED_IN], 3, [6]);
  assertEquals(task.cmd, TaskCmd.CLOSE_USERS);
  assertEquals(decodeCloseUsers(task.body), {
    uids: [5, -1],
    userdata: 3,
    exclude: [6],
  });
  assertEquals(decodeCloseUsers(closeUsersTask([5]).body), {
    uids: [5],
    userdata: 0,
    exclude: [],
  });
});

Deno.test("writeToUsersTask() and closeUsersTask() refuse what is no 64-bit integer", () => {
  for (const wrong of [0.5, NaN, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n]) {
    for (
      const make of [
        () => closeUsersTask([1, wrong]),
        () => closeUsersTask([], wrong),
        () => closeUsersTask([], 0, [wrong]),
        () => writeToUsersTask(Box, [[[wrong], {}]]),
        () => writeToUsersTask(Box, [[[], {}, wrong]]),
        () => writeToUsersTask(Box, [[[], {}, 0, [wrong]]]),
      ]
    ) {
      const error = assertThrows(
        make,
        BoxError,
        `64-bit integers, got ${wrong}`,
      );
      assertEquals(error.code, "value");
    }
  }
});

Deno.test("writeToWorkerTask() packs the box and what goes with it", () => {
  const task = writeToWorkerTask(Box, { cmd: 9 }, {
    uid: 1,
    userdata: 2,
    custom: 2n ** 60n,
    connId: 4,
    cmd: TaskCmd.CLOSE_CLIENT,
    body: "not this",
  });
  assertEquals(
    [task.cmd, task.uid, task.userdata, task.custom, task.connId],
    [TaskCmd.WRITE_TO_WORKER, 1, 2, 2n ** 60n, 4],
  );
  assertEquals(task.body, new Box({ cmd: 9 }).pack());
  const plain = writeToWorkerTask(Box, { cmd: 9 });
  assertEquals([plain.uid, plain.userdata, plain.custom], [0, 0, 0]);
});
