import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { Box } from "@maple/box";
import { Harness } from "./socket_harness.ts";
import {
  bounded,
  joined,
  readBytes,
  readToEnd,
  turns,
  utf8,
  writeAll,
} from "../support.ts";

const FRAME = new Box({ cmd: 1, body: "hello" }).pack();

Deno.test("FrameSocket.close() ends a socket that is paused", async () => {
  await using harness = await Harness.open();
  harness.socket.pause();
  harness.run();
  await writeAll(harness.far, FRAME);
  await turns();
  harness.socket.close();
  harness.far.close();
  assertEquals((await harness.ended()).kind, "local");
  assertEquals(harness.frames, []);
});

Deno.test("FrameSocket.close() sends the last message though input is unread", async () => {
  await using harness = await Harness.open();
  harness.socket.pause();
  harness.run();
  await writeAll(harness.far, joined(Array(2000).fill(FRAME)));
  await turns();
  const last = new Box({ ret: -1, body: "goodbye".repeat(100_000) }).pack();
  assert(harness.socket.send(last));
  harness.socket.close();
  assertEquals(harness.socket.reserve(1), -1);
  assertEquals(await readToEnd(harness.far), last);
  harness.far.close();
  assertEquals(await harness.ended(), {
    kind: "local",
    message: "closed by this side",
  });
  assertEquals(harness.frames, []);
});

Deno.test("FrameSocket.close() sends the last message to a peer that has ended its own sending", async () => {
  await using harness = await Harness.open();
  const last = new Box({ body: new Uint8Array(8_000_000) }).pack();
  harness.onEachFrame = () => {
    harness.socket.send(last);
    harness.socket.close();
  };
  await writeAll(harness.far, FRAME);
  await harness.far.closeWrite();
  harness.run();
  await harness.received(1);
  await turns(20);
  assertEquals((await readToEnd(harness.far)).length, last.length);
  assertEquals((await harness.ended()).kind, "local");
});

Deno.test("FrameSocket sends what was sent before the peer ended its own sending", async () => {
  await using harness = await Harness.open();
  const answer = new Box({ body: new Uint8Array(8_000_000) }).pack();
  harness.onEachFrame = () => harness.socket.send(answer);
  await writeAll(harness.far, FRAME);
  await harness.far.closeWrite();
  harness.run();
  assertEquals((await readToEnd(harness.far)).length, answer.length);
  assertEquals((await harness.ended()).kind, "peer");
});

Deno.test("FrameSocket.close() delivers no frame that comes after it", async () => {
  await using harness = await Harness.open();
  harness.run();
  harness.socket.close();
  harness.socket.close({ kind: "idle", message: "only the first one counts" });
  assertStrictEquals(harness.socket.send(FRAME), false);
  assertEquals(harness.socket.reserve(1), -1);
  await writeAll(harness.far, joined([FRAME, FRAME]));
  assertEquals(await readToEnd(harness.far), new Uint8Array(0));
  harness.far.close();
  assertEquals((await harness.ended()).kind, "local");
  assertEquals(harness.frames, []);
});

Deno.test("FrameSocket.close() waits for a peer that neither reads nor closes no longer than it says", async () => {
  await using harness = await Harness.open();
  harness.run();
  harness.socket.send(new Uint8Array(15_000_000));
  harness.socket.close({ kind: "idle", message: "nothing came" });
  assertEquals(await harness.ended(), {
    kind: "idle",
    message: "nothing came",
  });
});

Deno.test("FrameSocket.close() within onFrame is the end of the frames", async () => {
  await using harness = await Harness.open();
  harness.onEachFrame = () => harness.socket.close();
  harness.run();
  await writeAll(harness.far, joined([FRAME, FRAME, FRAME]));
  await readToEnd(harness.far);
  harness.far.close();
  await harness.ended();
  assertEquals(harness.frames, [FRAME]);
});

Deno.test("FrameSocket.destroy() drops what is not written", async () => {
  await using harness = await Harness.open();
  harness.run();
  harness.socket.send(new Uint8Array(1000));
  harness.socket.destroy();
  harness.socket.destroy();
  assertEquals((await harness.ended()).kind, "local");
  assertEquals(harness.socket.pendingBytes, 0);
  await bounded(harness.socket.drained());
  assertStrictEquals(harness.socket.send(FRAME), false);
});

Deno.test("FrameSocket tells that the peer closed the connection", async () => {
  await using harness = await Harness.open();
  harness.run();
  await writeAll(harness.far, FRAME);
  harness.far.close();
  assertEquals(await harness.ended(), {
    kind: "peer",
    message: "closed by the other side",
  });
  assertEquals(harness.frames, [FRAME]);
});

Deno.test("FrameSocket does not deliver half a frame", async () => {
  await using harness = await Harness.open();
  harness.run();
  await writeAll(harness.far, joined([FRAME, FRAME.subarray(0, -1)]));
  harness.far.close();
  assertEquals((await harness.ended()).kind, "peer");
  assertEquals(harness.frames, [FRAME]);
});

Deno.test("FrameSocket tells that the peer broke the connection", async () => {
  await using harness = await Harness.open();
  harness.run();
  harness.socket.send(new Uint8Array(15_000_000));
  await readBytes(harness.far, 1);
  // Closed with bytes unread: the system resets the connection.
  harness.far.close();
  const cause = await harness.ended();
  assertEquals(cause.kind, "peer");
});

Deno.test("FrameSocket closes a connection that sends no frame, after what was sent to it", async () => {
  await using harness = await Harness.open();
  harness.onEachFrame = (frame) => harness.socket.send(frame);
  harness.run();
  await writeAll(harness.far, joined([FRAME, utf8("GET / HTTP/1.1\r\n\r\n")]));
  assertEquals(await readToEnd(harness.far), FRAME);
  harness.far.close();
  const cause = await harness.ended();
  assertEquals(cause.kind, "frame");
  assertStringIncludes(cause.message, "47 45 54 20");
  assertEquals(harness.frames, [FRAME]);
});

Deno.test("FrameSocket closes a connection that sends an oversize frame", async () => {
  await using harness = await Harness.open({ frameBytes: 100 });
  harness.run();
  await writeAll(harness.far, new Box({ body: new Uint8Array(77) }).pack());
  assertEquals(await readToEnd(harness.far), new Uint8Array(0));
  harness.far.close();
  const cause = await harness.ended();
  assertEquals(cause.kind, "frame");
  assertStringIncludes(cause.message, "101 bytes are above the limit of 100");
});

Deno.test("FrameSocket closes a connection that does not read", async () => {
  await using harness = await Harness.open({ outboxBytes: 1000 });
  harness.run();
  assert(harness.socket.send(new Uint8Array(900)));
  assertStrictEquals(harness.socket.send(new Uint8Array(101)), false);
  assertEquals(await harness.ended(), {
    kind: "outbox",
    message: "the other side does not read: 900 bytes wait to be sent to it",
  });
  assertStrictEquals(harness.socket.send(new Uint8Array(1)), false);
});

Deno.test("FrameSocket closes the connection when its handler throws", async () => {
  await using harness = await Harness.open();
  harness.onEachFrame = () => {
    throw new Error("handler broke");
  };
  harness.run();
  await writeAll(harness.far, joined([FRAME, FRAME]));
  assertEquals(await readToEnd(harness.far), new Uint8Array(0));
  harness.far.close();
  const cause = await harness.ended();
  assertEquals(cause.kind, "error");
  assertStringIncludes(cause.message, "handler broke");
  assertStrictEquals(cause.message.includes("\n"), false, "one line");
  assertEquals(harness.frames, [FRAME]);
});

Deno.test("FrameSocket.onClose is called once though close() and destroy() are called in it", async () => {
  await using harness = await Harness.open();
  harness.onEachClose = () => {
    harness.socket.close();
    assertStrictEquals(harness.socket.send(FRAME), false);
    harness.socket.destroy();
  };
  harness.run();
  harness.far.close();
  assertEquals((await harness.ended()).kind, "peer");
});

Deno.test("FrameSocket.send() sends nothing while a socket that is destroyed tells so", async () => {
  await using harness = await Harness.open();
  let sent: boolean | undefined;
  harness.onEachClose = () => sent = harness.socket.send(FRAME);
  harness.run();
  harness.socket.destroy();
  assertEquals((await harness.ended()).kind, "local");
  assertStrictEquals(sent, false);
});

Deno.test("FrameSocket.run() ends at once on a socket that is destroyed", async () => {
  await using harness = await Harness.open();
  harness.socket.destroy();
  harness.run();
  assertEquals((await harness.ended()).kind, "local");
});
