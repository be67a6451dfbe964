// OuterListeners: where clients connect: one listener for each transport that is wanted.

import {
  acceptAll,
  type Certificate,
  type Conn,
  EpollListener,
  formatAddress,
  type Listener,
  type Logger,
  type ServerIo,
  type Steps,
  TlsListener,
  whenFree,
  type WhenFreeOptions,
} from "@maple/box/internal";
import type { ResolvedOptions } from "../option_table.ts";
import type { OuterTransport } from "./outer_transport.ts";

// What clients over TLS may ask for (ALPN).
const ALPN = "maple";

/** How a transport is told and where it listens. */
interface Plan extends Steps {
  readonly transport: OuterTransport;
  /** Whom it is for, for logs and errors. */
  readonly whom: string;
  /** Its port; undefined where it is not wanted. */
  readonly port: (options: ResolvedOptions) => number | undefined;
}

const PLANS: readonly Plan[] = [
  {
    transport: "tcp",
    whom: "clients",
    port: ({ outerPort }) => outerPort,
    tls: false,
    ws: false,
  },
  {
    transport: "ws",
    whom: "WebSockets",
    port: ({ wsPort }) => wsPort,
    tls: false,
    ws: true,
  },
  {
    transport: "tls",
    whom: "clients over TLS",
    port: ({ tlsPort }) => tlsPort,
    tls: true,
    ws: false,
  },
  {
    transport: "wss",
    whom: "WebSockets over TLS",
    port: ({ wssPort }) => wssPort,
    tls: true,
    ws: true,
  },
];

// Those of another gateway are closed at this moment: that is no reason for a line in the log.
const LATE = { everyMs: 20, quietMs: 1000 } as const;

/** Where the sockets of listeners and the certificates of those for TLS come from. */
export interface Sources {
  /** The sockets of those that are not for TLS. */
  readonly io: ServerIo;
  /** What those for TLS show. */
  readonly certificates: readonly Certificate[];
  /** Whether those for TLS close one more connection of an address at once. */
  readonly refuses: (address: string) => boolean;
  /** Whether one comes from a gateway whose place is taken, and is not to be opened now. */
  readonly comes: (name: string, host: string, port: number) => boolean;
}

/** One that is open. */
interface Door {
  readonly plan: Plan;
  readonly listener: Listener;
}

/** Where clients connect. */
export class OuterListeners {
  readonly #doors: Door[];
  // Those that can only be opened when another gateway has closed its own.
  readonly #late: readonly (() => Promise<Door>)[];
  #starts: ((door: Door) => void) | undefined;
  #closed = false;

  private constructor(
    doors: Door[],
    late: readonly (() => Promise<Door>)[],
  ) {
    this.#doors = doors;
    this.#late = late;
  }

  /**
   * Opens all that are wanted.
   *
   * @param from Where their sockets and certificates come from.
   * @throws {Error} with one line, when one cannot be opened; none is open then.
   */
  static async open(
    from: Sources,
    options: ResolvedOptions,
    waiting: WhenFreeOptions,
  ): Promise<OuterListeners> {
    const doors: Door[] = [];
    const late: (() => Promise<Door>)[] = [];
    try {
      for (const plan of PLANS) {
        const port = plan.port(options);
        if (port === undefined) continue;
        const openIt = async (more: Partial<WhenFreeOptions> = {}) => ({
          plan,
          listener: await whenFree<Listener>(
            () => openOne(plan, port, { ...options, ...from }),
            { ...waiting, ...more },
          ),
        });
        const { transport, tls } = plan;
        if (!from.comes(transport, options.outerHost, port)) {
          doors.push(await openIt());
        } else if (tls) late.push(() => openIt(LATE));
      }
    } catch (error) {
      for (const { listener } of doors) listener.close();
      throw error;
    }
    return new OuterListeners(doors, late);
  }

  /** Those that can be handed over. */
  given(
    host: string,
  ): { name: string; host: string; listener: EpollListener }[] {
    return this.#doors.flatMap(({ plan: { transport: name }, listener }) =>
      listener instanceof EpollListener ? [{ name, host, listener }] : []
    );
  }

  /** Where those listen that cannot: there one can listen again when they are closed. */
  kept(host: string): { name: string; host: string; port: number }[] {
    return this.#doors.flatMap(({ plan: { transport: name }, listener }) =>
      listener instanceof EpollListener
        ? []
        : [{ name, host, port: listener.addr.port }]
    );
  }

  /**
   * Takes one of a gateway before.
   *
   * @returns Whether it is wanted.
   */
  adopt(
    { name, host, port }: {
      readonly name: string;
      readonly host: string;
      readonly port: number;
    },
    options: ResolvedOptions,
    take: () => Listener,
  ): boolean {
    const plan = PLANS.find(({ transport }) => transport === name);
    const wanted = plan?.port(options);
    if (!plan || wanted === undefined || host !== options.outerHost) {
      return false;
    }
    if (wanted !== 0 && wanted !== port) return false;
    this.#doors.push({ plan, listener: take() });
    return true;
  }

  /** Opens those that had to wait; to be called after `start`. */
  async openLate(logger: Logger): Promise<void> {
    for (const openIt of this.#late) {
      try {
        const door = await openIt();
        this.#doors.push(door);
        if (this.#closed) door.listener.close();
        else this.#starts!(door);
      } catch (error) {
        logger.error((error as Error).message);
      }
    }
  }

  /** Where clients of that transport connect; undefined where they cannot. */
  addr(transport: OuterTransport): Deno.NetAddr | undefined {
    return this.#doors.find(({ plan }) => plan.transport === transport)
      ?.listener.addr;
  }

  /** Where clients connect, for the log. */
  describe(): string {
    return this.#doors.map(({ plan, listener }) =>
      `${plan.whom} at ${formatAddress(listener.addr)}`
    ).join(", ");
  }

  /** Accepts connections from now on, until `close`. */
  start(
    accept: (conn: Conn, plan: OuterPlan) => Promise<void> | void,
    { logger, follow }: {
      readonly logger: Logger;
      readonly follow: (work: Promise<void>) => void;
    },
  ): void {
    this.#starts = ({ plan, listener }) => {
      const onConn = (conn: Conn) => accept(conn, plan);
      follow(acceptAll(listener, logger, onConn));
    };
    for (const door of this.#doors) this.#starts(door);
  }

  /** Shows other certificates from now on. */
  setCertificates(certificates: readonly Certificate[]): void {
    for (const { listener } of this.#doors) {
      if (listener instanceof TlsListener) {
        listener.setCertificates(certificates);
      }
    }
  }

  /** Accepts no more. */
  close(): void {
    this.#closed = true;
    for (const { listener } of this.#doors) listener.close();
  }
}

/** What a connection has to do, and what it is then. */
export type OuterPlan = Steps & Pick<Plan, "transport">;

function openOne(
  { whom: what, tls, ws }: Plan,
  port: number,
  { io, certificates, refuses, outerHost, reusePort, backlog, keepAlive }:
    & Sources
    & Omit<ResolvedOptions, "io">,
): Listener | Promise<Listener> {
  const at = { what, hostname: outerHost, port };
  const options = { reusePort, backlog, keepAlive };
  if (!tls) return io.listen(at, options);
  return TlsListener.open(at, {
    ...options,
    certificates,
    refuses,
    pair: io.descriptors && (() => io.descriptors!.pair()),
    protocols: [ws ? "http/1.1" : ALPN],
  });
}
