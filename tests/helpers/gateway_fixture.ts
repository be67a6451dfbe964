// GatewayFixture: a gateway in this process on free ports, with what a test needs around it.

import { Box, type BoxFields, type Framing, TcpClient } from "@maple/box";
import {
  Gateway,
  type GatewayOptions,
  type GatewayStats,
} from "@maple/gateway";
import { EchoWorker } from "./echo_worker.ts";
import { eventually } from "./eventually.ts";
import { LogCollector } from "./log_collector.ts";
import { type Address, RawPeer } from "./raw_peer.ts";
import { RawWorker } from "./raw_worker.ts";
import { PATIENCE_MS } from "./within.ts";

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

  private constructor(gateway: Gateway, log: LogCollector) {
    this.gateway = gateway;
    this.log = log;
    this.outer = gateway.outerAddr!;
    this.inner = gateway.innerAddr!;
  }

  /** Starts one. */
  static async start(options: GatewayOptions = {}): Promise<GatewayFixture> {
    const log = new LogCollector();
    const gateway = new Gateway({
      outerHost: "127.0.0.1",
      outerPort: 0,
      innerHost: "127.0.0.1",
      innerPort: 0,
      // The peers of most tests do not answer pings.
      workerTimeout: 0,
      logger: log,
      ...options,
    });
    await gateway.listen();
    return new GatewayFixture(gateway, log);
  }

  /** Attaches a worker or trigger that does nothing by itself. */
  attach(): Promise<RawWorker> {
    return RawWorker.attach(this.inner);
  }

  /** Attaches a worker that answers everything. */
  attachEcho(): Promise<EchoWorker> {
    return EchoWorker.attach(this.inner);
  }

  /** Connects a client that speaks {@linkcode Box}. */
  async connect(): Promise<TcpClient<BoxFields>> {
    const { hostname, port } = this.outer;
    const client = new TcpClient(Box, hostname, port, {
      timeout: PATIENCE_MS / 1000,
    });
    await client.connect();
    return client;
  }

  /** Connects a client that can send anything. */
  connectRaw(framing: Framing = Box): Promise<RawPeer> {
    return RawPeer.connect(framing, this.outer);
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
