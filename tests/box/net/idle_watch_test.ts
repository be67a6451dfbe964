import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  type CloseCause,
  Gate,
  IdleWatch,
  type IdleWatched,
} from "@maple/box/internal";

class Connection implements IdleWatched {
  pendingRequests = 0;
  quietSteps = 0;
  readonly causes: CloseCause[] = [];
  readonly socket = {
    close: (cause: CloseCause) => void this.causes.push(cause),
  };
}

/** A watch over two connections that closes after 10 s. */
function watchTwo(timeout = 10) {
  const one = new Connection();
  const two = new Connection();
  const gate = new Gate();
  const all = () => [one, two].filter(({ causes }) => causes.length === 0);
  const watch = new IdleWatch({ all }, gate, {
    timeout,
    option: "--conn-timeout",
  });
  watch.start();
  return { one, two, gate, [Symbol.dispose]: () => watch.stop() };
}

Deno.test("IdleWatch closes connections that are quiet, and those alone", () => {
  using time = new FakeTime();
  using watched = watchTwo();
  const { one, two } = watched;
  for (let seconds = 0; seconds < 30; seconds++) {
    time.tick(1000);
    two.quietSteps = 0;
    assertEquals(one.causes.length, seconds < 10 ? 0 : 1);
  }
  assertEquals(one.causes, [
    { kind: "idle", message: "no frame for 10 s (--conn-timeout)" },
  ]);
  assertEquals(two.causes, []);
});

Deno.test("IdleWatch closes no connection whose requests are not done", () => {
  using time = new FakeTime();
  using watched = watchTwo();
  const { one } = watched;
  one.pendingRequests = 1;
  time.tick(60_000);
  assertEquals(one.causes, []);
  one.pendingRequests = 0;
  time.tick(10_000);
  assertEquals(one.causes, []);
  time.tick(1000);
  assertEquals(one.causes.length, 1);
});

Deno.test("IdleWatch stands still while the gate is shut", () => {
  using time = new FakeTime();
  using watched = watchTwo();
  const { one, gate } = watched;
  time.tick(9000);
  gate.shut();
  time.tick(60_000);
  assertEquals(one.causes, []);
  gate.open();
  time.tick(1000);
  assertEquals(one.causes, []);
  time.tick(1000);
  assertEquals(one.causes.length, 1);
});

Deno.test("IdleWatch closes nothing with a timeout of 0, nor after stop()", () => {
  using time = new FakeTime();
  using never = watchTwo(0);
  const { one, [Symbol.dispose]: stop } = watchTwo();
  stop();
  time.tick(1_000_000);
  assertEquals([one.causes, never.one.causes], [[], []]);
});
