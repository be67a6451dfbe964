// Holds what the sources take from elsewhere against the tables of DEPENDENCIES.md: each is named
// there with its version, which is exact, and its licence.

import { join, relative } from "node:path";
import { importsOf } from "./specifiers.ts";

/** What is taken from elsewhere: `jsr:@std/cli@1.0.32`, without a path in it. */
export interface Dependency {
  /** `@std/cli`; all of it where it is no package, as `https://host/mod.ts`. */
  readonly name: string;
  /** What stands behind its `@`; empty where nothing does. */
  readonly version: string;
  /** The first file that names it. */
  readonly file: string;
}

/** A row of a table of dependencies. */
export interface DependencyRow {
  /** The packages that it names. */
  readonly name: string;
  /** The version. */
  readonly version: string;
  /** The licence. */
  readonly licence: string;
}

const PACKAGE = /^(?:jsr:|npm:)\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]+))?/;
const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;
// A package that a command is given, as in `npm install ws@8.18.0`.
const INSTALLED = /"((?:@[\w.-]+\/)?[a-z][\w.-]*)@(\d+\.\d+\.\d+)"/g;

/** What a specifier takes from elsewhere; undefined where it is a file or a package of our own. */
export function dependencyOf(
  specifier: string,
  file: string,
): Dependency | undefined {
  const [, name, version = ""] = PACKAGE.exec(specifier) ?? [];
  if (name !== undefined) {
    return name.startsWith("@maple/") ? undefined : { name, version, file };
  }
  if (!/^https?:/.test(specifier)) return undefined;
  return { name: specifier, version: "", file };
}

/** What a source or a `deno.json` takes from elsewhere. */
export function dependenciesIn(text: string, file: string): Dependency[] {
  const specifiers = file.endsWith(".json")
    ? Object.values<string>(JSON.parse(text).imports ?? {})
    : importsOf(text).map(({ specifier }) => specifier);
  const found = specifiers.map((specifier) => dependencyOf(specifier, file));
  const installed = file.endsWith(".json")
    ? []
    : Array.from(text.matchAll(INSTALLED), ([, name, version]) => ({
      name: name!,
      version: version!,
      file,
    }));
  return [...found.filter((one) => one !== undefined), ...installed];
}

/** The packages in the tables of DEPENDENCIES.md: those with a version. */
export function dependencyRows(tables: string): DependencyRow[] {
  return tables.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    .flatMap(([names = "", version = "", licence = ""]) =>
      Array.from(names.matchAll(/`([^`]+)`/g), ([, name]) => ({
        name: name!,
        version,
        licence,
      }))
    )
    .filter(({ version }) => version !== "");
}

/**
 * Finds dependencies that no row names, or names otherwise, that have no exact version, and rows
 * that nothing needs.
 *
 * @returns One line for each; none if all is well.
 */
export function dependencyProblems(
  dependencies: readonly Dependency[],
  rows: readonly DependencyRow[],
): string[] {
  const problems = new Set<string>();
  for (const { name, version, file } of dependencies) {
    if (!EXACT.test(version)) {
      problems.add(
        `${file}: ${name} needs an exact version, got "${version}"`,
      );
      continue;
    }
    const row = rows.find((row) => row.name === name);
    if (!row) {
      problems.add(
        `${file}: ${name} has no row in the tables of DEPENDENCIES.md`,
      );
    } else if (row.version !== version) {
      problems.add(
        `${file}: ${name} is ${version} here, ${row.version} in the tables of DEPENDENCIES.md`,
      );
    } else if (row.licence === "") {
      problems.add(`DEPENDENCIES.md: ${name} needs a licence`);
    }
  }
  for (const { name } of rows) {
    if (dependencies.some((one) => one.name === name)) continue;
    problems.add(`DEPENDENCIES.md: nothing needs ${name}, which has a row`);
  }
  return [...problems];
}

/**
 * The same for the project in a folder.
 *
 * @param files Its sources and the files `deno.json`.
 */
export async function checkDependencies(
  root: string,
  files: AsyncIterable<string> | Iterable<string>,
): Promise<string[]> {
  const dependencies: Dependency[] = [];
  for await (const file of files) {
    const text = await Deno.readTextFile(file);
    dependencies.push(...dependenciesIn(text, relative(root, file)));
  }
  const tables = await Deno.readTextFile(join(root, "DEPENDENCIES.md"));
  return dependencyProblems(dependencies, dependencyRows(tables));
}
