// GHaven: a haven server in several processes that share the port.

import type { BoxClass, BoxFields } from "@maple/box";
import type { Flavour } from "./flavour.ts";
import { Haven, type HavenOptions } from "./haven.ts";
import {
  checkPortSharing,
  findPorts,
  portsEnv,
  readyLine,
  takePorts,
} from "./ports.ts";
import {
  refusePlace,
  runHandingOver,
  whyNoHandover,
} from "./run_handing_over.ts";
import type { UntypedState } from "./state.ts";
import { runApp, SHARING_FLAG } from "@maple/box/internal";

/**
 * A haven server in several processes: `workers: N` child processes with one event loop each share
 * the port, and a master replaces one that dies. State is not shared: each process has its own
 * variables and knows its own connections only. Users are: a message to users reaches those of all
 * processes, and a uid is logged in once.
 *
 * A child process is this program started again; the module that calls `run` runs in the master and
 * in each child. More than one child needs a system that spreads connections over the listeners of
 * one port: Linux.
 *
 * @typeParam F The fields of the boxes' header.
 * @typeParam S What `request.state` holds.
 * @typeParam C What `conn.state` holds.
 *
 * @example
 * ```ts ignore
 * import { Box } from "@maple/box";
 * import { GHaven } from "@maple/haven";
 *
 * const app = new GHaven(Box);
 * app.route(1, () => ({ body: `from process ${Deno.pid}` }));
 * await app.run("127.0.0.1", 7777, { workers: 2 });
 * ```
 */
export class GHaven<
  F extends object = BoxFields,
  S extends object = UntypedState,
  C extends object = UntypedState,
> extends Haven<F, S, C> {
  /**
   * Makes a server, which does nothing until it runs or listens.
   *
   * @param boxClass The class of the clients' boxes.
   * @param options See `HavenOptions`.
   */
  constructor(boxClass: BoxClass<F>, options: HavenOptions = {}) {
    super(boxClass, options, runInProcesses);
  }
}

const runInProcesses: Flavour = async (options, app) => {
  const why = whyNoHandover(options);
  if (why === undefined) {
    const { workTimeoutMs } = options;
    const more = { endsWithChild: false, workTimeoutMs };
    return await runHandingOver(options, app, more);
  }
  const reusePort = options.workers > 1;
  if (reusePort) checkPortSharing(options.workers, options.io);
  let ports = takePorts();
  await runApp({
    ...options,
    stopTimeoutMs: options.leaveTimeoutMs,
    reloads: false,
    hupRemark: why,
    leavesOnInt: true,
    childFlags: reusePort && options.io === "deno" ? [SHARING_FLAG] : [],
  }, {
    ...app,
    start: (place) => {
      refusePlace(place?.note, why);
      return app.listen({
        ...options,
        ...ports,
        reusePort,
        siblings: reusePort ? place?.siblings : undefined,
      }, place?.index);
    },
    beforeChildren: async (logger) =>
      portsEnv(ports = await findPorts(options, logger)),
    readyLine: () => readyLine(options.host, ports ?? app.ports()),
  });
};
