// Holds the links in READMEs of packages against what the package publishes: there they are read
// without the folders beside it.

import { join } from "node:path";
import { readConfig, readFiles } from "./jsr_package.ts";

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

/**
 * Finds links that lead to no heading of the README and no file of its package.
 *
 * @param folders The folders of the packages.
 * @returns One line for each; none if all is well.
 */
export async function readmeLinkProblems(
  folders: readonly string[],
): Promise<string[]> {
  const problems: string[] = [];
  const packages = await Promise.all(folders.map(readConfig));
  for (const one of packages) {
    const readme = await Deno.readTextFile(join(one.dir, "README.md"));
    const files = await readFiles(one, packages);
    const places = new Set(anchorsOf(readme));
    for (const path of files.keys()) places.add(path.slice(1));
    for (const [, link] of readme.matchAll(LINK)) {
      if (places.has(link!)) continue;
      problems.push(
        `README of ${one.name}: ${link} is not in the package; name the package instead`,
      );
    }
  }
  return problems;
}
