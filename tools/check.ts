// Everything that must hold of the sources before they are committed, but for
// the tests: format, lint, types, documentation, the arrows between packages.

import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkDependencies } from "./dependencies.ts";
import { jsrEnvironment } from "./deno.ts";
import {
  readConfig,
  walk,
  workspaceFolders,
  workspaceImports,
} from "./jsr_package.ts";
import { ROOT } from "./jsr_registry.ts";
import { readmeLinkProblems } from "./readme_links.ts";
import { ARROWS, packageGraphProblems } from "./package_graph.ts";
import {
  type DocumentedEntry,
  type EntryPoint,
  publicTypeProblems,
} from "./public_types.ts";
import { versionProblems } from "./versions.ts";

/** How the program is called. */
export const USAGE = `Usage: deno task check [STEP]...

Runs these steps, or only those named, and stops at the first that fails:
  fmt      deno fmt --check
  lint     deno lint
  pins     the packages have one version and import each other at exactly that one
  types    deno check of all sources
  browser  types of what runs in browsers, without those of Deno
  doc      deno doc --lint of every entry point of every package
  public   what an entry point names it exports as well
  graph    packages import only what they may
  supply   what is taken from elsewhere has an exact version, and a row in the README with its licence
  links    READMEs of packages lead to nothing outside of them
  width    no comment is wider than 100 columns
  merge    no file holds the marks of a merge that was not finished`;

/** What runs in browsers and in Node as well. */
const PORTABLE = ["box/frames_mod.ts", "box/client_mod.ts"];
/** Folders of what runs in browsers alone. */
const PAGES = ["examples/doudizhu/web"];

/** The widest that a line of a comment may be. */
const COMMENT_COLUMNS = 100;

/** Resolves to what was wrong, `undefined` if nothing was. */
type Step = (
  env: Readonly<Record<string, string>>,
) => Promise<string | undefined>;

/** Folders and files with sources, beside the packages. */
const SOURCES = [
  "mod.ts",
  "main.ts",
  "init.ts",
  "init_files.ts",
  "tests",
  "examples",
  "tools",
  "bench",
];

async function output(
  args: string[],
  env: Readonly<Record<string, string>>,
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: ROOT,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    success,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function deno(
  args: string[],
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const { success, stdout, stderr } = await output(args, env);
  return success ? undefined : stdout + stderr;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(join(ROOT, path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function sources(): Promise<string[]> {
  const found = await workspaceFolders(ROOT);
  for (const path of SOURCES) if (await exists(path)) found.push(path);
  return found;
}

async function entryPoints(): Promise<EntryPoint[]> {
  const found: EntryPoint[] = [];
  for (const folder of [ROOT, ...await workspaceFolders(ROOT)]) {
    const { dir, name, exports } = await readConfig(folder);
    for (const [entry, path] of Object.entries(exports)) {
      found.push({
        name: join(name, entry),
        url: pathToFileURL(join(dir, path)).href,
        folder: `${pathToFileURL(dir).href}/`,
      });
    }
  }
  return found;
}

// Those that users import: what siblings do may change with any version.
async function documentedEntries(
  env: Readonly<Record<string, string>>,
): Promise<DocumentedEntry[]> {
  const entries = (await entryPoints())
    .filter(({ name }) => !name.endsWith("/internal"));
  return await Promise.all(entries.map(async (entry) => {
    const { stdout, stderr } = await output(["doc", "--json", entry.url], env);
    if (stdout === "") throw new Error(stderr);
    const { nodes } = JSON.parse(stdout) as {
      nodes: Record<string, Pick<DocumentedEntry, "symbols">>;
    };
    return { ...entry, symbols: nodes[entry.url]?.symbols ?? [] };
  }));
}

async function* sourceFiles(
  options: { readonly tests?: boolean } = {},
): AsyncGenerator<string> {
  for (const source of await sources()) {
    const path = resolve(ROOT, source);
    if (source.endsWith(".ts")) yield path;
    else yield* walk(path, options);
  }
}

// What Deno can check as its own: a folder with a page in it file by file.
async function withoutPages(): Promise<string[]> {
  const found: string[] = [];
  for (const source of await sources()) {
    if (!PAGES.some((page) => page.startsWith(`${source}/`))) {
      found.push(source);
      continue;
    }
    for await (const file of walk(resolve(ROOT, source))) {
      const path = relative(ROOT, file);
      const isPage = PAGES.some((page) => path.startsWith(`${page}/`));
      if (path.endsWith(".ts") && !isPage) found.push(path);
    }
  }
  return found;
}

async function* dependentFiles(): AsyncGenerator<string> {
  yield join(ROOT, "deno.json");
  for await (const file of sourceFiles({ tests: true })) {
    if (/\.[cm]?[jt]sx?$|\bdeno\.json$/.test(file)) yield file;
  }
}

async function wideComments(): Promise<string[]> {
  const problems: string[] = [];
  for await (const file of sourceFiles()) {
    if (!file.endsWith(".ts")) continue;
    const lines = (await Deno.readTextFile(file)).split("\n");
    for (const [index, line] of lines.entries()) {
      if (line.length <= COMMENT_COLUMNS || !/^\s*(\/\/|\/?\*)/.test(line)) {
        continue;
      }
      problems.push(
        `${relative(ROOT, file)}:${
          index + 1
        }: a comment of ${line.length} columns, may have ${COMMENT_COLUMNS}`,
      );
    }
  }
  return problems;
}

// What git leaves in a file when both sides have changed a place.
async function mergeMarks(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["grep", "-nE", "^(<{7}|>{7}|[|]{7}) ", "--", "."],
    cwd: ROOT,
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

// `pins` comes before what has Deno find the packages: of another version they are not found.
const STEPS: Readonly<Record<string, Step>> = {
  fmt: (env) => deno(["fmt", "--check"], env),
  lint: (env) => deno(["lint"], env),
  pins: async () => {
    const folders = [ROOT, ...await workspaceFolders(ROOT)];
    const problems = versionProblems(
      await Promise.all(folders.map(readConfig)),
      await workspaceImports(ROOT),
      Object.keys(ARROWS),
    );
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
  types: async (env) => await deno(["check", ...await withoutPages()], env),
  browser: async (env) =>
    await deno(
      ["check", "--config", "tools/browser.json", ...PORTABLE, ...PAGES],
      env,
    ),
  doc: async (env) =>
    await deno([
      "doc",
      "--lint",
      ...(await entryPoints()).map(({ url }) => url),
    ], env),
  public: async (env) => {
    const problems = publicTypeProblems(await documentedEntries(env));
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
  graph: async () => {
    const problems = await packageGraphProblems(await workspaceFolders(ROOT));
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
  supply: async () => {
    const problems = await checkDependencies(ROOT, dependentFiles());
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
  links: async () => {
    const problems = await readmeLinkProblems(await workspaceFolders(ROOT));
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
  width: async () => {
    const problems = await wideComments();
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
  merge: async () => {
    const problems = await mergeMarks();
    return problems.length > 0 ? problems.join("\n") : undefined;
  },
};

/** The program; resolves to its exit code. */
export async function main(args: string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(USAGE);
    return 0;
  }
  const names = args.length > 0 ? args : Object.keys(STEPS);
  const unknown = names.find((name) => !Object.hasOwn(STEPS, name));
  if (unknown !== undefined) {
    console.error(
      `check: no step "${unknown}": use ${Object.keys(STEPS).join(", ")}`,
    );
    return 2;
  }
  try {
    await using jsr = await jsrEnvironment();
    for (const name of names) {
      const problem = await STEPS[name]!(jsr.env);
      console.log(`${problem === undefined ? "ok  " : "FAIL"} ${name}`);
      if (problem === undefined) continue;
      console.error(problem);
      return 1;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`check: ${error.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
