// What the READMEs of packages lead to.

import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { workspaceFolders } from "../../tools/jsr_package.ts";
import { readmeLinkProblems } from "../../tools/readme_links.ts";
import { ROOT } from "../helpers/paths.ts";

Deno.test("READMEs of packages lead to places within the package", async () => {
  const folders = await workspaceFolders(ROOT);
  assertEquals(folders.length, 5);
  assertEquals(await readmeLinkProblems(folders), []);
});

Deno.test("readmeLinkProblems() finds what is not in the package", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const config = {
      name: "@maple/one",
      version: "1.0.0",
      exports: "./mod.ts",
      publish: { include: ["mod.ts", "README.md", "a.png"] },
    };
    await Deno.writeTextFile(
      join(folder, "deno.json"),
      JSON.stringify(config),
    );
    for (const name of ["mod.ts", "a.png", "b.png"]) {
      await Deno.writeTextFile(join(folder, name), "");
    }
    await Deno.writeTextFile(
      join(folder, "README.md"),
      "## The end, at last\n[a](#the-end-at-last) [b](#end) ![c](a.png)\n![d](b.png) [e](../two/)\n",
    );
    assertEquals(
      (await readmeLinkProblems([folder])).map((line) => line.split(" ")[3]),
      ["#end", "b.png", "../two/"],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
