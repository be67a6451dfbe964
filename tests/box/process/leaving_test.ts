// Leaving: the end of an app in its process is bounded.

import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Leaving, stopLimitMs } from "../../../box/process/leaving.ts";
import { LogCollector } from "../../helpers/log_collector.ts";

/** An app that is closed when the test says so. */
class Slow {
  closes = 0;
  readonly #closed = Promise.withResolvers<void>();
  readonly closed: Promise<void> = this.#closed.promise;

  close(): Promise<void> {
    this.closes++;
    return this.closed;
  }

  finish(): void {
    this.#closed.resolve();
  }
}

Deno.test("stopLimitMs() is two seconds more than the stop timeout, and a time that a timer can wait", () => {
  assertEquals(stopLimitMs(0), 2000);
  assertEquals(stopLimitMs(30_000), 32_000);
  assertEquals(stopLimitMs(2_147_483_000), 2 ** 31 - 1);
});

Deno.test("Leaving.over resolves when the app is closed, without a word", async () => {
  const app = new Slow();
  const log = new LogCollector();
  const leaving = new Leaving(app, 1000, log);
  assertEquals(leaving.begun, false);
  leaving.begin();
  assertEquals([leaving.begun, app.closes], [true, 1]);
  app.finish();
  await leaving.over;
  // The test's sanitizers see to the timer.
  assertEquals(log.lines, []);
});

Deno.test("Leaving.over resolves two seconds after the stop timeout whatever the app does, and says so once", async () => {
  using time = new FakeTime();
  const app = new Slow();
  const log = new LogCollector();
  const leaving = new Leaving(app, 1000, log);
  let over = false;
  leaving.over.then(() => over = true);
  leaving.begin(500);
  // Whoever comes later with less time is heard, with more is not.
  leaving.begin();
  leaving.begin(9000);
  await time.tickAsync(2999);
  assertEquals(over, false);
  await time.tickAsync(1);
  await leaving.over;
  assertEquals(log.complaints.length, 1);
  await time.tickAsync(20_000);
  assertEquals(log.complaints.length, 1);
});
