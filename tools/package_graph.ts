// Holds the sources against the arrows that are allowed: between the packages, between the wings of
// a package (its folders), and no circle between files.

import { dirname, join, relative, resolve } from "node:path";
import { readConfig, walk } from "./jsr_package.ts";
import { type Import, importsOf } from "./specifiers.ts";

/** Which packages of ours each package may import. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "@maple/box": [],
  "@maple/haven": ["@maple/box"],
  "@maple/worker": ["@maple/box", "@maple/haven"],
  "@maple/gateway": ["@maple/box"],
  "@maple/trigger": ["@maple/box"],
};

/**
 * Which of its wings each wing of a package may import; `""` is the top of the package. A wing may
 * always import itself, and a file of the top that is an entry point everything. What is not listed
 * is not held against anything.
 */
export const WINGS: Readonly<
  Record<string, Readonly<Record<string, WingRule>>>
> = {
  "@maple/box": {
    "": { may: [] },
    log: { may: [""] },
    net: { may: ["", "log"] },
    metrics: { may: ["", "log", "net"] },
    process: { may: ["", "log", "net", "metrics"] },
    handover: { may: ["", "log", "net"] },
  },
  "@maple/haven": {
    handover: { may: [""] },
  },
  "@maple/gateway": {
    queue: { may: [] },
    outer: { may: ["", "queue", "metrics"] },
    inner: { may: ["", "queue", "outer", "metrics"] },
    cluster: { may: ["", "queue", "outer", "inner", "metrics"] },
    processes: { may: ["", "cluster", "handover", "metrics"] },
    handover: { may: ["", "queue", "outer", "inner", "metrics", "cluster"] },
    // The dashboard's figures run in a browser: they know the report by its types.
    metrics: {
      may: ["", "dashboard"],
      mayTypes: ["queue", "outer", "inner", "cluster"],
    },
    dashboard: { may: [], mayTypes: ["metrics"] },
    stat: { may: ["", "metrics"] },
  },
};

/** What one wing may import. */
export interface WingRule {
  /** Wings of which it may import anything. */
  readonly may: readonly string[];
  /** Further ones of which it may import types. */
  readonly mayTypes?: readonly string[];
}

/** One source file and what it imports of its own package, by paths in the package. */
interface SourceFile {
  readonly path: string;
  readonly imports: readonly Import[];
}

/**
 * Finds imports that break the rules: of a package that may not be imported, by a path that leads
 * out of the package, against the arrows between its wings, or in a circle of files.
 *
 * @param folders the folders of the packages
 * @returns one line for each, none if all is well
 */
export async function packageGraphProblems(
  folders: Iterable<string>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const folder of folders) {
    const { name, dir, exports } = await readConfig(folder);
    const allowed = ARROWS[name];
    if (!allowed) {
      problems.push(`${name}: ARROWS in tools/package_graph.ts has no entry`);
      continue;
    }
    const files: SourceFile[] = [];
    for await (const file of walk(dir)) {
      if (!/\.[cm]?[jt]sx?$/.test(file)) continue;
      const path = relative(dir, file);
      const imports: Import[] = [];
      for (const found of importsOf(await Deno.readTextFile(file))) {
        const { specifier } = found;
        const [target] = /^@maple\/[^/]+/.exec(specifier) ?? [];
        if (target && !allowed.includes(target)) {
          const may = allowed.join(", ") || "none of ours";
          problems.push(
            `${join(name, path)}: imports "${specifier}", may import ${may}`,
          );
        }
        if (!specifier.startsWith(".")) continue;
        const inside = relative(dir, resolve(dirname(file), specifier));
        if (inside.startsWith("..")) {
          problems.push(
            `${join(name, path)}: imports "${specifier}", out of its package`,
          );
        } else imports.push({ ...found, specifier: inside });
      }
      files.push({ path, imports });
    }
    const entries = Object.values(exports).map((path) => join(path));
    for (const file of files) {
      if (entries.includes(file.path)) continue;
      for (const problem of wingProblems(file, WINGS[name] ?? {})) {
        problems.push(`${join(name, file.path)}: ${problem}`);
      }
    }
    for (const circle of circles(files)) {
      problems.push(`${name}: a circle of imports, ${circle.join(" → ")}`);
    }
  }
  return problems;
}

function wingOf(path: string): string {
  const at = path.indexOf("/");
  return at < 0 ? "" : path.slice(0, at);
}

function wingProblems(
  { path, imports }: SourceFile,
  wings: Readonly<Record<string, WingRule>>,
): string[] {
  const wing = wingOf(path);
  const rule = wings[wing];
  if (!rule) return [];
  const problems: string[] = [];
  for (const { specifier, typesOnly } of imports) {
    const target = wingOf(specifier);
    if (target === wing || rule.may.includes(target)) continue;
    if (!specifier.endsWith(".ts")) continue;
    if (rule.mayTypes?.includes(target)) {
      if (typesOnly) continue;
      problems.push(`imports "${specifier}", may import its types only`);
    } else {
      const may = [...rule.may, ...rule.mayTypes ?? []]
        .map((name) => name || "the top").join(", ");
      problems.push(
        `imports "${specifier}", ${wing || "the top"} may import ${
          may || "no other wing"
        }`,
      );
    }
  }
  return problems;
}

/** The circles of files, each once, beginning with the first by name; types count as well. */
function circles(files: readonly SourceFile[]): string[][] {
  const imports = new Map(files.map(({ path, imports }) => [
    path,
    imports.map(({ specifier }) => specifier),
  ]));
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (path: string, way: string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) {
      found.push([...way.slice(at), path]);
      return;
    }
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) {
      visit(target, [...way, path]);
    }
    done.add(path);
  };
  for (const path of [...imports.keys()].sort()) visit(path, []);
  return found;
}
