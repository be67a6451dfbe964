// The ports that several processes or threads share.

import {
  formatAddress,
  howToSharePorts,
  type IoKind,
  listenTcp,
  type Logger,
  maySharePorts,
  takeEnv,
  whenFree,
} from "@maple/box/internal";
import { HavenError } from "./errors.ts";
import type { Ports, ResolvedListen } from "./resolve_options.ts";

// Tells a child process the ports that its master has found.
const PORTS_ENV = "MAPLE_HAVEN_PORTS";

/**
 * Does nothing where processes of this program, or its threads, can share a port.
 *
 * @throws {HavenError} `option` where they cannot.
 */
export function checkPortSharing(workers: number, io: IoKind): void {
  const cannot = `Cannot serve with workers: ${workers}`;
  if (Deno.build.os !== "linux") {
    throw new HavenError(
      "option",
      `${cannot}: ${Deno.build.os} does not spread the connections of one port over several listeners; use workers: 1`,
    );
  }
  if (Deno.build.standalone && io === "deno" && !maySharePorts()) {
    throw new HavenError(
      "option",
      `${cannot}: ${howToSharePorts()}`,
    );
  }
}

/**
 * Free ports in place of those that are 0, and the proof that the others are free.
 *
 * @throws {HavenError} `listen` when an address cannot be listened on.
 */
export async function findPorts(
  options: ResolvedListen,
  logger: Logger,
): Promise<Ports> {
  const { bindTimeout } = options;
  try {
    return await whenFree(() => tryPorts(options), { bindTimeout, logger });
  } catch (cause) {
    throw new HavenError("listen", (cause as Error).message, { cause });
  }
}

function tryPorts({ host, port, websocketPort }: ResolvedListen): Ports {
  using clients = listenTcp("clients", host, port);
  if (websocketPort === undefined) {
    return { port: portOf(clients), websocketPort };
  }
  using webSockets = listenTcp("WebSockets", host, websocketPort);
  return { port: portOf(clients), websocketPort: portOf(webSockets) };
}

/** The ports that a master has found. */
export interface FoundPorts extends Ports {
  /** How many processes share them, where the code of a child may come to say something else. */
  readonly workers?: number;
}

/** What tells a child process the ports. */
export function portsEnv(ports: FoundPorts): Record<string, string> {
  return { [PORTS_ENV]: JSON.stringify(ports) };
}

/** The ports that the master of this process has found; `undefined` where there is none. */
export function takePorts(): FoundPorts | undefined {
  const given = takeEnv(PORTS_ENV);
  return given === undefined ? undefined : JSON.parse(given) as FoundPorts;
}

/** The line that says that a server is ready. */
export function readyLine(
  host: string,
  { port, websocketPort }: Ports,
): string {
  const at = (port: number) =>
    formatAddress({ transport: "tcp", hostname: host, port });
  return `maple haven ready ${at(port)}${
    websocketPort === undefined ? "" : ` websocket=${at(websocketPort)}`
  }`;
}

function portOf(listener: Deno.TcpListener): number {
  return (listener.addr as Deno.NetAddr).port;
}
