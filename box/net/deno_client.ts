// Client, for Deno: the one of the browsers, by TCP and TLS as well.

import type { BoxClass } from "../box_class.ts";
import { BoxError } from "../errors.ts";
import { Client as PortableClient } from "./client.ts";
import {
  type Connector,
  openWebSocket,
  type WebSocketClass,
} from "./client_connection.ts";
import type { ClientOptions } from "./client_options.ts";
import { openTcp } from "./tcp_connection.ts";

/** Settings of the {@linkcode Client} for Deno. */
export interface DenoClientOptions extends ClientOptions {
  /**
   * Certificates of authorities to trust with `tls://` and `wss://`, beside those that Deno trusts,
   * in PEM. With `wss://` it needs Deno 2.5 or later.
   */
  caCerts?: string[];
}

/**
 * A client that stays connected: when the connection is lost it makes a new one, with growing
 * delays. It connects to `ws://` and `wss://`, and to `tcp://` and `tls://` with host and port.
 * `@maple/box/client` has the same for browsers and Node, without the latter two.
 *
 * @example A player
 * ```ts
 * import { Box, Client } from "@maple/box";
 *
 * async function play(): Promise<void> {
 *   await using client = new Client(Box);
 *   client.onConnect((session) => session.request({ cmd: 1, body: { token: "secret" } }));
 *   client.on(100, (box) => console.log("news:", box.text()));
 *   await client.connect("tcp://127.0.0.1:29000");
 *   const hand = await client.request({ cmd: 2 }, { retry: true });
 *   console.log(hand.json());
 * }
 * ```
 */
export class Client<F extends object> extends PortableClient<F> {
  readonly #caCerts: string[] | undefined;

  /**
   * Makes a client that is not connected yet.
   *
   * @param boxClass The class of the boxes that the server speaks.
   * @throws {BoxError} `option` when an option is out of its range; `schema` when the boxes have no
   * field `cmd`, which `heartbeatCmd` needs.
   */
  constructor(boxClass: BoxClass<F>, options: DenoClientOptions = {}) {
    super(boxClass, options);
    this.#caCerts = options.caCerts;
  }

  /** What opens which addresses. */
  protected override get connectors(): Readonly<Record<string, Connector>> {
    const caCerts = this.#caCerts;
    const openDenoTcp: Connector = (url, events, options) =>
      openTcp(url, events, { ...options, caCerts });
    return {
      ...super.connectors,
      "tcp:": openDenoTcp,
      "tls:": openDenoTcp,
      ...(caCerts ? { "wss:": trusting(caCerts) } : {}),
    };
  }
}

// Opens WebSockets that trust these authorities as well.
function trusting(caCerts: string[]): Connector {
  return async (url, events, options) => {
    if (/^2\.[0-4]\./.test(Deno.version.deno)) {
      throw new BoxError(
        "option",
        `Cannot connect to ${url}: caCerts with wss:// needs Deno 2.5 or later, this is ${Deno.version.deno}`,
      );
    }
    const client = Deno.createHttpClient({ caCerts });
    class TrustingSocket extends WebSocket {
      constructor(url: string, protocol: string) {
        // The types of Deno 2.4 know lists of protocols only.
        const settings = { protocols: [protocol], client };
        super(url, settings as unknown as string[]);
      }
    }
    try {
      return await openWebSocket(url, events, {
        ...options,
        webSocketClass: options.webSocketClass ??
          TrustingSocket as WebSocketClass,
      });
    } finally {
      client.close();
    }
  };
}
