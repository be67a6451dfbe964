/**
 * maple: a toolkit for real-time servers over long-lived connections, whose logic changes many
 * times a day without a client noticing.
 *
 * This package is all five in one: `@maple/box` (frames), `@maple/haven` (routes, hooks, the
 * one-process server), `@maple/gateway`, `@maple/worker` and `@maple/trigger`. Import those you
 * need by their own names, or all of them from here.
 *
 * @example
 * ```ts ignore
 * import { Box, Worker } from "@maple/maple";
 *
 * const app = new Worker(Box);
 * app.route(1, (request) => ({ body: request.box.body }));
 * await app.run("127.0.0.1", 28000, { workers: 2 });
 * ```
 *
 * @module
 */

export * from "@maple/box";
export * from "@maple/gateway";
export * from "@maple/haven";
export * from "@maple/trigger";
export * from "@maple/worker";
