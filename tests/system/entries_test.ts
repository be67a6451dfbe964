// What is loaded with a package that is a program as well: not what only the program needs.

import { assert, assertEquals } from "@std/assert";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";

interface Graph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

async function graphOf(path: string): Promise<Graph> {
  const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
    args: ["info", "--json", path],
  });
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout.join("\n"));
}

// The modules that an import of the root runs.
function loadedBy({ roots, modules }: Graph): Set<string> {
  const byName = new Map(modules.map((one) => [one.specifier, one]));
  const loaded = new Set<string>(roots);
  for (const name of loaded) {
    for (const { code, isDynamic } of byName.get(name)?.dependencies ?? []) {
      if (code?.specifier && !isDynamic) loaded.add(code.specifier);
    }
  }
  return loaded;
}

for (
  const [entry, own, programOnly] of [
    [
      "gateway/mod.ts",
      "gateway/gateway.ts",
      /gateway\/(main|settings|config_file|dashboard|metrics\/server)\b/,
    ],
    ["trigger/mod.ts", "trigger/trigger.ts", /trigger\/(main|programs)\b/],
  ] as const
) {
  Deno.test(`${entry} loads its classes, and its program only when it is one`, async () => {
    const graph = await graphOf(pathOf(`../../${entry}`));
    const loaded = [...loadedBy(graph)];
    assert(loaded.some((name) => name.endsWith(own)), loaded.join("\n"));
    assertEquals(loaded.filter((name) => programOnly.test(name)), []);
    // The way to the program is there all the same, also for `deno compile`.
    assert(graph.modules.some(({ specifier }) => programOnly.test(specifier)));
  });
}
