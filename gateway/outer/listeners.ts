// OuterListeners: where clients connect: one listener for each transport that is wanted.

import {
  acceptAll,
  type Conn,
  formatAddress,
  type Listener,
  type Logger,
  type ServerIo,
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
  readonly #listeners: ReadonlyMap<OuterTransport, Listener>;

  private constructor(listeners: ReadonlyMap<OuterTransport, Listener>) {
    this.#listeners = listeners;
  }

  /**
   * Opens all that are wanted.
   *
   * @param io Where their sockets come from.
   * @throws {Error} with one line, when one cannot be opened; none is open then.
   */
  static async open(
    io: ServerIo,
    options: ResolvedOptions,
    waiting: WhenFreeOptions,
  ): Promise<OuterListeners> {
    const { outerHost, backlog, keepAlive } = options;
    const listeners = new Map<OuterTransport, Listener>();
    try {
      for (const { transport, whom, port: portOf } of PLANS) {
        const port = portOf(options);
        if (port === undefined) continue;
        const at = { what: whom, hostname: outerHost, port };
        const listener = await whenFree(
          () => io.listen(at, { backlog, keepAlive }),
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
    return this.#listeners.get(transport)?.addr;
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
      const onConn = (conn: Conn) => accept(conn, transport);
      follow(acceptAll(listener, logger, onConn));
    }
  }

  /** Accepts no more. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
  }
}
