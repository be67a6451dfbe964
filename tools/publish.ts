// Publishes all packages, in an order in which each comes after those that it imports. Deno itself
// publishes only the one in whose folder it stands when that is a package, as the root is.
//
//   deno run -A tools/publish.ts --dry-run

import { jsrEnvironment, runDeno } from "./deno.ts";
import {
  type PackageConfig,
  readConfig,
  workspaceFolders,
  workspaceImports,
} from "./jsr_package.ts";
import { ROOT } from "./jsr_registry.ts";
import { ARROWS } from "./package_graph.ts";
import { versionProblems } from "./versions.ts";

/**
 * Puts packages into the order in which they are published: each after those that it imports. A
 * package without arrows, the root, imports all others and comes last.
 */
export function publishOrder(
  packages: readonly PackageConfig[],
  arrows: Readonly<Record<string, readonly string[]>> = ARROWS,
): PackageConfig[] {
  const names = packages.map(({ name }) => name);
  const order: PackageConfig[] = [];
  const add = (pkg: PackageConfig): void => {
    if (order.includes(pkg)) return;
    const needed = arrows[pkg.name] ?? names.filter((name) => name in arrows);
    for (const other of packages) if (needed.includes(other.name)) add(other);
    order.push(pkg);
  };
  packages.forEach(add);
  return order;
}

/** The program; resolves to its exit code. */
export async function main(args: string[]): Promise<number> {
  try {
    const folders = [ROOT, ...await workspaceFolders(ROOT)];
    const packages = await Promise.all(folders.map(readConfig));
    const [problem] = versionProblems(
      packages,
      await workspaceImports(ROOT),
      Object.keys(ARROWS),
    );
    if (problem !== undefined) {
      console.error(`publish: Cannot publish: ${problem}`);
      return 1;
    }
    const order = publishOrder(packages);
    await using jsr = await jsrEnvironment();
    for (const { name, dir } of order) {
      const code = await runDeno(["publish", ...args], jsr.env, dir);
      console.error(`${code === 0 ? "ok  " : "FAIL"} ${name}`);
      if (code !== 0) return code;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`publish: ${error.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
