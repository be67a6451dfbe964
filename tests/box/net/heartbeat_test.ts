import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Heartbeat } from "../../../box/net/heartbeat.ts";

function start() {
  const events: string[] = [];
  const heartbeat = new Heartbeat({
    intervalMs: 1000,
    ask: () => events.push("ask"),
    onSilence: () => {
      events.push("silence");
      heartbeat.stop();
    },
  });
  return { heartbeat, events };
}

Deno.test("Heartbeat asks once after the time of silence, and tells after as much again", () => {
  using time = new FakeTime();
  const { events } = start();
  time.tick(999);
  assertEquals(events, []);
  time.tick(1);
  assertEquals(events, ["ask"]);
  time.tick(999);
  assertEquals(events, ["ask"]);
  time.tick(1);
  assertEquals(events, ["ask", "silence"]);
  time.tick(10_000);
  assertEquals(events, ["ask", "silence"]);
});

Deno.test("Heartbeat asks nobody who is heard, and takes an answer for one", () => {
  using time = new FakeTime();
  const { heartbeat, events } = start();
  for (let i = 0; i < 20; i++) {
    time.tick(400);
    heartbeat.heard();
  }
  assertEquals(events, []);
  for (let i = 0; i < 5; i++) {
    time.tick(1400);
    heartbeat.heard();
  }
  assertEquals(events, Array(5).fill("ask"));
  heartbeat.stop();
});
