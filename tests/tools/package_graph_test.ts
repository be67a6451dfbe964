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

Deno.test("packageGraphProblems() holds wings against their arrows", async () => {
  await using dir = await TempDir.create({
    "gateway/deno.json": config("@maple/gateway"),
    "gateway/mod.ts": `export * from "./queue/task.ts";\n`,
    "gateway/options.ts": `export type A = 1;\n`,
    "gateway/queue/task.ts": `import type { A } from "../options.ts";\n`,
    "gateway/outer/session.ts": `import { a } from "../queue/task.ts";\n`,
    "gateway/metrics/report.ts":
      `import { type A, type B } from "../outer/session.ts";\n` +
      `import { a, type B } from "../queue/task.ts";\n`,
  });
  assertEquals((await packageGraphProblems([dir.join("gateway")])).sort(), [
    `@maple/gateway/metrics/report.ts: imports "queue/task.ts", may import its types only`,
    `@maple/gateway/queue/task.ts: imports "options.ts", queue may import no other wing`,
  ]);
});

Deno.test("packageGraphProblems() lets the top of box import none of its wings, but for entry points", async () => {
  await using dir = await TempDir.create({
    "box/deno.json": config("@maple/box"),
    "box/mod.ts": `export * from "./net/client.ts";\n`,
    "box/body.ts": `import { client } from "./net/client.ts";\n`,
    "box/net/client.ts": `import { log } from "../log/logger.ts";\n`,
    "box/log/logger.ts": `import { a } from "../net/other.ts";\n`,
    "box/net/other.ts": `export {};\n`,
  });
  assertEquals((await packageGraphProblems([dir.join("box")])).sort(), [
    `@maple/box/body.ts: imports "net/client.ts", the top may import no other wing`,
    `@maple/box/log/logger.ts: imports "net/other.ts", log may import the top`,
  ]);
});

Deno.test("packageGraphProblems() finds circles of files, types included", async () => {
  await using dir = await TempDir.create({
    "worker/deno.json": config("@maple/worker"),
    "worker/mod.ts": `import "./a.ts";\n`,
    "worker/a.ts": `import type { B } from "./b.ts";\n`,
    "worker/b.ts": `export type { C } from "./c/c.ts"; import "./d.ts";\n`,
    "worker/c/c.ts": `import { type A } from "../a.ts";\n`,
    "worker/d.ts": `export {};\n`,
  });
  assertEquals(await packageGraphProblems([dir.join("worker")]), [
    "@maple/worker: a circle of imports, a.ts → b.ts → c/c.ts → a.ts",
  ]);
});
