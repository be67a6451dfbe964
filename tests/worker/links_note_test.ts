// What a worker's process leaves for those that come after it.

import { assertEquals } from "@std/assert";
import { decodeNote, encodeNote } from "../../worker/links_note.ts";

const found = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ inner: `10.0.0.${i}:28000`, cluster: "maple", seed: 0 },
  }));

Deno.test("decodeNote() reads what encodeNote() writes, of a hundred gateways at most", () => {
  const note = { greeting: ["127.0.0.1:28000"], found: found(2) };
  assertEquals(decodeNote(encodeNote(note)), note);
  assertEquals(
    decodeNote(encodeNote({ greeting: [], found: found(101) })).found,
    found(100),
  );
});

Deno.test("decodeNote() knows nothing without a note, or of another version", () => {
  for (const note of [undefined, "", "127.0.0.1:28000", "{}", "null", "[]"]) {
    assertEquals(decodeNote(note), { greeting: [], found: [] });
  }
});
