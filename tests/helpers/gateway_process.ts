// startGatewayProcess: the gateway as the program that users run, on free ports.

import { pathOf } from "./paths.ts";
import { PERMISSIONS } from "./permissions.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import type { Address } from "./raw_peer.ts";
import { TEST_IO } from "./test_io.ts";

/** The gateway's main module. */
export const GATEWAY_MAIN: string = pathOf("../../gateway/mod.ts");

/** The arguments that make Deno run the gateway with what it needs. */
export const GATEWAY_ARGS: readonly string[] = argsWith([
  ...PERMISSIONS.gateway,
  ...(TEST_IO === "epoll" ? ["--allow-ffi"] : []),
]);

/** The same with all permissions: only then Deno lets it read what the system tells in `/proc`. */
export const GATEWAY_ALL_ARGS: readonly string[] = argsWith(["-A"]);

function withFfi([first, ...rest]: readonly string[]): string[] {
  return [first!, "--allow-ffi", ...rest];
}

function argsWith(permissions: readonly string[]): string[] {
  return [
    ...["run", "--quiet", "--no-prompt", ...permissions, GATEWAY_MAIN],
    ...(TEST_IO ? ["--io", TEST_IO] : []),
  ];
}

/** The line that says that it accepts connections. */
export const GATEWAY_READY =
  /^maple gateway ready outer=(\S+):(\d+) inner=(\S+):(\d+)(?: ws=\S+:(\d+))?(?: tls=\S+)?(?: wss=\S+)?$/;

/** A gateway that runs as a process. */
export interface GatewayProcess extends AsyncDisposable {
  /** The process. */
  readonly process: RunningProcess;
  /** Port for clients. */
  readonly outerPort: number;
  /** Port for workers and triggers. */
  readonly innerPort: number;
  /** Port for WebSockets, with `--ws-port`. */
  readonly wsPort: number;
  /** Where clients connect. */
  readonly outer: Address;
  /** Where workers and triggers connect. */
  readonly inner: Address;
}

/**
 * Starts the gateway on free ports of 127.0.0.1 and waits until it is ready.
 *
 * @param run What Deno is told. @default {GATEWAY_ARGS}
 */
export async function startGatewayProcess(
  flags: readonly string[] = [],
  run: readonly string[] = GATEWAY_ARGS,
): Promise<GatewayProcess> {
  const needsFfi = flags.includes("epoll") && run === GATEWAY_ARGS &&
    TEST_IO !== "epoll";
  const process = await startProcess(Deno.execPath(), {
    args: [
      ...(needsFfi ? withFfi(run) : run),
      ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
      ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
      ...flags,
    ],
    ready: GATEWAY_READY,
  });
  const [, outerHost, outerPort, innerHost, innerPort, wsPort] = process
    .ready!;
  const outer = { hostname: outerHost!, port: Number(outerPort) };
  const inner = { hostname: innerHost!, port: Number(innerPort) };
  return {
    process,
    outer,
    inner,
    outerPort: outer.port,
    innerPort: inner.port,
    wsPort: Number(wsPort),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
