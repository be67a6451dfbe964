// How much a server of NATS is given that does not answer.

import { assert, assertEquals } from "@std/assert";
import { LATE_LOOKS, NatsFlow } from "../../../gateway/cluster/nats_flow.ts";

function flow(bytesMax: number) {
  const asked: PromiseWithResolvers<void>[] = [];
  const late: boolean[] = [];
  const made = new NatsFlow({
    bytesMax,
    flush: () => {
      const question = Promise.withResolvers<void>();
      asked.push(question);
      return question.promise;
    },
    onLate: (isLate) => late.push(isLate),
  });
  const answer = async (): Promise<void> => {
    asked.at(-1)!.resolve();
    await asked.at(-1)!.promise;
    await Promise.resolve();
  };
  return { flow: made, asked, late, answer };
}

Deno.test("NatsFlow counts what was sent until the server has answered for it", async () => {
  const { flow: one, asked, answer } = flow(1000);
  one.sent(600);
  assert(one.hasRoomFor(400));
  assert(!one.hasRoomFor(401));
  one.look();
  one.sent(100);
  one.sent(200);
  assertEquals([one.bytes, one.messages, asked.length], [900, 3, 1]);
  await answer();
  // What was sent after the question is not answered for.
  assertEquals([one.bytes, one.messages], [300, 2]);
});

Deno.test("NatsFlow asks once at a time, and at once after much", async () => {
  const { flow: one, asked, answer } = flow(10_000_000);
  one.sent(300 * 1024);
  one.sent(300 * 1024);
  assertEquals(asked.length, 1);
  await answer();
  assertEquals([asked.length, one.bytes], [2, 300 * 1024]);
  await answer();
  assertEquals([asked.length, one.bytes], [2, 0]);
});

Deno.test("NatsFlow tells that the server gives no sign of life, once, and that it does again", async () => {
  const { flow: one, late, answer } = flow(1000);
  // The first look asks.
  for (let i = 0; i < LATE_LOOKS; i++) one.look();
  assertEquals([one.isLate, late], [false, []]);
  one.look();
  one.look();
  assertEquals([one.isLate, late], [true, [true]]);
  await answer();
  assertEquals([one.isLate, late, one.looks], [false, [true, false], 0]);
});
