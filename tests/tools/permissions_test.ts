// The READMEs tell the flags that tests start the programs with.

import { assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { ROOT } from "../helpers/paths.ts";
import { PERMISSIONS, type Program } from "../helpers/permissions.ts";

const TOLD: Readonly<Record<Program, readonly [readme: string, what: string]>> =
  {
    gateway: ["gateway", "jsr:@maple/gateway"],
    stat: ["gateway", "jsr:@maple/gateway/stat"],
    trigger: ["trigger", "jsr:@maple/trigger"],
    worker: ["worker", "worker.ts"],
    haven: ["haven", "server.ts"],
    ghaven: ["haven", "ghaven.ts"],
    load: ["bench", "bench/load.ts"],
  };

// A shell that finds no file of such a name may refuse a `*`.
function quoted(flag: string): string {
  return flag.includes("*") ? `"${flag}"` : flag;
}

for (const [program, [folder, what]] of Object.entries(TOLD)) {
  Deno.test(`README of ${folder} tells the permissions of ${program}`, async () => {
    const readme = await Deno.readTextFile(join(ROOT, folder, "README.md"));
    const flags = PERMISSIONS[program as Program].map(quoted).join(" ");
    assertStringIncludes(readme, `deno run ${flags} ${what}`);
  });
}
