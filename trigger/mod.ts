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
 * @example What became of it, told by a gateway in the same program
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box } from "@maple/box";
 * import { Gateway } from "@maple/gateway";
 * import { Trigger } from "@maple/trigger";
 *
 * await using gateway = new Gateway({ outerPort: 0, innerPort: 0 });
 * await gateway.listen();
 *
 * await using trigger = new Trigger(Box, "127.0.0.1", gateway.innerAddr!.port);
 * const { delivered, offline } = await trigger.writeToUsers(
 *   [[[1, 2], { cmd: 1, body: "hi" }]],
 *   { receipt: true },
 * );
 * assertEquals(delivered, 0);
 * assertEquals(offline, [1, 2]);
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

// What the signatures above name.
export type {
  AskOptions,
  BanOptions,
  BoxClass,
  BoxData,
  BoxFields,
  BoxOf,
  DrainOptions,
  GroupsRow,
  Int64,
  ReceiptOptions,
  SendOptions,
  Task,
  TaskReceipt,
  UsersOptions,
  UsersRow,
  WorkerTaskParams,
  WriteReceipt,
} from "@maple/box";
export type { LogFields, Logger } from "@maple/box/internal";

// Who imports this for its classes does not load what only the program needs.
if (import.meta.main) {
  const { main } = await import("./main.ts");
  Deno.exit(await main(Deno.args));
}
