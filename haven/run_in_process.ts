// runInThisProcess: how a Haven is run: one event loop in the process that called it.

import { runApp } from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { Flavour } from "./flavour.ts";
import { readyLine } from "./ports.ts";

/** Serves in this process; no children. */
export const runInThisProcess: Flavour = async (options, app) => {
  if (options.workers > 1) {
    throw new HavenError(
      "option",
      `Option workers must be 0 or 1 for a Haven, got ${options.workers}; a GHaven serves in several processes, a THaven in several threads`,
    );
  }
  await runApp({
    ...options,
    stopTimeoutMs: options.leaveTimeoutMs,
    workers: 0,
    reloadTimeoutMs: 0,
    reloads: false,
    leavesOnInt: true,
  }, {
    ...app,
    start: () => app.listen(options),
    readyLine: () => readyLine(options.host, app.ports()),
  });
};
