// Spoiled frames of WebSocket clients against whole servers: neither the others nor the memory
// notice.

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { randomFrames } from "../box/net/web_socket_fuzz.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { propertyTest } from "../helpers/random.ts";
import {
  clientFrame,
  handshake,
  WebSocketStream,
} from "../helpers/web_socket_stream.ts";

const CONNECTIONS = 600;
const FRAMES = 8;
const AT_A_TIME = 20;

propertyTest(
  "a gateway bears spoiled frames and spoiled handshakes, and serves the others",
  async (random) => {
    await using gateway = await GatewayFixture.start({}, "ws");
    await using _worker = await gateway.attachEcho();
    const { hostname, port } = gateway.gateway.wsAddr!;
    const addr = { hostname, port };
    await using good = await gateway.connectBox();
    const attack = async (seed: typeof random) => {
      if (seed.next() < 0.3) {
        const conn = await Deno.connect(addr);
        using stream = new WebSocketStream(conn);
        const head = new TextEncoder().encode(handshake());
        head[seed.between(0, head.length - 1)]! ^= 1 << seed.between(0, 7);
        await stream.writeRaw(head);
        await stream.closeWrite();
        while (await conn.read(new Uint8Array(1024)) !== null);
        return;
      }
      using stream = await WebSocketStream.open(addr);
      // Among them boxes, some of them cut.
      const box = new Box({ cmd: 1, body: seed.bytes(50) }).pack();
      await stream.writeRaw(clientFrame(2, box));
      await stream.writeRaw(randomFrames(seed, FRAMES));
      await stream.closeWrite();
      while (await stream.nextFrame());
    };
    for (let i = 0; i < CONNECTIONS; i += AT_A_TIME) {
      const attacks = Array.from({ length: AT_A_TIME }, () =>
        // A connection may be reset under it.
        attack(random.fork()).catch((error) => {
          if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
        }));
      const answers = (async () => {
        await good.write({ cmd: 1, sn: i, body: "unmoved" });
        assertEquals((await good.read())?.sn, i);
      })();
      await Promise.all([...attacks, answers]);
    }
    await gateway.until((stats) =>
      stats.clients === 1 && stats.handshakes === 0 && stats.queued === 0
    );
    const { clientsClosed, bufferBytes } = gateway.gateway.stats();
    assertEquals([clientsClosed.error, clientsClosed.outbox], [0, 0]);
    assertEquals(bufferBytes < 1_000_000, true, `${bufferBytes}`);
    assertEquals(
      gateway.log.lines.filter((line) => line.startsWith("ERROR")),
      [],
    );
  },
);
