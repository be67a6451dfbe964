// Holds the packages against the arrows that are allowed between them.

import { dirname, join, relative, resolve } from "node:path";
import { readConfig, walk } from "./jsr_package.ts";
import { specifiersOf } from "./specifiers.ts";

/** Which packages of ours each package may import. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "@maple/box": [],
  "@maple/haven": ["@maple/box"],
  "@maple/worker": ["@maple/box", "@maple/haven"],
  "@maple/gateway": ["@maple/box"],
  "@maple/trigger": ["@maple/box"],
};

/**
 * Finds imports that break the rules: of a package that may not be imported, or
 * by a path that leads out of the package.
 *
 * @param folders the folders of the packages
 * @returns one line for each, none if all is well
 */
export async function packageGraphProblems(
  folders: Iterable<string>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const folder of folders) {
    const { name, dir } = await readConfig(folder);
    const allowed = ARROWS[name];
    if (!allowed) {
      problems.push(`${name}: ARROWS in tools/package_graph.ts has no entry`);
      continue;
    }
    for await (const file of walk(dir)) {
      if (!/\.[cm]?[jt]sx?$/.test(file)) continue;
      const where = join(name, relative(dir, file));
      for (const specifier of specifiersOf(await Deno.readTextFile(file))) {
        const [target] = /^@maple\/[^/]+/.exec(specifier) ?? [];
        if (target && !allowed.includes(target)) {
          const may = allowed.join(", ") || "none of ours";
          problems.push(
            `${where}: imports "${specifier}", may import ${may}`,
          );
        }
        const path = relative(dir, resolve(dirname(file), specifier));
        if (specifier.startsWith(".") && path.startsWith("..")) {
          problems.push(`${where}: imports "${specifier}", out of its package`);
        }
      }
    }
  }
  return problems;
}
