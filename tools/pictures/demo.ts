// Runs the demo and draws what its terminal shows, line by line as it came: examples/demo.svg.
//
//   deno task picture:demo

import { eachLine } from "@maple/box/internal";
import { type PrintedLine, terminalPicture } from "./terminal_picture.ts";

const DEMO = new URL("../../examples/demo.ts", import.meta.url);

/** Where the picture is. */
export const DEMO_PICTURE: URL = new URL(
  "../../examples/demo.svg",
  import.meta.url,
);

/** Runs the demo; what it printed, and when. */
export async function runDemo(
  env: Readonly<Record<string, string>> = {},
): Promise<PrintedLine[]> {
  const demo = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", DEMO.href],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines: PrintedLine[] = [];
  let first: number | undefined;
  await eachLine(demo.stdout, (text) => {
    const now = performance.now();
    // How long the programs take to compile is not shown.
    first ??= now - 1_000;
    lines.push({ at: (now - first) / 1000, text });
  });
  const { code } = await demo.status;
  if (code !== 0) throw new Error(`the demo ended with ${code}`);
  return lines;
}

if (import.meta.main) {
  if (Deno.env.get("NO_COLOR")) {
    throw new Error("NO_COLOR is set; the picture has colours");
  }
  const lines = await runDemo({ FORCE_COLOR: "1" });
  const picture = terminalPicture(lines, {
    command: "deno task demo",
    title: "deno task demo: clients play on while workers are reloaded and " +
      "killed, and the gateway is replaced; no request is lost",
  });
  await Deno.writeTextFile(DEMO_PICTURE, picture);
}
