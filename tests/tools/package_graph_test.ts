import { assertEquals } from "@std/assert";
import { packageGraphProblems } from "../../tools/package_graph.ts";
import { TempDir } from "./_helpers.ts";

function config(name: string): string {
  return JSON.stringify({ name, version: "0.1.0", exports: "./mod.ts" });
}

Deno.test("packageGraphProblems() finds what may not be imported", async () => {
  await using dir = await TempDir.create({
    "box/deno.json": config("@maple/box"),
    "box/mod.ts": `import "@std/bytes"; import "@maple/haven";\n`,
    "worker/deno.json": config("@maple/worker"),
    "worker/mod.ts":
      `import "@maple/box/internal"; export * from "./a/b.ts";\n`,
    "worker/a/b.ts": `import "../c.ts"; import "../../box/mod.ts";\n`,
    "other/deno.json": config("@maple/other"),
  });
  const folders = ["box", "worker", "other"].map((name) => dir.join(name));
  assertEquals(await packageGraphProblems(folders), [
    `@maple/box/mod.ts: imports "@maple/haven", may import none of ours`,
    `@maple/worker/a/b.ts: imports "../../box/mod.ts", out of its package`,
    `@maple/other: ARROWS in tools/package_graph.ts has no entry`,
  ]);
});
