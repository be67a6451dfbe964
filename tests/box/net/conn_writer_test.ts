import { assert, assertEquals, assertRejects } from "@std/assert";
import { closeEndsWrites, ConnWriter } from "@maple/box/internal";
import { bounded, Loopback } from "../support.ts";

Deno.test("closeEndsWrites() knows from which Deno on", () => {
  const versions = ["2.4.2", "2.8.3", "2.9.4", "2.9.5", "2.9.6+1", "2.10.0"];
  versions.push("3.0.0");
  assertEquals(
    versions.filter((version) => closeEndsWrites(version)),
    ["2.9.5", "2.9.6+1", "2.10.0", "3.0.0"],
  );
});

// Both ways where Deno has both.
for (const endsByItself of closeEndsWrites() ? [true, false] : [false]) {
  const how = endsByItself ? "Deno's" : "the old";
  Deno.test(`ConnWriter ends a write when the connection is closed, ${how} way, and nothing of later use goes out`, async () => {
    using loopback = await Loopback.open();
    const { near, far } = loopback;
    const writer = new ConnWriter(near, endsByItself);
    const bytes = new Uint8Array(1_000_000).fill(1);
    let written = 0;
    const writing = (async () => {
      for (;;) written += await writer.write(bytes);
    })();
    let before = -1;
    while (written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert(written > 0);
    near.close();
    writer.end();
    await assertRejects(() => bounded(writing), Deno.errors.Interrupted);
    bytes.fill(2);
    const piece = new Uint8Array(1_000_000);
    for (;;) {
      const count = await bounded(far.read(piece));
      if (count === null) break;
      assert(piece.subarray(0, count).every((byte) => byte === 1));
    }
  });
}
