/**
 * The gateway: holds the client connections and only forwards. Workers attach to it and pull tasks;
 * triggers push messages and tasks through it.
 *
 * As a program it is `deno run -A jsr:@maple/gateway`; see `--help`.
 *
 * @example A gateway inside a program of your own
 * ```ts
 * import { assert } from "@std/assert";
 * import { Gateway } from "@maple/gateway";
 *
 * // Port 0 is any that is free.
 * await using gateway = new Gateway({ outerPort: 0, innerPort: 0 });
 * await gateway.listen();
 * assert(gateway.outerAddr!.port > 0);
 * ```
 *
 * @module
 */

export type { Bus, BusReceiver, NotCarried } from "./cluster/bus.ts";
export { GatewayError } from "./errors.ts";
export { Gateway } from "./gateway.ts";
export type { ProgramPiece } from "./handover/handover.ts";
export type { ChangeableLimits, GatewayLimits } from "./limits.ts";
export type { GatewayOptions } from "./options.ts";
export type { GoneRequests, TaskOrder } from "./queue/task_queue.ts";
export type { CommandStats } from "./metrics/measures.ts";
export type {
  DroppedAnswers,
  DroppedMessages,
  GatewayCounters,
  InnerCommand,
  Moves,
  QueueStops,
  ReceiptOutcomes,
  RefusedJoins,
  UnprovenVisitors,
} from "./metrics/counters.ts";
export type {
  ClusterGateway,
  ClusterStats,
  GatewayStats,
  GroupStats,
  HandoverStats,
  WorkerStats,
} from "./metrics/stats.ts";
export type { MemberState } from "./cluster/hello.ts";
export type { OuterTransport } from "./outer/outer_transport.ts";

// What the signatures above name.
export type { BanOptions, BoxClass } from "@maple/box";
export type {
  AddressCause,
  AddressCount,
  CloseKind,
  HandshakeStep,
  HistogramData,
  IoKind,
  LogFields,
  Logger,
  PeerIdentity,
  RateAction,
  RateKind,
} from "@maple/box/internal";

// Who imports this for its classes does not load what only the program needs.
if (import.meta.main) {
  const { main } = await import("./main.ts");
  Deno.exit(await main(Deno.args, { isProgram: true }));
}
