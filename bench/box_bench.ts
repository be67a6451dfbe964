// Benchmarks of the box package: `deno bench -A bench/box_bench.ts`. Each figure is for 1,000
// frames with a body of 100 bytes.

import {
  Box,
  decodeRspToUsers,
  encodeRspToUsers,
  FrameReader,
  LineBox,
  Outbox,
  Task,
  TaskCmd,
} from "@maple/box";

const COUNT = 1000;
const BODY = new Uint8Array(100).fill(120);

const box = new Box({ cmd: 1, sn: 7, body: BODY });
const boxFrame = box.pack();
const task = new Task({
  cmd: TaskCmd.CLIENT_REQ,
  connId: 12345,
  uid: 678,
  body: boxFrame,
});
const taskFrame = task.pack();
const lineFrame = new LineBox({ body: BODY }).pack();

function repeated(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frame.length * COUNT);
  for (let i = 0; i < COUNT; i++) bytes.set(frame, i * frame.length);
  return bytes;
}

for (
  const [framing, frame] of [
    [Box, boxFrame],
    [Task, taskFrame],
    [LineBox, lineFrame],
  ] as const
) {
  const bytes = repeated(frame);
  for (const chunk of [1400, 65536]) {
    Deno.bench(`${framing.name} frames in reads of ${chunk} bytes`, {
      group: "FrameReader.next()",
    }, () => {
      const reader = new FrameReader(framing);
      let count = 0;
      for (let at = 0; at < bytes.length; at += chunk) {
        reader.push(bytes.subarray(at, at + chunk));
        while (reader.next()) count++;
      }
      if (count !== COUNT) throw new Error(`Got ${count} frames`);
    });
  }
}

for (
  const [name, run] of [
    ["Box pack", () => box.pack()],
    ["Box fromFrame", () => Box.fromFrame(boxFrame)],
    ["Box map and pack", () => box.map({ ret: 0, body: BODY }).pack()],
    ["Task pack", () => task.pack()],
    ["Task fromFrame", () => Task.fromFrame(taskFrame)],
  ] as const
) {
  Deno.bench(name, { group: "pack and unpack" }, () => {
    for (let i = 0; i < COUNT; i++) run();
  });
}

const rows = Array.from({ length: COUNT }, (_, i) => ({
  buf: boxFrame,
  userdata: 0,
  uids: [i + 1, i + 1_000_000],
  exclude: [],
}));
const rspToUsers = encodeRspToUsers(rows);

Deno.bench("encode", { group: "RspToUsers" }, () => {
  encodeRspToUsers(rows);
});

Deno.bench("decode", { group: "RspToUsers" }, () => {
  decodeRspToUsers(rspToUsers);
});

for (const perTurn of [1, 10, COUNT]) {
  const outbox = new Outbox({
    write: (bytes) => Promise.resolve(bytes.length),
  });
  Deno.bench(`${perTurn} a turn`, { group: "Outbox.push()" }, async () => {
    for (let i = 0; i < COUNT; i += perTurn) {
      for (let j = 0; j < perTurn; j++) outbox.push(boxFrame);
      await outbox.drained();
    }
  });
}
