// EventFeed: server-sent events to a bounded number of listeners that may be slow.

import { assertEquals, assertRejects } from "@std/assert";
import { EventFeed, eventText } from "../../../gateway/metrics/event_feed.ts";
import { within } from "../../helpers/within.ts";

Deno.test("eventText() keeps an event on one line of data", () => {
  assertEquals(
    eventText("report", { text: "a\nb\n\ndata: c" }),
    'event: report\ndata: {"text":"a\\nb\\n\\ndata: c"}\n\n',
  );
});

Deno.test("EventFeed sends the first events to the new one and the others to all", async () => {
  const feed = new EventFeed(2);
  const first = feed.open("1\n\n");
  assertEquals(first.headers.get("content-type"), "text/event-stream");
  feed.send("a\n\n");
  const second = feed.open("2\n\n");
  feed.send("b\n\n");
  feed.close();
  assertEquals(await first.text(), "retry: 2000\n\n1\n\na\n\nb\n\n");
  assertEquals(await second.text(), "retry: 2000\n\n2\n\nb\n\n");
});

Deno.test("EventFeed open() refuses one too many, and all when it is closed", async () => {
  const feed = new EventFeed(1);
  const first = feed.open("");
  const refused = feed.open("");
  assertEquals([refused.status, await refused.text()], [
    503,
    "1 listen already, the most that may.\n",
  ]);
  await first.body!.cancel();
  assertEquals(feed.size, 0);
  const next = feed.open("");
  assertEquals(next.status, 200);
  feed.close();
  await next.body!.cancel();
  const late = feed.open("");
  assertEquals([late.status, await late.text()], [
    503,
    "No events any more.\n",
  ]);
});

Deno.test("EventFeed send() lets one that does not read miss events, and then ends it", async () => {
  const feed = new EventFeed(2);
  const slow = feed.open("");
  for (let i = 0; i < 4; i++) feed.send(`${i}\n\n`);
  const reader = slow.body!.pipeThrough(new TextDecoderStream()).getReader();
  const texts: string[] = [];
  for (let i = 0; i < 4; i++) texts.push((await reader.read()).value!);
  assertEquals(texts, ["retry: 2000\n\n", "0\n\n", "1\n\n", "2\n\n"]);
  for (let i = 0; i < 60; i++) feed.send("more\n\n");
  assertEquals(feed.size, 0);
  await assertRejects(
    () =>
      within(
        (async () => {
          while (!(await reader.read()).done);
        })(),
        "the end of the events",
      ),
    Error,
    "it does not read",
  );
});
