// OuterListeners: where clients connect: one listener for each transport that is wanted.

import {
  acceptAll,
  acceptedConn,
  type Conn,
  formatAddress,
  listenTcp,
  type Logger,
  whenFree,
  type WhenFreeOptions,
} from "@maple/box/internal";
import type { ResolvedOptions } from "../options.ts";
import type { OuterTransport } from "./outer_transport.ts";

/** How a transport is told and where it listens. */
interface Plan {
  readonly transport: OuterTransport;
  /** Whom it is for, for logs and errors. */
  readonly whom: string;
  /** Its port; undefined where it is not wanted. */
  readonly port: (options: ResolvedOptions) => number | undefined;
}

const PLANS: readonly Plan[] = [
  { transport: "tcp", whom: "clients", port: ({ outerPort }) => outerPort },
  { transport: "ws", whom: "WebSockets", port: ({ wsPort }) => wsPort },
];

/** Where clients connect. */
export class OuterListeners {
  readonly #listeners: ReadonlyMap<OuterTransport, Deno.TcpListener>;

  private constructor(
    listeners: ReadonlyMap<OuterTransport, Deno.TcpListener>,
  ) {
    this.#listeners = listeners;
  }

  /**
   * Opens all that are wanted.
   *
   * @throws {Error} with one line, when one cannot be opened; none is open then.
   */
  static async open(
    options: ResolvedOptions,
    waiting: WhenFreeOptions,
  ): Promise<OuterListeners> {
    const { outerHost, backlog, keepAlive } = options;
    const listeners = new Map<OuterTransport, Deno.TcpListener>();
    try {
      for (const { transport, whom, port: portOf } of PLANS) {
        const port = portOf(options);
        if (port === undefined) continue;
        const listener = await whenFree(
          () => listenTcp(whom, outerHost, port, { backlog, keepAlive }),
          waiting,
        );
        listeners.set(transport, listener);
      }
    } catch (error) {
      for (const listener of listeners.values()) listener.close();
      throw error;
    }
    return new OuterListeners(listeners);
  }

  /** Where clients of that transport connect; undefined where they cannot. */
  addr(transport: OuterTransport): Deno.NetAddr | undefined {
    return this.#listeners.get(transport)?.addr as Deno.NetAddr | undefined;
  }

  /** Where clients connect, for the log. */
  describe(): string {
    return PLANS.filter(({ transport }) => this.#listeners.has(transport))
      .map(({ transport, whom }) =>
        `${whom} at ${formatAddress(this.addr(transport)!)}`
      ).join(", ");
  }

  /** Accepts connections from now on, until `close`. */
  start(
    accept: (conn: Conn, transport: OuterTransport) => Promise<void> | void,
    { logger, follow }: {
      readonly logger: Logger;
      readonly follow: (work: Promise<void>) => void;
    },
  ): void {
    for (const [transport, listener] of this.#listeners) {
      const onConn = (conn: Deno.TcpConn) =>
        accept(acceptedConn(conn), transport);
      follow(acceptAll(listener, logger, onConn));
    }
  }

  /** Accepts no more. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
  }
}
