import { assertEquals } from "@std/assert";
import { Task, TaskCmd, TaskOffset } from "@maple/box";
import { decodeReceipt, readInt64 } from "@maple/box/internal";
import { FarSender } from "../../../gateway/cluster/far_sender.ts";
import { UNTOLD } from "../../../gateway/cluster/hello.ts";
import type { Sender } from "../../../gateway/inner/sender.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { LogCollector } from "../../helpers/log_collector.ts";

function setUp(waitingBytes = 10_000) {
  const counters = newCounters();
  const log = new LogCollector();
  const done: string[] = [];
  const parts: [number, Uint8Array][] = [];
  let onRun: (sender: Sender, frame: Uint8Array) => void = () => {};
  const turns: (() => void)[] = [];
  const far = new FarSender({ ...UNTOLD, node: 7, id: 1 }, {
    commands: {
      run(sender, frame) {
        const { cmd, body } = Task.fromFrame(frame);
        done.push(new TextDecoder().decode(body));
        onRun(sender, frame);
        return cmd !== 9999;
      },
    },
    cluster: {
      send(node, _kind, body) {
        parts.push([node, body]);
        return true;
      },
    },
    counters,
    waitingBytes: () => waitingBytes,
    afterOthers: (work) => turns.push(work),
    holderOf: () => null,
    logger: log,
  });
  const take = (body: string, cmd: number = TaskCmd.WRITE_TO_USERS) =>
    far.take(new Task({ cmd, body }).pack());
  const onEach = (work: typeof onRun) => {
    onRun = work;
  };
  const turn = () => turns.splice(0).forEach((work) => work());
  return { far, counters, log, done, parts, take, onEach, turn };
}

Deno.test("FarSender carries out in order; what comes while one is not done waits", () => {
  const { far, done, take, onEach } = setUp();
  take("1");
  far.holdBack();
  take("2");
  take("3");
  take("4");
  assertEquals(done, ["1"]);
  assertEquals(far.waitingBytes, 3 * 512);
  // The second of them is not done at once.
  onEach(() => done.at(-1) === "3" && far.holdBack());
  far.readOn();
  take("5");
  assertEquals(done, ["1", "2", "3"]);
  far.holdBack();
  far.readOn();
  assertEquals(done, ["1", "2", "3"]);
  far.readOn();
  assertEquals(done, ["1", "2", "3", "4", "5"]);
  assertEquals(far.waitingBytes, 0);
});

Deno.test("FarSender drops and counts what is too much to wait, and tells it once", () => {
  const { far, counters, log, done, take } = setUp(2 * 512);
  far.holdBack();
  for (const text of ["1", "2", "3", "4"]) take(text);
  assertEquals(counters.clusterDropped.waiting, 2);
  assertEquals(log.lines.length, 1);
  far.readOn();
  assertEquals(done, ["1", "2"]);
  take("5");
  assertEquals(done, ["1", "2", "5"]);
});

Deno.test("FarSender lets others have their turn between what has waited, and nothing overtakes", () => {
  const { far, done, take, turn } = setUp(2 ** 20);
  const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
  far.holdBack();
  for (const text of texts.slice(0, 200)) take(text);
  far.readOn();
  assertEquals(done.length, 64);
  for (const text of texts.slice(200)) take(text);
  assertEquals(done.length, 64);
  for (let turns = 2; turns <= 5; turns++) {
    turn();
    assertEquals(done.length, Math.min(turns * 64, 300));
  }
  assertEquals(done, texts);
  assertEquals(far.waitingBytes, 0);
  take("now");
  assertEquals(done.at(-1), "now");
});

Deno.test("FarSender sends a part only where one was asked for", () => {
  const { far, parts } = setUp();
  const frame = new Task({ cmd: TaskCmd.BAN, custom: 5 }).pack();
  far.receive(frame, { delivered: 3 });
  far.receive(new Task({ cmd: TaskCmd.BAN }).pack(), { delivered: 3 });
  const [[node, part] = [0, frame]] = parts;
  assertEquals([parts.length, node], [1, 7]);
  assertEquals(readInt64(part, TaskOffset.custom), 5);
  assertEquals(decodeReceipt(part.subarray(TaskOffset.body)).delivered, 3);
});

Deno.test("FarSender drops and counts what is no whole command, or none that there is", () => {
  const { far, counters, done, take } = setUp();
  const whole = new Task({ cmd: TaskCmd.BAN, body: "{}" }).pack();
  for (let end = 0; end < whole.length; end++) far.take(whole.slice(0, end));
  far.take(new Uint8Array([...whole, 0]));
  const huge = whole.slice();
  huge.fill(0x7f, TaskOffset.packetLen, TaskOffset.packetLen + 4);
  far.take(huge);
  assertEquals(done, []);
  assertEquals(counters.clusterDropped.bad, whole.length + 2);
  take("unknown", 9999);
  assertEquals(counters.clusterDropped.bad, whole.length + 3);
});
