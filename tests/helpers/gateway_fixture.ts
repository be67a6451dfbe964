// GatewayFixture: a gateway in this process on free ports, with what a test needs around it.

import { Box, type BoxFields, type Framing, TcpClient } from "@maple/box";
import {
  Gateway,
  type GatewayOptions,
  type GatewayStats,
} from "@maple/gateway";
import { canServeTls, localCertificate } from "./certificates.ts";
import { type BoxClient, BoxPeer } from "./box_peer.ts";
import { EchoWorker } from "./echo_worker.ts";
import { eventually } from "./eventually.ts";
import { LogCollector } from "./log_collector.ts";
import { type Address, type PeerConn, RawPeer } from "./raw_peer.ts";
import { RawWorker } from "./raw_worker.ts";
import { TEST_IO } from "./test_io.ts";
import { WebSocketStream } from "./web_socket_stream.ts";
import { PATIENCE_MS } from "./within.ts";

/** What clients connect over. */
export type ClientTransport = "tcp" | "ws" | "tls" | "wss";

/** Starts a gateway whose clients connect over the transport that is tested. */
export type StartGateway = (
  options?: GatewayOptions,
) => Promise<GatewayFixture>;

/** A test of clients, run over every transport. */
export function overTransports(
  name: string,
  body: (start: StartGateway, transport: ClientTransport) => Promise<void>,
): void {
  for (const transport of ["tcp", "ws", "tls", "wss"] as const) {
    Deno.test({
      name: `${name}, over ${transport}`,
      ignore: isOverTls(transport) && !canServeTls,
      fn: () =>
        body(
          (options) => GatewayFixture.start(options, transport),
          transport,
        ),
    });
  }
}

/** Whether it is over TLS. */
export function isOverTls(transport: ClientTransport): boolean {
  return transport === "tls" || transport === "wss";
}

/** A gateway in this process on free ports of 127.0.0.1, closed at once at the end of the test. */
export class GatewayFixture implements AsyncDisposable {
  /** The gateway. */
  readonly gateway: Gateway;
  /** What it logged. */
  readonly log: LogCollector;
  /** Where clients connect. */
  readonly outer: Address;
  /** Where workers and triggers connect. */
  readonly inner: Address;

  readonly #transport: ClientTransport;

  private constructor(
    gateway: Gateway,
    log: LogCollector,
    transport: ClientTransport,
  ) {
    this.gateway = gateway;
    this.log = log;
    this.#transport = transport;
    this.outer = gateway.outerAddr!;
    this.inner = gateway.innerAddr!;
  }

  /** Starts one. */
  static async start(
    options: GatewayOptions = {},
    transport: ClientTransport = "tcp",
  ): Promise<GatewayFixture> {
    const log = new LogCollector();
    const gateway = new Gateway({
      outerHost: "127.0.0.1",
      outerPort: 0,
      innerHost: "127.0.0.1",
      innerPort: 0,
      ...await portOf(transport),
      // The peers of most tests do not answer pings.
      workerTimeout: 0,
      logger: log,
      ...(TEST_IO && { io: TEST_IO }),
      ...options,
    });
    await gateway.listen();
    return new GatewayFixture(gateway, log, transport);
  }

  /** Attaches a worker or trigger that does nothing by itself. */
  attach(): Promise<RawWorker> {
    return RawWorker.attach(this.inner);
  }

  /** Attaches a worker that answers everything. */
  attachEcho(): Promise<EchoWorker> {
    return EchoWorker.attach(this.inner);
  }

  /** Connects a client that speaks {@linkcode Box}, over the transport that is tested. */
  async connectBox(): Promise<BoxClient> {
    return new BoxPeer(await this.connectRaw());
  }

  /** Connects a client over TCP that speaks {@linkcode Box}. */
  async connect(): Promise<TcpClient<BoxFields>> {
    const { hostname, port } = this.outer;
    const client = new TcpClient(Box, hostname, port, {
      timeout: PATIENCE_MS / 1000,
    });
    await client.connect();
    return client;
  }

  /** Connects a client that can send anything, over the transport that is tested. */
  async connectRaw(framing: Framing = Box): Promise<RawPeer> {
    return new RawPeer(await this.connectConn(), framing);
  }

  /** Where clients connect over the transport that is tested. */
  get address(): Address {
    const { outerAddr, wsAddr, tlsAddr, wssAddr } = this.gateway;
    const all = { tcp: outerAddr, ws: wsAddr, tls: tlsAddr, wss: wssAddr };
    const { hostname, port } = all[this.#transport]!;
    return { hostname, port };
  }

  /** The same, but one that knows no frames. */
  async connectConn(): Promise<PeerConn> {
    const { address } = this;
    switch (this.#transport) {
      case "tcp":
        return await Deno.connect(address);
      case "ws":
        return await WebSocketStream.open(address);
      case "tls":
        return await connectTls(address);
      case "wss":
        return await WebSocketStream.over(await connectTls(address));
    }
  }

  /** Whether a client that connects now is closed at once. */
  async refuses(): Promise<boolean> {
    try {
      await using client = await this.connectRaw();
      return await client.nextFrame() === null;
    } catch (error) {
      // Before the answer to its handshake.
      if ((error as Error).message === "no WebSocket: ") return true;
      if (error instanceof Deno.errors.UnexpectedEof) return true;
      throw error;
    }
  }

  /** Waits until the counters are as the condition wants them. */
  until(condition: (stats: GatewayStats) => boolean): Promise<void> {
    return eventually(() => condition(this.gateway.stats()), {
      what: `the gateway's counters as in ${condition}`,
    }).catch((error) => {
      throw new Error(
        `${error.message}; they are ${JSON.stringify(this.gateway.stats())}`,
      );
    });
  }

  /** Closes the gateway without waiting for what is queued. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.closeNow();
  }
}

async function portOf(transport: ClientTransport): Promise<GatewayOptions> {
  if (transport === "tcp") return {};
  if (transport === "ws") return { wsPort: 0 };
  const { cert, key } = await localCertificate();
  const name = transport === "tls" ? "tlsPort" : "wssPort";
  return { [name]: 0, tlsCert: cert, tlsKey: key };
}

/** Connects by TLS to a server with the certificate of this machine. */
export async function connectTls(
  { hostname, port }: Address,
  options: Omit<Deno.ConnectTlsOptions, "port"> = {},
): Promise<Deno.TlsConn> {
  const { authority } = await localCertificate();
  const conn = await Deno.connectTls({
    hostname,
    port,
    caCerts: [authority],
    ...options,
  });
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
}
