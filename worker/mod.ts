/**
 * The worker: holds the logic. It attaches to gateways and pulls tasks, so it can be restarted,
 * reloaded and scaled at any moment.
 *
 * Routes, hooks and blueprints are those of `@maple/haven`.
 *
 * @example
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
