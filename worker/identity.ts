// Who a worker is: what it tells its gateways, so that an operator sees which program is which.

import config from "./deno.json" with { type: "json" };

/**
 * What a worker tells a gateway in the body of its first ASK, as JSON. A gateway of the original
 * system passes it over.
 */
export interface WorkerIdentity {
  /** What the program is called. */
  readonly name: string;
  /** Its process. */
  readonly pid: number;
  /** The machine it runs on; left out where the program may not know it. */
  readonly host?: string;
  /** The version of this library. */
  readonly version: string;
  /** How many tasks it works on at a time. */
  readonly concurrency: number;
  /** Which of its master's children it is, from 1; left out where it is none. */
  readonly index?: number;
}

/** The version of this library. */
export const VERSION: string = config.version;

/** Who this process is. */
export function identityOf(
  { name, concurrency }: { name: string; concurrency: number },
  index: number | undefined,
): WorkerIdentity {
  const host = hostname();
  return {
    name,
    pid: Deno.pid,
    ...(host === undefined ? {} : { host }),
    version: VERSION,
    concurrency,
    ...(index === undefined ? {} : { index }),
  };
}

/**
 * What a worker is called unless it is told: as its program's main module, without the extension.
 */
export function programName(mainModule: string = Deno.mainModule): string {
  const file = /([^/\\]+?)(?:\.[^./\\]*)?$/.exec(new URL(mainModule).pathname);
  try {
    return decodeURIComponent(file?.[1] ?? "worker");
  } catch {
    return file![1]!;
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
