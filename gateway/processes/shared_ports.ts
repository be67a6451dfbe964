// findPorts: the ports that the processes of one gateway share, and those that each has alone.

import {
  listenTcp,
  type Logger,
  maySharePorts,
  whenFree,
} from "@maple/box/internal";
import { GatewayError } from "../errors.ts";
import type { ResolvedOptions } from "../option_table.ts";

/** Where a gateway of several processes is reached. */
export interface SharedPorts {
  /** Where clients connect, by transport. */
  readonly outer: Deno.NetAddr;
  readonly ws: Deno.NetAddr | undefined;
  readonly tls: Deno.NetAddr | undefined;
  readonly wss: Deno.NetAddr | undefined;
  /** Where workers and triggers connect. */
  readonly inner: Deno.NetAddr;
  /** Where those connect that know of the processes, by process. */
  readonly own: readonly number[];
}

type Wanted = Pick<
  ResolvedOptions,
  | "outerHost"
  | "outerPort"
  | "wsPort"
  | "tlsPort"
  | "wssPort"
  | "innerHost"
  | "innerPort"
  | "innerOwnPort"
  | "reusePort"
  | "bindTimeout"
>;

/**
 * Free ports in place of those that are 0, and the proof that the others are free.
 *
 * @param count How many processes there are.
 * @throws {GatewayError} with one line, when an address cannot be listened on.
 */
export async function findPorts(
  options: Wanted,
  { count, logger }: { readonly count: number; readonly logger: Logger },
): Promise<SharedPorts> {
  const { bindTimeout } = options;
  try {
    return await whenFree(() => tryPorts(options, count), {
      bindTimeout,
      logger,
    });
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError((cause as Error).message, { cause });
  }
}

// All are open at the same time, so that they differ.
function tryPorts(options: Wanted, count: number): SharedPorts {
  using open = new DisposableStack();
  const listen = (what: string, hostname: string, port: number) => {
    // Another gateway may be meant to have it, and this process may not be able to share it.
    const isShared = options.reusePort && port !== 0;
    if (isShared && !maySharePorts()) return addrOf(hostname, port);
    const listener = listenTcp(what, hostname, port, { reusePort: isShared });
    return open.use(listener).addr as Deno.NetAddr;
  };
  const { outerHost, innerHost, wsPort, tlsPort, wssPort } = options;
  const optional = (what: string, port: number | undefined) =>
    port === undefined ? undefined : listen(what, outerHost, port);
  const inner = listen("workers", innerHost, options.innerPort);
  const first = firstOwnPort(options);
  return {
    inner,
    outer: listen("clients", outerHost, options.outerPort),
    ws: optional("WebSockets", wsPort),
    tls: optional("clients over TLS", tlsPort),
    wss: optional("WebSockets over TLS", wssPort),
    own: Array.from({ length: count }, (_, i) =>
      listen(
        `workers of process ${i + 1} (innerOwnPort)`,
        innerHost,
        first === 0 ? 0 : first + i,
      ).port),
  };
}

/**
 * The first of the ports that each process has alone; 0 = any. Those behind the shared one, so that
 * who lets them through a firewall knows them. Where another gateway is meant to have the shared
 * one too, it may have those.
 */
export function firstOwnPort(
  { innerPort, innerOwnPort, reusePort }: Pick<
    Wanted,
    "innerPort" | "innerOwnPort" | "reusePort"
  >,
): number {
  const isAny = innerPort === 0 || reusePort;
  return innerOwnPort ?? (isAny ? 0 : innerPort + 1);
}

function addrOf(hostname: string, port: number): Deno.NetAddr {
  return { transport: "tcp", hostname, port };
}
