// Client, for Deno: the one of the browsers, by TCP and TLS as well.

import { Client as PortableClient } from "./client.ts";
import type { Connector } from "./client_connection.ts";
import { openTcp } from "./tcp_connection.ts";

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
  /** What opens which addresses. */
  protected override get connectors(): Readonly<Record<string, Connector>> {
    return { ...super.connectors, "tcp:": openTcp, "tls:": openTcp };
  }
}
