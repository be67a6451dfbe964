import { assert, assertStrictEquals } from "@std/assert";
import { Libc, OwnConnection } from "@maple/box/internal";
import { bounded, Loopback } from "../support.ts";

function test(name: string, fn: (libc: Libc) => Promise<void>): void {
  Deno.test({
    name,
    ignore: Deno.build.os !== "linux",
    async fn() {
      using libc = Libc.open();
      await fn(libc);
    },
  });
}

test("OwnConnection full() gives those their turn for whom something has come", async (libc) => {
  using loopback = await Loopback.open();
  const turn = new OwnConnection(libc);
  const buffer = new Uint8Array(1);
  for (let i = 0; i < 20; i++) {
    let seen = false;
    const reading = loopback.near.read(buffer).then(() => seen = true);
    await loopback.far.write(buffer);
    await bounded(turn.full());
    await bounded(turn.full());
    assert(seen, `round ${i}`);
    await reading;
  }
  await bounded(turn.close());
});

test("OwnConnection quick() gives timers their turn, with old versions of Deno too", async (libc) => {
  for (const version of ["2.4.2", "2.7.0", "2.9.6", "3.0.0"]) {
    const turn = new OwnConnection(libc, version);
    let fired = false;
    setTimeout(() => fired = true, 0);
    while (!fired) await bounded(turn.quick());
    await bounded(turn.close());
  }
});

test("OwnConnection is made anew where it has broken", async (libc) => {
  const { connectLoopback } = libc;
  const made: number[] = [];
  libc.connectLoopback = (port) => {
    const descriptor = connectLoopback.call(libc, port);
    made.push(descriptor);
    return descriptor;
  };
  const turn = new OwnConnection(libc);
  await bounded(turn.full());
  libc.endSending(made[0]!);
  await bounded(turn.full());
  await bounded(turn.full());
  assertStrictEquals(made.length, 2);
  await bounded(turn.close());
  await bounded(turn.close());
});
