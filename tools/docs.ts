// Builds the documentation: the guides and the API of all packages as static pages.
//
//   deno task docs

import { join } from "node:path";
import { jsrEnvironment } from "./deno.ts";
import { buildSite } from "./docs/site.ts";
import { ROOT } from "./jsr_registry.ts";

/** The program; resolves to its exit code. */
export async function main(): Promise<number> {
  const out = join(ROOT, "dist/docs");
  try {
    await using jsr = await jsrEnvironment();
    await buildSite(out, jsr.env);
  } catch (error) {
    console.error(`docs: ${(error as Error).message}`);
    return 1;
  }
  console.log(`${out}/index.html`);
  return 0;
}

if (import.meta.main) Deno.exit(await main());
