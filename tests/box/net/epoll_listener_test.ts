import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EpollListener, Poll } from "@maple/box/internal";
import { bounded } from "../support.ts";
import { ForgedSystem } from "./forged_system.ts";

const AT = { transport: "tcp", hostname: "127.0.0.1", port: 29000 } as const;
const TOO_MANY_FILES = 24;

function start(): { system: ForgedSystem; listener: EpollListener } {
  const system = new ForgedSystem();
  return { system, listener: new EpollListener(system.loop, 4, AT) };
}

Deno.test("EpollListener gives who comes, and waits for who does not", async () => {
  const { system, listener } = start();
  const first = listener.accept();
  assertStrictEquals(system.asked.get(4)!.events, Poll.in);
  await assertRejects(() => listener.accept(), Error, "one is awaited");
  await system.tell(system.now(4, Poll.in));
  system.toAccept.push(7, 8);
  await system.tell(system.now(4, Poll.in));
  const conn = await bounded(first);
  assertEquals(conn.remoteAddr, {
    transport: "tcp",
    hostname: "10.0.0.1",
    port: 80,
  });
  (await bounded(listener.accept())).close();
  conn.close();
  listener.close();
  assertEquals(system.closed, [8, 7, 4]);
  await bounded(system.loop.close());
});

Deno.test("EpollListener is not looked after while nobody wants who comes", async () => {
  const { system, listener } = start();
  const first = listener.accept();
  system.toAccept.push(7);
  await system.tell(system.now(4, Poll.in));
  (await bounded(first)).close();
  await system.tell(system.now(4, Poll.in));
  assertStrictEquals(system.asked.has(4), false);
  const second = listener.accept();
  assertStrictEquals(system.asked.has(4), true);
  system.toAccept.push(8);
  await system.tell(system.now(4, Poll.in));
  (await bounded(second)).close();
  listener.close();
  await bounded(system.loop.close());
});

Deno.test("EpollListener lets others have their turn after some who came together", async () => {
  const { system, listener } = start();
  for (let i = 0; i < 40; i++) system.toAccept.push(100 + i);
  let accepted = 0;
  const accepting = (async () => {
    for (;;) {
      (await listener.accept()).close();
      accepted++;
    }
  })();
  const ended = assertRejects(() => accepting, Deno.errors.BadResource);
  const seen: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    seen.push(accepted);
    await system.tell(system.now(4, Poll.in));
  }
  assertEquals(seen, [16, 32, 40, 40]);
  listener.close();
  await bounded(ended);
  await bounded(system.loop.close());
});

Deno.test("EpollListener says why nobody can be accepted, and goes on", async () => {
  const { system, listener } = start();
  const failing = listener.accept();
  const failed = assertRejects(() => failing, Error, `error ${TOO_MANY_FILES}`);
  system.toAccept.push(-TOO_MANY_FILES);
  await system.tell(system.now(4, Poll.in));
  await bounded(failed);
  system.toAccept.push(7);
  (await bounded(listener.accept())).close();
  listener.close();
  await bounded(system.loop.close());
});

Deno.test("EpollListener is closed when its loop has failed", async () => {
  const { system, listener } = start();
  const failing = listener.accept();
  const failed = assertRejects(() => failing, Error, "has failed: error 9");
  system.waitError = 9;
  await system.fail();
  await bounded(failed);
  await assertRejects(() => listener.accept(), Deno.errors.BadResource);
});
