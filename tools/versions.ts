// Holds the versions of the packages against each other: they are one, and they import each other
// at exactly that one. What is internal in one package changes with any patch of it; a caret, which
// Deno writes for a package of the workspace that no import names, would let an older one take it.

import type { PackageConfig } from "./jsr_package.ts";

/**
 * Finds packages of another version, and imports of the workspace that do not pin it.
 *
 * @param packages all of them
 * @param imports those of the workspace's deno.json
 * @param imported the names of the packages that others import
 * @returns one line for each, none if all is well
 */
export function versionProblems(
  packages: readonly PackageConfig[],
  imports: Readonly<Record<string, string>>,
  imported: readonly string[],
): string[] {
  const versions = new Set(packages.map(({ version }) => version));
  if (versions.size > 1) {
    const list = packages.map(({ name, version }) => `${name} ${version}`);
    return [`the versions must be equal, they are ${list.join(", ")}`];
  }
  const [version] = versions;
  return imported.flatMap((name) => {
    const wanted = `jsr:${name}@${version}`;
    return imports[name] === wanted ? [] : [
      `"imports" of deno.json must say "${name}": "${wanted}", it says "${
        imports[name] ?? ""
      }"`,
    ];
  });
}
