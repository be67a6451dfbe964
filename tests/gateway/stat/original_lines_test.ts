import { assertEquals } from "@std/assert";
import { originalLines } from "../../../gateway/stat/original_lines.ts";
import { reportWith } from "./stat_report.ts";

Deno.test("originalLines() tells commands that it does not know, and lets none steer the terminal", () => {
  const report = reportWith();
  Object.assign(report.stats.innerFrames, { NEW: 3, "\x1b[2J\n": 4 });
  const lines = originalLines(report);
  assertEquals(lines.filter((line) => line.startsWith("CMD_NEW")), [
    "CMD_NEW: 3",
  ]);
  assertEquals(lines.filter((line) => line.endsWith(": 4")), [
    "CMD_?[2J?: 4",
  ]);
});
