/**
 * What `@maple/worker` needs of this package and users do not: how an app is run as a master and child processes. It may change with any version.
 *
 * @module
 */

export { runApp } from "./run_app.ts";
export type { RunAppOptions, Runnable } from "./run_app.ts";
export type { MasterOptions } from "./master.ts";
export type { ProcessMetrics, ProcessStatus } from "./process_status.ts";
