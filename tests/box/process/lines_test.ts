// eachLine(): lines of a stream, however it is cut.

import { assertEquals } from "@std/assert";
import { eachLine } from "@maple/box/internal";

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const lines: string[] = [];
  await eachLine(ReadableStream.from(chunks), (line) => lines.push(line));
  return lines;
}

const TEXT = "one\n\nzwölf 🃏\nlast";
const LINES = ["one", "", "zwölf 🃏", "last"];

Deno.test("eachLine() gives the same lines wherever the bytes are cut", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (let at = 0; at <= bytes.length; at++) {
    const cut = [bytes.subarray(0, at), bytes.subarray(at)];
    assertEquals(await linesOf(cut), LINES);
  }
  assertEquals(
    await linesOf(Array.from(bytes, (one) => Uint8Array.of(one))),
    LINES,
  );
});

Deno.test("eachLine() holds no line that never ends", async () => {
  const piece = new Uint8Array(40_000).fill(0x61);
  const lines = await linesOf([piece, piece, piece]);
  assertEquals(lines.map(({ length }) => length), [80_000, 40_000]);
});

Deno.test("eachLine() ends where the stream breaks, with what has come", async () => {
  const lines: string[] = [];
  let pulls = 0;
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ > 0) throw new Error("broken");
      controller.enqueue(new TextEncoder().encode("a\nb"));
    },
  });
  await eachLine(broken, (line) => lines.push(line));
  assertEquals(lines, ["a", "b"]);
});
