/**
 * The live viewer of a gateway: shows in the terminal what the gateway writes to its `--stat-file`.
 *
 * As a program it is `deno run -A jsr:@maple/gateway/stat -f FILE`; see `--help`.
 *
 * @example One table, from a program of your own
 * ```ts ignore
 * import { main } from "@maple/gateway/stat";
 *
 * Deno.exit(await main(["--file", "/run/maple/gateway.json", "--once"]));
 * ```
 *
 * @module
 */

import { COMMAND, main } from "./stat/main.ts";

export { COMMAND, main };

if (import.meta.main) Deno.exit(await main(Deno.args));
