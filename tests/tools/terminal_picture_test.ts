// terminalPicture(): an SVG that stands alone, with the lines and their colours.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  linesOfPicture,
  terminalPicture,
} from "../../tools/pictures/terminal_picture.ts";
import { hasChromium, openBrowser } from "../helpers/browser.ts";

const PICTURE = terminalPicture([
  { at: 1, text: "\x1b[32mgreen\x1b[39m <plain> & \x1b[36mcyan\x1b[0m" },
  { at: 1, text: "" },
  { at: 60, text: "late" },
], { command: "run <it>", title: "A & B", hold: 60 });

Deno.test("terminalPicture() gives each part its colour, and the lines can be read back", () => {
  assertEquals(linesOfPicture(PICTURE), [
    "$ run <it>",
    "green <plain> & cyan",
    "late",
  ]);
  assertStringIncludes(PICTURE, '<tspan fill="#7ee787">green</tspan> &lt;');
  // It needs nothing from elsewhere.
  assert(!/<script|href|url\(|@import/.test(PICTURE), PICTURE);
});

Deno.test({
  name:
    "terminalPicture() plays in a browser, and stands still for who wants no motion",
  ignore: !hasChromium,
  fn: async () => {
    await using browser = await openBrowser();
    const visible = async (reducedMotion: "reduce" | "no-preference") => {
      const page = await browser.newPage({ reducedMotion });
      // A browser refuses what is no well-formed XML.
      await page.goto(
        `data:image/svg+xml,${encodeURIComponent(PICTURE)}`,
      );
      return await page.evaluate(`Array.from(
        document.querySelectorAll("text"),
        (line) => getComputedStyle(line).visibility,
      )`);
    };
    assertEquals((await visible("no-preference") as string[])[2], "hidden");
    assertEquals(await visible("reduce"), ["visible", "visible", "visible"]);
  },
});
