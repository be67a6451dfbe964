import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Task, TaskCmd, TaskOffset } from "@maple/box";
import { type Receipt, receiptFor, writeInt64 } from "@maple/box/internal";
import {
  GATHER_MS,
  type Gathered,
  type Gathering,
  Gatherings,
  type PartOwner,
} from "../../../gateway/cluster/gatherings.ts";
import { newCounters } from "../../../gateway/metrics/counter_values.ts";
import { propertyTest } from "../../helpers/random.ts";
import { FakeSender } from "./fake_sender.ts";

const FRAME = new Task({ cmd: TaskCmd.WRITE_TO_USERS, custom: 77 }).pack();

// A gateway by its node.
function owner(node: number): PartOwner {
  return { node, id: node + 1000 };
}

function owners(...nodes: number[]): PartOwner[] {
  return nodes.map(owner);
}

function setUp() {
  const counters = newCounters();
  const gatherings = new Gatherings({
    counters,
    uidsMax: () => 100,
    fitting: (receipt) => receipt,
  });
  const sender = new FakeSender();
  const begin = (more: Partial<Gathered> = {}) =>
    gatherings.begin({
      sender,
      frame: FRAME,
      from: owners(1, 2),
      isOwn: true,
      ...more,
    });
  const tell = (
    { no }: Gathering,
    node: number,
    receipt: Partial<Receipt> = { delivered: 1 },
  ) => gatherings.take(partOf(no, receipt), owner(node));
  return { counters, gatherings, sender, begin, tell };
}

function partOf(no: number, receipt: Partial<Receipt>): Uint8Array {
  const frame = FRAME.slice();
  writeInt64(frame, TaskOffset.custom, no);
  return receiptFor(frame, receipt);
}

Deno.test("Gatherings give the sum as soon as all have told", () => {
  using time = new FakeTime();
  const { counters, gatherings, sender, begin, tell } = setUp();
  const gathering = begin();
  assertEquals([sender.due, gatherings.size], [1, 1]);
  tell(gathering, 1, { delivered: 2, offline: [5, 6] });
  gathering.receive(FRAME, { delivered: 1, offline: [5, 6] });
  assertEquals(sender.receipts, []);
  tell(gathering, 2, { offline: [6] });
  assertObjectMatch(sender.receipts[0]!, {
    delivered: 3,
    offline: [6],
    missingNodes: [],
  });
  assertEquals(sender.headers[0], FRAME.subarray(0, TaskOffset.body));
  assertEquals([sender.due, gatherings.size], [0, 0]);
  // Nothing comes a second time.
  time.tick(GATHER_MS * 3);
  tell(gathering, 2);
  assertEquals([sender.receipts.length, counters.clusterMissing], [1, 0]);
});

Deno.test("Gatherings name those that have not told within a second", () => {
  using time = new FakeTime();
  const { counters, sender, begin, tell } = setUp();
  const gathering = begin();
  gathering.receive(FRAME, { delivered: 1 });
  tell(gathering, 2);
  time.tick(GATHER_MS - 100);
  assertEquals(sender.receipts, []);
  time.tick(100);
  assertObjectMatch(sender.receipts[0]!, { delivered: 2, missingNodes: [1] });
  assertEquals(counters.clusterMissing, 1);
  tell(gathering, 1);
  assertEquals(sender.receipts.length, 1);
});

Deno.test("Gatherings wait for this gateway's own part longer than for others", () => {
  using time = new FakeTime();
  const { gatherings, sender, begin, tell } = setUp();
  const gathering = begin();
  time.tick(GATHER_MS * 5);
  assertEquals([sender.receipts.length, gatherings.size], [0, 1]);
  // It is taken while there is time.
  tell(gathering, 1);
  gathering.receive(FRAME, { delivered: 1 });
  assertObjectMatch(sender.receipts[0]!, { delivered: 2, missingNodes: [2] });
});

Deno.test("Gatherings end one after the other, each within a second", () => {
  using time = new FakeTime();
  const { sender, begin, tell } = setUp();
  for (let i = 0; i < 5; i++) {
    const gathering = begin({ from: owners(i), isOwn: false });
    if (i === 1) tell(gathering, i);
    time.tick(100);
  }
  const missing = () => sender.receipts.map(({ missingNodes }) => missingNodes);
  assertEquals(missing(), [[]]);
  time.tick(GATHER_MS - 500);
  assertEquals(missing(), [[], [0]]);
  time.tick(GATHER_MS);
  assertEquals(missing(), [[], [0], [2], [3], [4]]);
  // And those that begin later as well.
  begin({ from: owners(9), isOwn: false });
  time.tick(GATHER_MS + 1);
  assertEquals(missing().at(-1), [9]);
});

Deno.test("Gatherings of which nothing could be passed on end at once", () => {
  const { sender, begin, gatherings } = setUp();
  const gathering = begin();
  gathering.endWaiting();
  gathering.receive(FRAME, { delivered: 4 });
  assertObjectMatch(sender.receipts[0]!, {
    delivered: 4,
    missingNodes: [1, 2],
  });
  gatherings.close();
});

Deno.test("Gatherings close with what is there", () => {
  const { gatherings, sender, begin, tell } = setUp();
  const first = begin();
  tell(first, 1);
  begin({ from: owners(2), isOwn: false });
  gatherings.close();
  assertObjectMatch(sender.receipts[0]!, { delivered: 1, missingNodes: [2] });
  assertObjectMatch(sender.receipts[1]!, { delivered: 0, missingNodes: [2] });
  assertEquals([sender.due, gatherings.size], [0, 0]);
});

Deno.test("Gatherings take one part of each that has one, and of nobody else", () => {
  const { gatherings, sender, begin, tell } = setUp();
  const gathering = begin();
  gathering.receive(FRAME, { delivered: 1 });
  tell(gathering, 3, { delivered: 100 });
  tell(gathering, 1);
  tell(gathering, 1, { delivered: 100 });
  gatherings.take(partOf(gathering.no + 1, { delivered: 100 }), owner(2));
  assertEquals(sender.receipts, []);
  tell(gathering, 2);
  assertObjectMatch(sender.receipts[0]!, { delivered: 3, missingNodes: [] });
  gatherings.close();
});

Deno.test("Gatherings tell apart two gateways of the same node, of which one comes for the other", () => {
  const { gatherings, sender, begin } = setUp();
  const [old, young] = [{ node: 1, id: 10 }, { node: 1, id: 11 }];
  const { no } = begin({ from: [old, young], isOwn: false });
  gatherings.take(partOf(no, { delivered: 2 }), old);
  assertEquals(sender.receipts, []);
  gatherings.take(partOf(no, { delivered: 3 }), young);
  assertObjectMatch(sender.receipts[0]!, { delivered: 5, missingNodes: [] });
  gatherings.close();
});

Deno.test("Gatherings count a part that makes no sense, wherever it is cut, as not told", () => {
  const { counters, gatherings, sender, begin } = setUp();
  const gathering = begin({ from: owners(1), isOwn: false });
  const whole = partOf(gathering.no, { offline: [300, 301], error: "none" });
  // At some places what is left makes sense.
  const refused: number[] = [];
  for (let end = 0; end < whole.length; end++) {
    const before = counters.clusterDropped.bad;
    const { length } = sender.receipts;
    gatherings.take(whole.subarray(0, end), owner(1));
    if (counters.clusterDropped.bad > before) refused.push(end);
    if (sender.receipts.length > length) break;
  }
  assertEquals(refused.slice(0, 77), Array.from({ length: 76 }, (_, i) => i));
  assertEquals(sender.receipts.length, 1);
  gatherings.close();
});

propertyTest("Gatherings take any bytes for a part without harm", (random) => {
  const { gatherings, sender, begin } = setUp();
  const gathering = begin({ from: owners(1, 2, 3), isOwn: false });
  const part = new Uint8Array([
    ...partOf(gathering.no, {}),
    ...random.bytes(random.between(0, 60)),
  ]);
  for (const node of [1, 2, 3]) gatherings.take(part, owner(node));
  gatherings.close();
  assert(sender.receipts.length === 1);
});
