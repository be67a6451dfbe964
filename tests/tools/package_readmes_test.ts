// What the README of a package shows and leads to is in the package: it is read where it is
// published, without the folders beside it.

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import {
  readConfig,
  readFiles,
  workspaceFolders,
} from "../../tools/jsr_package.ts";
import { ROOT } from "../helpers/paths.ts";

const LINK = /\]\(([^)\s]+)\)/g;

function anchorsOf(readme: string): string[] {
  return Array.from(
    readme.matchAll(/^#+ (.*)$/gm),
    ([, heading]) =>
      `#${
        heading!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
      }`,
  );
}

Deno.test("READMEs of packages lead to places within the package", async () => {
  const folders = await workspaceFolders(ROOT);
  assertEquals(folders.length, 5);
  const packages = await Promise.all(folders.map(readConfig));
  for (const one of packages) {
    const { dir: folder } = one;
    const readme = await Deno.readTextFile(join(folder, "README.md"));
    const places = new Set([
      ...anchorsOf(readme),
      ...Array.from(
        (await readFiles(one, packages)).keys(),
        (path) => path.slice(1),
      ),
    ]);
    for (const [, link] of readme.matchAll(LINK)) {
      assert(places.has(link!), `${folder}/README.md leads to ${link}`);
    }
  }
});
