// The workspace's own mod.ts names all that the packages export, and nothing else.

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "./_helpers.ts";

// The names in its `export { ... } from` lists, those of `export *` files along with them.
async function exported(url: string): Promise<string[]> {
  const text = await Deno.readTextFile(fromFileUrl(url));
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)];
  const names = lists.flatMap(([, list]) =>
    list!.split(",").map((name) => name.trim().replace(/^type /, ""))
  ).filter((name) => name !== "");
  for (const [, file] of text.matchAll(/^export \* from "\.\/(.*)";/gm)) {
    names.push(...await exported(url.replace(/[^/]*$/, file!)));
  }
  return names.sort();
}

Deno.test("mod.ts exports all that the packages do", async () => {
  const packages = ["box", "gateway", "haven", "trigger", "worker"];
  const theirs = await Promise.all(
    packages.map((name) => exported(`../../${name}/mod.ts`)),
  );
  assert(theirs.every((names) => names.length > 5));
  // A type may be told by several.
  const all = [...new Set(theirs.flat())].sort();
  assertEquals(await exported("../../mod.ts"), all);
});
