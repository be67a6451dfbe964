/**
 * Makes a project: a gateway's config, a worker with its tests, a page, and tasks that run them.
 *
 * ```sh
 * deno run -A jsr:@maple/maple/init my-game
 * ```
 *
 * @module
 */

import { basename, join, resolve } from "node:path";
import config from "./deno.json" with { type: "json" };
import { FILES } from "./init_files.ts";

const USAGE = `Usage: deno run -A jsr:@maple/maple/init DIR

Makes a project in DIR, a folder that is new or empty: gateway.json, worker.ts, worker_test.ts,
index.html, dev.ts and deno.json with the tasks dev, test and compile.

  -h, --help  show this text`;

const PACKAGES = ["box", "gateway", "haven", "worker"];

function denoJson(): string {
  const maple = PACKAGES.map((name) => [
    `@maple/${name}`,
    `jsr:@maple/${name}@^${config.version}`,
  ]);
  // In a clone, it is the packages of the clone.
  const isClone = import.meta.url.startsWith("file:");
  // Its tasks work where JSR does not answer, and so do those of what it makes.
  const deno = isClone
    ? `deno run -A "${
      import.meta.dirname!.replaceAll("\\", "/")
    }/tools/deno.ts"`
    : "deno";
  const project = {
    ...(isClone ? { links: [import.meta.dirname] } : {}),
    tasks: {
      dev: `${deno} run -A dev.ts`,
      test: `${deno} test -A`,
      compile: `${deno} compile -A -o dist/worker worker.ts`,
    },
    imports: Object.fromEntries([
      ...maple,
      ["@std/assert", config.imports["@std/assert"]],
    ]),
    fmt: { exclude: ["dist/"] },
  };
  return JSON.stringify(project, null, 2) + "\n";
}

// Whether there is nothing at a path, or an empty folder; what else is there is told.
async function whatIsIn(dir: string): Promise<string | undefined> {
  try {
    for await (const { name } of Deno.readDir(dir)) return name;
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Makes a project in a folder. Nothing is ever overwritten.
 *
 * @param args The command line, for instance `Deno.args`: the folder, which is new or empty.
 * @returns The exit code: 0; 1 where the project cannot be made there; 2 for a wrong command line.
 */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(USAGE);
    return 0;
  }
  const [dir = "", ...rest] = args;
  if (dir === "" || dir.startsWith("-") || rest.length > 0) {
    const got = args.length > 0 ? `"${args.join(" ")}"` : "nothing";
    console.error(
      `init: One folder is expected, for instance my-game, got ${got}`,
    );
    return 2;
  }
  const path = resolve(dir);
  try {
    const found = await whatIsIn(path);
    if (found !== undefined) {
      console.error(
        `init: ${path} is not empty, there is ${found}: name a new or an empty folder`,
      );
      return 1;
    }
    await Deno.mkdir(path, { recursive: true });
    const files = { ...FILES, "deno.json": denoJson() };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(path, name), text, { createNew: true });
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`init: Cannot make a project in ${path}: ${error.message}`);
    return 1;
  }
  console.log(`${basename(path)} is made. Now:

  cd ${dir}
  deno task dev      # the gateway, the worker and the page; save worker.ts while it is open
  deno task test     # the worker's tests, without sockets
  deno task compile  # the worker as one executable`);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
