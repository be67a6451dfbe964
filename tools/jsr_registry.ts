// Serves packages from folders as a JSR registry on loopback, over plain http:
// this project's own packages as they would be published, and the stand-ins of
// tools/std. It imports nothing that would need a registry.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  type PackageConfig,
  PackageError,
  type PackageFile,
  readConfig,
  readFiles,
  workspaceFolders,
} from "./jsr_package.ts";

/** How the program is called. */
export const USAGE = `Usage: deno run -A tools/jsr_registry.ts [options]

Serves the packages of this project, and stand-ins for those it depends on, as
a JSR registry on loopback. Set JSR_URL to the address it prints.

  --port N          port on 127.0.0.1, 0 for any free one (default 0)
  --also NAME=DIR   serve DIR as package NAME, beside the others or in the place
                    of the one of that name; may be given several times
  -h, --help        show this text`;

/** Options of {@linkcode startRegistry}. */
export interface RegistryOptions {
  /** The port on 127.0.0.1; 0 is any free one. @default {0} */
  port?: number;
  /** Folders by package name, beside the defaults or in their place. */
  also?: Readonly<Record<string, string>>;
}

/** A running registry. */
export interface Registry extends AsyncDisposable {
  /** What `JSR_URL` is to be set to. Any path may be appended to it. */
  readonly url: string;
  /** A hash of all that was served at the start. */
  readonly contentHash: string;
  /** Stops it; safe to call twice. */
  close(): Promise<void>;
}

/** The folder of this project. */
export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

async function readConfigs(
  also: Readonly<Record<string, string>>,
): Promise<Map<string, PackageConfig>> {
  const folders = [ROOT, ...await workspaceFolders(ROOT)];
  const std = join(ROOT, "tools", "std");
  for await (const { name, isDirectory } of Deno.readDir(std)) {
    if (isDirectory) folders.push(join(std, name));
  }
  const configs = new Map<string, PackageConfig>();
  for (const folder of folders) {
    const config = await readConfig(folder);
    configs.set(config.name, config);
  }
  for (const [name, folder] of Object.entries(also)) {
    const config = await readConfig(folder);
    if (config.name !== name) {
      throw new PackageError(
        `Cannot serve ${folder} as "${name}": its deno.json names it "${config.name}"`,
      );
    }
    configs.set(name, config);
  }
  return configs;
}

async function hashOf(configs: Map<string, PackageConfig>): Promise<string> {
  const hash = createHash("sha256");
  for (const name of [...configs.keys()].sort()) {
    const config = configs.get(name)!;
    hash.update(JSON.stringify([name, config.version, config.exports]));
    for (const [path, file] of await readFiles(config, configs.values())) {
      hash.update(`${path} ${file.checksum}\n`);
    }
  }
  return hash.digest("hex");
}

function contentType(path: string): string {
  if (path.endsWith(".json")) return "application/json";
  if (/\.[cm]?tsx?$/.test(path)) return "text/typescript";
  if (/\.[cm]?jsx?$/.test(path)) return "text/javascript";
  return "text/plain";
}

/** Answers requests; a package is read again whenever its meta is asked for. */
class Packages {
  readonly #configs: Map<string, PackageConfig>;
  readonly #files = new Map<string, Map<string, PackageFile>>();

  constructor(configs: Map<string, PackageConfig>) {
    this.#configs = configs;
  }

  async answer(pathname: string): Promise<Response> {
    const [, name, rest] = /\/(@[^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
    const known = this.#configs.get(name ?? "");
    if (!name || !rest || !known) return this.#notFound();
    if (rest === "meta.json") return this.#meta(await this.#reload(known));
    if (/^[^/]+_meta\.json$/.test(rest)) {
      const config = await this.#reload(known);
      return rest === `${config.version}_meta.json`
        ? this.#versionMeta(config, await this.#read(config))
        : this.#notFound();
    }
    const prefix = `${known.version}/`;
    if (!rest.startsWith(prefix)) return this.#notFound();
    const files = this.#files.get(name) ?? await this.#read(known);
    const file = files.get(`/${rest.slice(prefix.length)}`);
    if (!file) return this.#notFound();
    return new Response(file.bytes, {
      headers: { "content-type": contentType(rest) },
    });
  }

  async #reload(known: PackageConfig): Promise<PackageConfig> {
    const config = await readConfig(known.dir);
    this.#configs.set(known.name, { ...config, name: known.name });
    return config;
  }

  async #read(config: PackageConfig): Promise<Map<string, PackageFile>> {
    const files = await readFiles(config, this.#configs.values());
    this.#files.set(config.name, files);
    return files;
  }

  #meta({ name, version }: PackageConfig): Response {
    const [scope, base] = name.slice(1).split("/");
    const versions = { [version]: {} };
    return Response.json({ scope, name: base, latest: version, versions });
  }

  #versionMeta(
    { exports }: PackageConfig,
    files: Map<string, PackageFile>,
  ): Response {
    const entries = [...files].map(([path, { bytes, checksum }]) =>
      [path, { size: bytes.length, checksum }] as const
    );
    return Response.json({ exports, manifest: Object.fromEntries(entries) });
  }

  #notFound(): Response {
    return new Response("Not found\n", { status: 404 });
  }
}

/**
 * Starts the registry on 127.0.0.1.
 *
 * @throws {PackageError} if a folder cannot be served
 * @throws {Deno.errors.AddrInUse} if the port is taken
 */
export async function startRegistry(
  options: RegistryOptions = {},
): Promise<Registry> {
  const { port = 0, also = {} } = options;
  const configs = await readConfigs(also);
  const contentHash = await hashOf(configs);
  const packages = new Packages(configs);
  const server = Deno.serve(
    { port, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      packages.answer(decodeURIComponent(new URL(request.url).pathname)),
  );
  const close = () => server.shutdown();
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    contentHash,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function readOptions(args: string[]): RegistryOptions | undefined {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "0" },
      also: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65535) {
    throw new TypeError(`--port must be 0 to 65535: received "${values.port}"`);
  }
  const also: Record<string, string> = {};
  for (const pair of values.also) {
    const [, name, folder] = /^(@[^/=]+\/[^/=]+)=(.+)$/s.exec(pair) ?? [];
    if (!name || !folder) {
      throw new TypeError(`--also must be @SCOPE/NAME=DIR: received "${pair}"`);
    }
    also[name] = folder;
  }
  return { port, also };
}

/** The program; resolves to its exit code when TERM or INT has stopped it. */
export async function main(args: string[]): Promise<number> {
  let options: RegistryOptions | undefined;
  try {
    options = readOptions(args);
    if (!options) {
      console.log(USAGE);
      return 0;
    }
    await using registry = await startRegistry(options);
    const stopped = Promise.withResolvers<void>();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
      Deno.addSignalListener(signal, stopped.resolve);
    }
    console.log(`jsr registry ready ${registry.url}`);
    await stopped.promise;
    return 0;
  } catch (error) {
    const isBadUse = !options || error instanceof PackageError;
    console.error(`jsr_registry: ${(error as Error).message}`);
    return isBadUse ? 2 : 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
