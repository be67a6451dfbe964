// Clients over TLS that ends in the gateway, and over WebSockets in it.

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import { Worker } from "@maple/worker";
import { hasOpenssl, localCertificate } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import {
  GATEWAY_ALL_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { handoverTest } from "../helpers/handover_test_case.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";

/** A test of a handover with TLS, where there is openssl. */
export function securedTest(
  name: string,
  fn: (path: string) => Promise<void>,
): void {
  if (hasOpenssl) handoverTest(name, fn);
  else Deno.test({ name, ignore: true, fn() {} });
}

/** What clients over TLS connect with, and the flags of a gateway for them. */
export class Secured {
  /** The flags. */
  readonly flags: string[];
  readonly #tls: number;
  readonly #wss: number;
  readonly #authority: string;

  private constructor(
    path: string,
    { cert, key, authority }: Awaited<ReturnType<typeof localCertificate>>,
  ) {
    [this.#tls, this.#wss] = [freePort(), freePort()];
    this.#authority = authority;
    this.flags = [
      ...["--io", "epoll", "--handover", path],
      ...["--tls-port", `${this.#tls}`, "--wss-port", `${this.#wss}`],
      ...["--tls-cert", cert, "--tls-key", key],
    ];
  }

  /** With a path for the handover. */
  static async at(path: string): Promise<Secured> {
    return new Secured(path, await localCertificate());
  }

  /** A client over TLS. */
  async tls(): Promise<RawPeer> {
    return new RawPeer(await this.#connect(this.#tls), Box);
  }

  /** One over wss. */
  async wss(): Promise<RawPeer> {
    const conn = await this.#connect(this.#wss);
    return new RawPeer(await WebSocketStream.over(conn), Box);
  }

  /** Waits until the process that is the gateway now has opened the ports. */
  async #connect(port: number): Promise<Deno.TlsConn> {
    let conn: Deno.TlsConn | undefined;
    await eventually(async () => {
      conn = await Deno.connectTls({
        ...{ hostname: "localhost", port, caCerts: [this.#authority] },
      }).catch(() => undefined);
      return conn !== undefined;
    });
    return conn!;
  }
}

/**
 * A gateway with such clients in a cluster, of which the users 1 and 2 are logged in over wss and
 * TLS, and another gateway, at which there is a trigger.
 */
export async function securedCluster(
  path: string,
  nats: string,
  stack: AsyncDisposableStack,
): Promise<SecuredCluster> {
  const secured = await Secured.at(path);
  const flags = ["--cluster", nats, "--drain-timeout", "0"];
  const own = [...flags, ...secured.flags, "--linger", "0.5"];
  const start = async (flags: readonly string[]) =>
    stack.use(await startGatewayProcess(flags, GATEWAY_ALL_ARGS));
  const far = await start(flags);
  const first = await start(own);
  const worker = stack.use(new Worker(Box, { logger: SILENT }));
  worker.route(1, (request) => {
    request.loginClient(request.box.sn);
    return request.writeToClient({ body: request.box.body });
  });
  await worker.attach({ host: "127.0.0.1", port: first.innerPort });
  const trigger = stack.use(new Trigger(Box, "127.0.0.1", far.innerPort));
  const peers = [
    stack.use(await secured.wss()),
    stack.use(await secured.tls()),
  ];
  for (const [at, peer] of peers.entries()) await asks(peer, 1 + at);
  return { first, trigger, peers, next: () => start(own) };
}

/** Who is there, see {@linkcode securedCluster}. */
export interface SecuredCluster {
  /** The gateway of the clients. */
  readonly first: GatewayProcess;
  /** It is at the other one. */
  readonly trigger: Trigger;
  /** The clients. */
  readonly peers: readonly RawPeer[];
  /** Starts a process that takes the place of the gateway of the clients. */
  next(): Promise<GatewayProcess>;
}

/** Sends a request, and gets its answer. */
export async function asks(peer: RawPeer, sn: number): Promise<void> {
  const body = "x".repeat(sn * 1000);
  await peer.sendBytes(new Box({ cmd: 1, sn, body }).pack());
  const frame = await peer.nextFrame();
  assertEquals(frame && Box.fromFrame(frame).text(), body);
}
