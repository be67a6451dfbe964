import { assertEquals, assertMatch } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { LimitLog, TopAddresses } from "@maple/box/internal";
import { LogCollector } from "../../helpers/log_collector.ts";

Deno.test("LimitLog sums up what happens, and names the addresses with most of it", () => {
  using time = new FakeTime();
  const collector = new LogCollector();
  const log = new LimitLog(collector);
  for (let i = 0; i < 50_000; i++) {
    log.add(
      "connections refused (deny)",
      i % 3 === 0 ? "192.0.2.1" : "192.0.2.2",
    );
    log.add("clients closed (clientRate)", `10.0.${i >> 8}.${i & 255}`);
  }
  time.tick(999);
  assertEquals(collector.lines, []);
  time.tick(1);
  assertEquals(collector.lines.length, 1);
  assertMatch(
    collector.lines[0]!,
    /^WARN limits of clients: 50000 connections refused \(deny\), 50000 clients closed \(clientRate\); most often 192\.0\.2\.2 \(\d+\), 192\.0\.2\.1 \(\d+\), /,
  );
  log.add("connections refused (ban)", "192.0.2.9");
  time.tick(9999);
  assertEquals(collector.lines.length, 1);
  time.tick(1);
  assertEquals(
    collector.lines[1],
    "WARN limits of clients: 1 connections refused (ban); most often 192.0.2.9 (1)",
  );
  time.tick(60_000);
  assertEquals(collector.lines.length, 2);
  log.add("connections refused (ban)", "192.0.2.9");
  log.stop();
  assertEquals(collector.lines.length, 3);
  assertEquals(log.top(1)[0]!.address, "192.0.2.2");
});

Deno.test("TopAddresses keeps whoever comes up often, in bounded memory", () => {
  const top = new TopAddresses();
  for (let i = 0; i < 100_000; i++) {
    top.add(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}`);
    if (i % 10 === 0) top.add("192.0.2.7");
    if (i % 20 === 0) top.add("192.0.2.8");
  }
  assertEquals(top.top(2).map(({ address }) => address), [
    "192.0.2.7",
    "192.0.2.8",
  ]);
  assertEquals(top.top(Infinity).length <= 1000, true);
});
