// Clients over TLS that ends in the gateway, and over WebSockets in it.

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { hasOpenssl, localCertificate } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
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

/** Sends a request, and gets its answer. */
export async function asks(peer: RawPeer, sn: number): Promise<void> {
  const body = "x".repeat(sn * 1000);
  await peer.sendBytes(new Box({ cmd: 1, sn, body }).pack());
  const frame = await peer.nextFrame();
  assertEquals(frame && Box.fromFrame(frame).text(), body);
}
