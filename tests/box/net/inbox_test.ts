import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Box, boxClass, BoxError, type BoxFields, LineBox } from "@maple/box";
import { FakeTime } from "@std/testing/time";
import { Inbox } from "../../../box/net/inbox.ts";
import { tooManyUnread } from "../../../box/net/too_many_unread.ts";

const FOREVER = { timeoutMs: 0 };

function newInbox(): Inbox<BoxFields> {
  return new Inbox(Box, { whenFull: tooManyUnread });
}

Deno.test("Inbox gives an answer to the request with its serial number, whatever order they come in", async () => {
  const inbox = newInbox();
  const requests = Array.from(
    { length: 1000 },
    (_, i) => inbox.request({ cmd: 1, body: `${i}` }, FOREVER),
  );
  for (const { frame } of requests.toReversed()) {
    const request = Box.fromFrame(frame);
    inbox.deliver(request.map({ body: request.text() }));
  }
  const answers = await Promise.all(requests.map(({ answer }) => answer));
  assertEquals(
    answers.map((box) => box.text()),
    requests.map((_, i) => `${i}`),
  );
  assertEquals(new Set(answers.map(({ sn }) => sn)).size, 1000);
  assertEquals(inbox.wanted, false);
});

Deno.test("Inbox.request() takes a box as well, and leaves it as it is", () => {
  const inbox = newInbox();
  const box = new Box({ cmd: 3, flag: 9, sn: 77, body: "x" });
  const sent = Box.fromFrame(inbox.request(box, FOREVER).frame);
  assertEquals([sent.cmd, sent.flag, sent.sn, sent.text()], [3, 9, 1, "x"]);
  assertEquals(box.sn, 77);
});

Deno.test("Inbox gives what answers no request to the handlers of its cmd, and the rest to reads", async () => {
  const inbox = newInbox();
  const seen: string[] = [];
  const off = inbox.on(5, (box) => seen.push(`a ${box.text()}`));
  inbox.on(5, (box) => seen.push(`b ${box.text()}`));
  const { answer } = inbox.request({ cmd: 5 }, FOREVER);
  inbox.deliver(new Box({ cmd: 5, body: "push" }));
  inbox.deliver(new Box({ cmd: 6, body: "other" }));
  inbox.deliver(new Box({ cmd: 5, sn: 1, body: "answer" }));
  off();
  inbox.deliver(new Box({ cmd: 5, body: "later" }));
  assertEquals(seen, ["a push", "b push", "b later"]);
  assertEquals((await answer).text(), "answer");
  assertEquals((await inbox.read(FOREVER))?.text(), "other");
});

Deno.test("Inbox.read() serves several in order, and forgets one that timed out", async () => {
  using time = new FakeTime();
  const inbox = newInbox();
  const late = inbox.read({ timeoutMs: 1000 });
  const refused = assertRejects(
    () => late,
    BoxError,
    "Cannot read: not done within 1 s",
  );
  await time.tickAsync(1000);
  await refused;
  const reads = [inbox.read(FOREVER), inbox.read(FOREVER)];
  inbox.deliver(new Box({ sn: 1 }));
  inbox.deliver(new Box({ sn: 2 }));
  const boxes = await Promise.all(reads);
  assertEquals(boxes.map((box) => box?.sn), [1, 2]);
});

Deno.test("Inbox drops an answer that comes after its request was given up", async () => {
  using time = new FakeTime();
  const inbox = newInbox();
  const { answer } = inbox.request({ cmd: 1 }, { timeoutMs: 500 });
  const refused = assertRejects(
    () => answer,
    BoxError,
    "Cannot get an answer: not done within 0.5 s",
  );
  await time.tickAsync(500);
  await refused;
  inbox.deliver(new Box({ cmd: 1, sn: 1, body: "late" }));
  inbox.deliver(new Box({ cmd: 1, sn: 1, body: "a push that has its number" }));
  assertEquals(
    (await inbox.read(FOREVER))?.text(),
    "a push that has its number",
  );
});

Deno.test("Inbox lets a signal end the waiting", async () => {
  const inbox = newInbox();
  const controller = new AbortController();
  const options = { timeoutMs: 0, signal: controller.signal };
  const { answer } = inbox.request({ cmd: 1 }, options);
  const read = inbox.read(options);
  controller.abort(new Error("enough"));
  await assertRejects(() => answer, Error, "enough");
  await assertRejects(() => read, Error, "enough");
  await assertRejects(() => inbox.read(options), Error, "enough");
  assertEquals(inbox.wanted, false);
});

Deno.test("Inbox uses a serial number again only when nothing can come for it", () => {
  for (
    const [type, largest] of [["b", 127], ["B", 255], ["H", 65535]] as const
  ) {
    const Tiny = boxClass([["sn", type], ["bodyLen", "H"]]);
    const inbox = new Inbox(Tiny);
    for (let sn = 1; sn <= largest; sn++) {
      const { frame } = inbox.request({}, FOREVER);
      assertEquals(Tiny.fromFrame(frame).sn, sn);
    }
    assertThrows(
      () => inbox.request({}, FOREVER),
      BoxError,
      `Cannot send a request: all ${largest} serial numbers are in use`,
    );
    inbox.deliver(new Tiny({ sn: 50 }));
    assertEquals(Tiny.fromFrame(inbox.request({}, FOREVER).frame).sn, 50);
  }
});

Deno.test("Inbox.request() needs a field for the serial number", () => {
  assertThrows(
    () => new Inbox(LineBox).request({}, FOREVER),
    BoxError,
    'has no field "sn"',
  );
});

Deno.test("Inbox.end() fails what waits for answers, and gives reads null, the first one the fault", async () => {
  const inbox = newInbox();
  const { answer } = inbox.request({ cmd: 1 }, FOREVER);
  const reads = [inbox.read(FOREVER), inbox.read(FOREVER)];
  inbox.end(new Error("gone"), new Error("no box"));
  await assertRejects(() => answer, Error, "gone");
  await assertRejects(() => reads[0]!, Error, "no box");
  assertEquals(await reads[1], null);
});

Deno.test("Inbox keeps so much that nobody reads, then gives up the requests behind it", async () => {
  const inbox = newInbox();
  const { answer } = inbox.request({ cmd: 1 }, FOREVER);
  for (let i = 0; i < 1024; i++) inbox.deliver(new Box({ cmd: 9 }));
  await assertRejects(
    () => answer,
    BoxError,
    "1024 boxes with 0 bytes came before it that nobody has read",
  );
  assertEquals(inbox.wanted, false);
  inbox.on(5, () => {});
  assertEquals(inbox.wanted, false);
  await inbox.read(FOREVER);
  assertEquals(inbox.wanted, true);
});
