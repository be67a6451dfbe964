// runInThisProcess: how a Haven is run: one event loop in the process that called it, or in a child
// that HUP replaces.

import { runApp } from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { Flavour } from "./flavour.ts";
import { readyLine } from "./ports.ts";
import {
  refusePlace,
  runHandingOver,
  whyNoHandover,
} from "./run_handing_over.ts";

/** Serves in this process; with `io: "epoll"` in one child process. */
export const runInThisProcess: Flavour = async (options, app) => {
  if (options.workers > 1) {
    throw new HavenError(
      "option",
      `Option workers must be 0 or 1 for a Haven, got ${options.workers}; a GHaven serves in several processes, a THaven in several threads`,
    );
  }
  const why = whyNoHandover(options);
  if (why === undefined) {
    // It ends as it would without a master, and its handlers may compute as long as they like.
    const more = { endsWithChild: true, workTimeoutMs: 0 };
    return await runHandingOver(options, app, more);
  }
  await runApp({
    ...options,
    stopTimeoutMs: options.leaveTimeoutMs,
    workers: 0,
    reloads: false,
    hupRemark: why,
    leavesOnInt: true,
  }, {
    ...app,
    start: (place) => {
      refusePlace(place?.note, why);
      return app.listen(options);
    },
    readyLine: () => readyLine(options.host, app.ports()),
  });
};
