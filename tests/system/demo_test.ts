// The demo loses nothing, and its picture in the README shows what it prints today.

import { assert, assertEquals } from "@std/assert";
import { DEMO_PICTURE, runDemo } from "../../tools/pictures/demo.ts";
import { linesOfPicture } from "../../tools/pictures/terminal_picture.ts";

const PICTURE_BYTES_MAX = 100_000;

/** What is the same in each run: figures differ, and who is first of those who are told at once. */
function fixedParts(lines: readonly string[]): string[] {
  return lines.filter((line) => line !== "")
    .map((line) =>
      line.replace(/^ *\d+\.\d s/, "T s")
        .replaceAll(/(\d[\d,]*)( and \d+)*/g, "N")
    )
    .sort();
}

Deno.test({
  name: "the demo loses nothing, and its picture shows what it prints",
  // Elsewhere it leaves the handover out.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const printed = (await runDemo({ NO_COLOR: "1" })).map(({ text }) => text);
    assert(printed.some((line) => /^lost +0$/.test(line)), printed.join("\n"));
    assert(printed.some((line) => /^clients cut off +0$/.test(line)));
    const picture = await Deno.readTextFile(DEMO_PICTURE);
    const [command, ...shown] = linesOfPicture(picture);
    assertEquals(command, "$ deno task demo");
    assertEquals(
      fixedParts(shown),
      fixedParts(printed),
      "renew the picture: deno task picture:demo",
    );
    assert(picture.length <= PICTURE_BYTES_MAX);
  },
});
