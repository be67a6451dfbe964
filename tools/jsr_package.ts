// Reads a folder as the package that publishing would make of it.

import { createHash } from "node:crypto";
import { dirname, join, relative, resolve } from "node:path";
import { rewriteSpecifiers } from "./specifiers.ts";

/** A folder that cannot be served as a package; the message says why. */
export class PackageError extends Error {
  override readonly name = "PackageError";
}

/** What the deno.json of a package says. */
export interface PackageConfig {
  /** The folder, absolute. */
  readonly dir: string;
  /** For instance `@maple/box`. */
  readonly name: string;
  /** For instance `0.1.0`. */
  readonly version: string;
  /** Files by entry point, `.` for the package itself. */
  readonly exports: Readonly<Record<string, string>>;
  /** Glob patterns: what to publish (all if empty), and what not. */
  readonly publish: { readonly include: string[]; readonly exclude: string[] };
}

/** One file as it is served. */
export interface PackageFile {
  /** The bytes, with bare specifiers rewritten. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `sha256-` and the hash of the bytes in hexadecimal. */
  readonly checksum: string;
}

interface DenoJson {
  name?: string;
  version?: string;
  exports?: string | Record<string, string>;
  imports?: Record<string, string>;
  workspace?: string[] | { members: string[] };
  publish?: { include?: string[]; exclude?: string[] };
}

const CONFIG_NAMES = ["deno.json", "jsr.json"];
const SOURCE = /\.[cm]?[jt]sx?$/;
const TEST = /[._]test\.[cm]?[jt]sx?$/;

async function readDenoJson(dir: string): Promise<DenoJson | undefined> {
  for (const name of CONFIG_NAMES) {
    const file = join(dir, name);
    try {
      return JSON.parse(await Deno.readTextFile(file)) as DenoJson;
    } catch (error) {
      if (error instanceof SyntaxError) {
        throw new PackageError(`Cannot read ${file}: ${error.message}`);
      }
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

function membersOf(config: DenoJson): string[] {
  const { workspace = [] } = config;
  return Array.isArray(workspace) ? workspace : workspace.members;
}

/**
 * Reads the deno.json or jsr.json of a package's folder.
 *
 * @throws {PackageError} if there is none or if it names no package
 */
export async function readConfig(folder: string): Promise<PackageConfig> {
  const dir = resolve(folder);
  const config = await readDenoJson(dir);
  if (!config) throw new PackageError(`No deno.json in ${dir}`);
  const { name, version, exports, publish } = config;
  if (!name || !version || !exports) {
    throw new PackageError(
      `No package in ${dir}: deno.json must have name, version and exports`,
    );
  }
  return {
    dir,
    name,
    version,
    exports: typeof exports === "string" ? { ".": exports } : exports,
    publish: { include: [], exclude: [], ...publish },
  };
}

/** The folders of a workspace's members, absolute. */
export async function workspaceFolders(root: string): Promise<string[]> {
  const config = await readDenoJson(root);
  return membersOf(config ?? {}).map((member) => resolve(root, member));
}

/** The imports that a workspace's deno.json names for all its members. */
export async function workspaceImports(
  root: string,
): Promise<Readonly<Record<string, string>>> {
  return (await readDenoJson(root))?.imports ?? {};
}

/** What bare specifiers mean: the key of an import map and its value. */
type Imports = Map<string, string>;

function addPackage(imports: Imports, { name, version }: DenoJson): void {
  if (name && version) imports.set(name, `jsr:${name}@^${version}`);
}

/** What bare specifiers mean in a package's folder; the later entry wins. */
async function importsOf(
  pkg: PackageConfig,
  served: Iterable<PackageConfig>,
): Promise<Imports> {
  const imports: Imports = new Map();
  for (const { name, version } of served) {
    addPackage(imports, { name, version });
  }
  for (let dir = pkg.dir;; dir = dirname(dir)) {
    const root = await readDenoJson(dir);
    const members = membersOf(root ?? {}).map((member) => resolve(dir, member));
    if (root && (dir === pkg.dir || members.includes(pkg.dir))) {
      addPackage(imports, root);
      for (const member of members) {
        addPackage(imports, await readDenoJson(member) ?? {});
      }
      for (const [key, value] of Object.entries(root.imports ?? {})) {
        imports.set(key, value);
      }
      if (members.length > 0) break;
    }
    if (dir === dirname(dir)) break;
  }
  const own = await readDenoJson(pkg.dir);
  for (const [key, value] of Object.entries(own?.imports ?? {})) {
    imports.set(key, value);
  }
  return imports;
}

function rewriteBare(specifier: string, imports: Imports): string {
  const exact = imports.get(specifier);
  if (exact !== undefined) return exact;
  let best = "";
  for (const key of imports.keys()) {
    const prefix = key.endsWith("/") ? key : `${key}/`;
    if (specifier.startsWith(prefix) && key.length > best.length) best = key;
  }
  return best ? imports.get(best) + specifier.slice(best.length) : specifier;
}

function matches(path: string, patterns: string[]): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.replace(/^\.\//, "").replace(/\/$/, "");
    const source = parts.replace(
      /\*\*\/|\*\*|\*|[.+^${}()|[\]\\?]/g,
      (part) =>
        ({ "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*" })[part] ?? `\\${part}`,
    );
    return new RegExp(`^${source}(?:/.*)?$`).test(path);
  });
}

async function isPackage(dir: string): Promise<boolean> {
  for (const name of CONFIG_NAMES) {
    try {
      return (await Deno.stat(join(dir, name))).isFile;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return false;
}

/** The files of a folder, without tests, dot-files and packages within it. */
export async function* walk(
  dir: string,
  { tests = false }: { readonly tests?: boolean } = {},
): AsyncGenerator<string> {
  for await (const { name, isFile, isDirectory } of Deno.readDir(dir)) {
    const path = join(dir, name);
    if (name.startsWith(".") || name === "node_modules") continue;
    if (isDirectory && !await isPackage(path)) yield* walk(path, { tests });
    if (isFile && (tests || !TEST.test(name))) yield path;
  }
}

async function readIfThere(
  file: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    // An editor may have removed its temporary file by now.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Reads the files that publishing the package would take.
 *
 * Bare specifiers are looked up in the package's own imports, in those of the
 * workspace it is a member of, among that workspace's members, and at last among
 * the packages served beside it.
 *
 * @param pkg the package
 * @param served the packages that are served beside it
 * @returns the files by their path, which starts with a slash, in its order
 */
export async function readFiles(
  pkg: PackageConfig,
  served: Iterable<PackageConfig>,
): Promise<Map<string, PackageFile>> {
  const imports = await importsOf(pkg, served);
  const { include, exclude } = pkg.publish;
  const files: Array<[string, PackageFile]> = [];
  for await (const file of walk(pkg.dir)) {
    const path = relative(pkg.dir, file).replaceAll("\\", "/");
    if (include.length > 0 && !matches(path, include)) continue;
    if (matches(path, exclude)) continue;
    const stored = await readIfThere(file);
    if (!stored) continue;
    const bytes = SOURCE.test(path)
      ? rewritten(stored, (found) => rewriteBare(found, imports))
      : stored;
    const hash = createHash("sha256").update(bytes).digest("hex");
    files.push([`/${path}`, { bytes, checksum: `sha256-${hash}` }]);
  }
  return new Map(files.sort(([a], [b]) => a < b ? -1 : 1));
}

function rewritten(
  source: Uint8Array,
  rewrite: (specifier: string) => string,
): Uint8Array<ArrayBuffer> {
  const text = rewriteSpecifiers(new TextDecoder().decode(source), rewrite);
  return new Uint8Array(new TextEncoder().encode(text));
}
