import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  type ClientTimeouts,
  ClientWatch,
  type CloseCause,
  type WatchedClient,
} from "@maple/box/internal";

class Connection implements WatchedClient {
  pendingRequests = 0;
  slowed = false;
  heard = true;
  uid = 0;
  quietSteps = 0;
  slowSteps = 0;
  stalled = 0;
  isStalled = false;
  readonly causes: CloseCause[] = [];
  readonly socket = {
    partialBytes: 0,
    pendingBytes: 700,
    stalledSteps: () => this.stalled = this.isStalled ? this.stalled + 1 : 0,
    close: (cause: CloseCause) => void this.causes.push(cause),
    destroy: (cause: CloseCause) => void this.causes.push(cause),
  };

  /** A whole frame comes. */
  frame(): void {
    this.heard = true;
    this.quietSteps = this.slowSteps = 0;
  }
}

/** A watch over two connections. */
function watchTwo(timeouts: Partial<ClientTimeouts>) {
  const one = new Connection();
  const two = new Connection();
  const all = () => [one, two].filter(({ causes }) => causes.length === 0);
  const watch = new ClientWatch({ all }, {
    ...{ idle: 0, firstFrame: 0, frame: 0, write: 0 },
    idleOption: "--conn-timeout",
    ...timeouts,
  });
  watch.start();
  return { one, two, [Symbol.dispose]: () => watch.stop() };
}

Deno.test("ClientWatch closes connections that are quiet, and those alone", () => {
  using time = new FakeTime();
  using watched = watchTwo({ idle: 10 });
  const { one, two } = watched;
  for (let seconds = 0; seconds < 30; seconds++) {
    time.tick(1000);
    two.frame();
    assertEquals(one.causes.length, seconds < 10 ? 0 : 1);
  }
  assertEquals(one.causes, [
    { kind: "idle", message: "no frame for 10 s (--conn-timeout)" },
  ]);
  assertEquals(two.causes, []);
});

Deno.test("ClientWatch closes no connection for being quiet whose requests are not done", () => {
  using time = new FakeTime();
  using watched = watchTwo({ idle: 10 });
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

Deno.test("ClientWatch closes a connection whose frame is not whole in time, not one that sends them one after the other", () => {
  using time = new FakeTime();
  using watched = watchTwo({ frame: 30 });
  const { one, two } = watched;
  // It is quiet for long before.
  time.tick(100_000);
  one.socket.partialBytes = two.socket.partialBytes = 12;
  // It has something to be done beside.
  one.pendingRequests = 1;
  for (let i = 0; i < 3; i++) {
    time.tick(10_000);
    two.frame();
  }
  assertEquals(one.causes, []);
  for (let i = 0; i < 3; i++) {
    time.tick(1000);
    two.frame();
  }
  assertEquals(one.causes, [{
    kind: "slowFrame",
    message: "a frame is not whole after 30 s (frameTimeout)",
  }]);
  assertEquals(two.causes, []);
});

Deno.test("ClientWatch closes a connection that has never sent a frame in time, not one that is logged in", () => {
  using time = new FakeTime();
  using watched = watchTwo({ firstFrame: 5 });
  const { one, two } = watched;
  one.heard = two.heard = false;
  two.uid = 7;
  time.tick(5000);
  assertEquals(one.causes, []);
  time.tick(60_000);
  assertEquals(one.causes, [{
    kind: "firstFrame",
    message: "no whole frame within 5 s (firstFrameTimeout)",
  }]);
  assertEquals(two.causes, []);
});

Deno.test("ClientWatch closes a connection that takes nothing", () => {
  using time = new FakeTime();
  using watched = watchTwo({ write: 30 });
  const { one, two } = watched;
  one.isStalled = two.isStalled = true;
  time.tick(27_000);
  two.isStalled = false;
  time.tick(3000);
  two.isStalled = true;
  time.tick(6000);
  assertEquals(one.causes, [{
    kind: "stalled",
    message:
      "the other side has taken none of 700 bytes for 30 s (writeTimeout)",
  }]);
  assertEquals(two.causes, []);
});

Deno.test("ClientWatch closes nothing with timeouts of 0, nor after stop()", () => {
  using time = new FakeTime();
  using never = watchTwo({});
  const { one, [Symbol.dispose]: stop } = watchTwo({ idle: 10, frame: 1 });
  stop();
  never.one.isStalled = true;
  never.one.socket.partialBytes = 1;
  time.tick(1_000_000);
  assertEquals([one.causes, never.one.causes], [[], []]);
});
