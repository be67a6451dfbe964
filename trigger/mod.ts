/**
 * The trigger: makes things happen from outside (a web back end, a cron job) through the gateways:
 * messages to users, tasks for workers, closed connections, late answers to clients.
 *
 * As a program it is `deno run -A jsr:@maple/trigger`; see `--help`.
 *
 * @example A message to two users
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Trigger } from "@maple/trigger";
 *
 * await using trigger = new Trigger(Box, "127.0.0.1", 28000);
 * await trigger.writeToUsers([[[1, 2], { cmd: 1, body: "hi" }]]);
 * ```
 *
 * @module
 */

export { TriggerError } from "./errors.ts";
export type { TriggerErrorCode } from "./errors.ts";
export type { TriggerGateway, TriggerOptions } from "./options.ts";
export { Trigger } from "./trigger.ts";
export type { BanReceipt } from "./trigger.ts";
export { VirtualRequest } from "./virtual_request.ts";

// Who imports this for its classes does not load what only the program needs.
if (import.meta.main) {
  const { main } = await import("./main.ts");
  Deno.exit(await main(Deno.args));
}
