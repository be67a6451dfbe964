/**
 * The worker: holds the logic. It attaches to gateways and pulls tasks, so it can be restarted,
 * reloaded and scaled at any moment.
 *
 * Routes, hooks and blueprints are those of `@maple/haven`.
 *
 * @example A worker
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { Worker } from "@maple/worker";
 *
 * const app = new Worker(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * app.closeClient((request) => console.log(request.clientAddress, "is gone"));
 * await app.run("127.0.0.1", 28000, { workers: 2, concurrency: 16, debug: true });
 * ```
 *
 * @example Its test, without a gateway
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Box } from "@maple/box";
 * import { testClient } from "@maple/haven/testing";
 * import { Worker } from "@maple/worker";
 *
 * await using app = new Worker(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 *
 * await using client = testClient(app);
 * assertEquals((await client.request({ cmd: 1, body: "hello" })).text(), "hello");
 * ```
 *
 * @module
 */

export { WorkerError } from "./errors.ts";
export type { AttachOptions, GatewayAddress, RunOptions } from "./options.ts";
export { WorkerRequest } from "./request.ts";
export type {
  EndpointStats,
  GatewayLinkStats,
  TaskKindStats,
  WorkerProcessStats,
} from "./stats.ts";
export { Worker } from "./worker.ts";
export type { WorkerOptions } from "./worker.ts";

// What the signatures above name.
export type {
  BoxClass,
  BoxData,
  BoxFields,
  BoxOf,
  Int64,
  ReceiptOptions,
  Task,
  TaskReceipt,
  WorkerTaskParams,
} from "@maple/box";
export type {
  HistogramData,
  LogFormat,
  OnUnhandled,
} from "@maple/box/internal";
export type { AppOptions, UntypedState } from "@maple/haven";
