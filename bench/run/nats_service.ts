// NatsService: a nats-server with one service behind it, in a process of its own.

import { NatsServer } from "./nats_server.ts";
import { ifInstalled, Peer, type PeerKind } from "./peer.ts";
import { Program } from "./program.ts";

const SUBJECT = "echo";

/** A nats-server with a service that answers requests. */
export const NATS: PeerKind = {
  name: "NATS, 1 service",
  flags: { nats: SUBJECT },
  needs: () => "apt install nats-server",
  start: (_, state) =>
    ifInstalled(async () => {
      await using starting = new AsyncDisposableStack();
      const { port } = starting.use(await NatsServer.start(state));
      const args = [String(port), SUBJECT];
      starting.use(
        // Says so when the service has subscribed.
        await Program.deno("programs/peers/nats_service.ts", args, {
          ready: /^ready/,
        }),
      );
      return new Peer(port, starting.move());
    }),
};
