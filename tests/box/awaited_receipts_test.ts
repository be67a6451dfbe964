import { assertEquals } from "@std/assert";
import { Task, TaskCmd, TaskFlag, type TaskInit } from "@maple/box";
import {
  AwaitedReceipts,
  canHaveReceipt,
  farewell,
  hello,
  receiptFor,
  withdrawal,
} from "@maple/box/internal";

Deno.test("AwaitedReceipts: each frame gets its own receipt, in whatever order they come", () => {
  const awaited = new AwaitedReceipts();
  const got: string[] = [];
  const frames = ["a", "b", "c"].map((name, i) => {
    const cmd = [TaskCmd.WRITE_TO_USERS, TaskCmd.WRITE_TO_WORKER, 999][i]!;
    // A task for a worker may have the number of another frame as its custom.
    const frame = new Task({ cmd, custom: 1 }).pack();
    awaited.expect(frame, ({ delivered }) => got.push(`${name} ${delivered}`));
    return frame;
  });
  const tasks = frames.map((frame) => Task.fromFrame(frame));
  assertEquals(
    tasks.map(({ flags, ret, custom }) => [flags, ret, custom]),
    [
      [TaskFlag.RECEIPT_WANTED, 0, 1],
      [TaskFlag.RECEIPT_WANTED, -2, 1],
      [TaskFlag.RECEIPT_WANTED, 0, 3],
    ],
  );
  for (const i of [2, 0, 1]) {
    const receipt = receiptFor(frames[i]!, { delivered: i });
    assertEquals(awaited.take(receipt), true);
    // A second one is nobody's.
    assertEquals(awaited.take(receipt), true);
  }
  assertEquals(got, ["c 2", "a 0", "b 1"]);
  assertEquals(awaited.size, 0);
});

Deno.test("AwaitedReceipts: what nobody waits for, and what cannot be read, is dropped", () => {
  const awaited = new AwaitedReceipts();
  let got = 0;
  const frame = new Task({ cmd: TaskCmd.QUERY }).pack();
  const id = awaited.expect(frame, () => got++);
  const bad = new Task({ cmd: TaskCmd.RECEIPT, custom: id, body: "x" });
  assertEquals(awaited.take(bad.pack()), true);
  for (const custom of [77, -1, 2n ** 62n]) {
    const stray = new Task({ cmd: TaskCmd.RECEIPT, custom });
    assertEquals(awaited.take(stray.pack()), true);
  }
  awaited.forget(id);
  assertEquals(awaited.take(receiptFor(frame, {})), true);
  assertEquals([got, awaited.size], [0, 0]);
  assertEquals(awaited.take(farewell()), "farewell");
  assertEquals(awaited.take(new Task({ cmd: TaskCmd.QUERY }).pack()), false);
});

Deno.test("canHaveReceipt(): commands have one, asks and signs of life have none", () => {
  const can = (init: TaskInit) => canHaveReceipt(new Task(init).pack());
  for (
    const init of [
      { cmd: TaskCmd.WRITE_TO_WORKER },
      { cmd: TaskCmd.WRITE_TO_USERS },
      { cmd: TaskCmd.LOGOUT_CLIENT, connId: 1 },
      { cmd: TaskCmd.CLEAR_CLIENT_TASKS, connId: 1 },
    ]
  ) assertEquals(can(init), true, `${init.cmd}`);
  assertEquals(can({ cmd: TaskCmd.WORKER_ASK_FOR_TASK }), false);
  assertEquals(canHaveReceipt(hello({})), false);
  assertEquals(canHaveReceipt(withdrawal()), false);
});
