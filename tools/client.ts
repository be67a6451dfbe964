// Builds the client for browsers, as one file, and for npm, as a package. Neither needs Deno.

import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { declarations } from "./declarations.ts";
import { readConfig } from "./jsr_package.ts";
import { ROOT } from "./jsr_registry.ts";

/** The most bytes that the file for browsers may have, compressed as servers send it. */
export const BUDGET_BYTES = 10 * 1024;

/** How the program is called. */
export const USAGE = `Usage: deno task client [--out DIR]

Builds the client of @maple/box, for whoever has no Deno:
  DIR/maple_client.js  for browsers: one module, at most ${BUDGET_BYTES} bytes compressed
  DIR/npm/             for Node and bundlers: a package to publish or install, with types

  --out DIR  where to put them (default dist/ of this project)
  -h, --help show this text

It takes esbuild and typescript from npm; behind a proxy that signs anew, set
DENO_TLS_CA_STORE=system.`;

const PACKAGE = join(ROOT, "box");
/** What the package for npm has, and the module of each. */
const ENTRIES = { client: "client_mod.ts", frames: "frames_mod.ts" };
// What runs it: Node since 20, and browsers of 2022.
const TARGET = "es2022";

/** The client could not be built; the message says why. */
export class ClientBuildError extends Error {
  override readonly name = "ClientBuildError";
}

/** The file for browsers. */
export interface BrowserFile {
  /** The module. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** Its bytes as servers send them. */
  readonly compressedBytes: number;
}

type Esbuild = typeof import("npm:esbuild@0.28.2");

// It runs as a process of its own, which must not be left behind.
async function withEsbuild<T>(
  work: (esbuild: Esbuild) => Promise<T>,
): Promise<T> {
  const esbuild = await import("npm:esbuild@0.28.2");
  try {
    return await work(esbuild);
  } finally {
    await esbuild.stop();
  }
}

/**
 * Builds the file for browsers.
 *
 * @throws {ClientBuildError} when it is too large.
 */
export async function browserFile(): Promise<BrowserFile> {
  const { outputFiles } = await withEsbuild((esbuild) =>
    esbuild.build({
      entryPoints: [join(PACKAGE, ENTRIES.client)],
      bundle: true,
      minify: true,
      format: "esm",
      target: TARGET,
      write: false,
    })
  );
  const code = outputFiles[0]!.contents as Uint8Array<ArrayBuffer>;
  const compressed = new Blob([code]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const { byteLength } = await new Response(compressed).arrayBuffer();
  if (byteLength > BUDGET_BYTES) {
    throw new ClientBuildError(
      `The client for browsers has ${byteLength} bytes compressed, may have ${BUDGET_BYTES}`,
    );
  }
  return { code, compressedBytes: byteLength };
}

/** The files of the package for npm, by path: their texts. */
export async function npmPackage(): Promise<Map<string, string>> {
  const { outputFiles } = await withEsbuild((esbuild) =>
    esbuild.build({
      entryPoints: Object.fromEntries(
        Object.entries(ENTRIES).map(([name, file]) => [
          name,
          join(PACKAGE, file),
        ]),
      ),
      bundle: true,
      splitting: true,
      chunkNames: "shared",
      format: "esm",
      platform: "neutral",
      target: TARGET,
      outdir: "/",
      write: false,
    })
  );
  const files = new Map(
    outputFiles.map(({ path, text }) => [path.replace(/^\//, ""), text]),
  );
  const types = await declarations(PACKAGE, Object.values(ENTRIES));
  for (const [path, text] of types) files.set(join("types", path), text);
  for (const name of ["README.md", "LICENSE"]) {
    files.set(name, await Deno.readTextFile(join(PACKAGE, name)));
  }
  files.set("package.json", await manifest());
  return files;
}

async function manifest(): Promise<string> {
  const { name, version } = await readConfig(PACKAGE);
  const entry = (name: keyof typeof ENTRIES) => ({
    types: `./types/${ENTRIES[name].replace(/\.ts$/, ".d.ts")}`,
    default: `./${name}.js`,
  });
  const content = {
    name,
    version,
    description:
      "A client that stays connected to a maple gateway or haven server",
    license: "MIT",
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    exports: {
      ".": entry("client"),
      "./client": entry("client"),
      "./frames": entry("frames"),
    },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/**
 * Builds both and writes them; the folder of the package is made anew.
 *
 * @param out Where to put them.
 * @returns How large the file for browsers is.
 */
export async function buildClient(out: string): Promise<BrowserFile> {
  const [browser, files] = [await browserFile(), await npmPackage()];
  const folder = join(out, "npm");
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  for (const [path, text] of files) {
    const file = join(folder, path);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  await Deno.writeFile(join(out, "maple_client.js"), browser.code);
  return browser;
}

/** The program; resolves to its exit code. */
export async function main(args: string[]): Promise<number> {
  let values: { out?: string | undefined; help: boolean };
  try {
    ({ values } = parseArgs({
      args,
      options: {
        out: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    console.error(`client: ${(error as Error).message}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const out = values.out === undefined
    ? join(ROOT, "dist")
    : resolve(values.out);
  try {
    const { code, compressedBytes } = await buildClient(out);
    console.log(
      `built ${join(out, "maple_client.js")}: ${code.length} bytes, ` +
        `${compressedBytes} compressed (at most ${BUDGET_BYTES})`,
    );
    console.log(`built ${join(out, "npm")}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`client: ${error.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
