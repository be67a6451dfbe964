// Who a process is: what workers and triggers tell their gateways, so that an operator sees which
// program is which.

import type { PeerIdentity } from "../pull.ts";

/** What a process says it is: what is told, and its process id and host. */
export function identityOf(told: PeerIdentity): PeerIdentity {
  const host = hostname();
  return { pid: Deno.pid, ...(host === undefined ? {} : { host }), ...told };
}

/** What tells one process from all others; undefined where it has not told enough. */
export function identityKey(told: PeerIdentity): string | undefined {
  const { name = "", host = "", pid, index = 0 } = told;
  return pid === undefined ? undefined : `${host} ${pid} ${index} ${name}`;
}

/**
 * What a program is called unless it is told: as its main module, without the extension.
 *
 * @param otherwise For a module without a name.
 */
export function programName(
  otherwise: string,
  mainModule: string = Deno.mainModule,
): string {
  const file = /([^/\\]+?)(?:\.[^./\\]*)?$/.exec(new URL(mainModule).pathname);
  if (!file) return otherwise;
  try {
    return decodeURIComponent(file[1]!);
  } catch {
    return file[1]!;
  }
}

// Asking for what is not permitted would stop the program for a prompt.
function hostname(): string | undefined {
  const { state } = Deno.permissions.querySync({
    name: "sys",
    kind: "hostname",
  });
  return state === "granted" ? Deno.hostname() : undefined;
}
