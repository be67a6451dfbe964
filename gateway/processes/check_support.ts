// checkSupport: whether a gateway can be several processes here.

import {
  CHILD_ENV,
  howToSharePorts,
  maySharePorts,
  mayTakeEnv,
} from "@maple/box/internal";
import { fail } from "../errors.ts";

const WHAT = "Cannot serve from several processes";

/**
 * Makes sure of it before anything is started.
 *
 * @throws {GatewayError} with one line, when something is missing.
 */
export function checkSupport(io: string): void {
  const { os, standalone } = Deno.build;
  if (os !== "linux") {
    throw fail(
      `${WHAT}: ${os} does not spread the connections of one port over several listeners; use processes 1`,
    );
  }
  if (standalone && io === "deno" && !maySharePorts()) {
    throw fail(`${WHAT}: ${howToSharePorts()}; or use io epoll`);
  }
  const env = [CHILD_ENV.INDEX, CHILD_ENV.CONTROL];
  if (!env.every(mayTakeEnv)) {
    throw fail(`${WHAT} without --allow-env, by which they know what they are`);
  }
  const run = { name: "run", command: Deno.execPath() } as const;
  if (Deno.permissions.querySync(run).state !== "granted") {
    throw fail(`${WHAT} without --allow-run, to start them`);
  }
}
