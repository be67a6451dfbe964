// haven behind proxies: a connection is that of the client that the proxy names.

import { assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import { RawPeer } from "../helpers/raw_peer.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";
import { HavenFixture } from "./haven_fixture.ts";

const HEADER = new TextEncoder().encode(
  "PROXY TCP4 192.0.2.7 127.0.0.1 54321 7777\r\n",
);

Deno.test("Haven: proxyProtocol names the client, over TCP and WebSocket; a missing header closes it", async () => {
  await using server = await HavenFixture.start(
    (app) =>
      app.route(
        1,
        (request) => request.writeToClient({ body: request.conn.address }),
      ),
    { proxyProtocol: ["127.0.0.0/8"], websocketPort: 0 },
  );
  const { addr, websocketAddr } = server.app;
  const connect = async ({ hostname, port }: Deno.NetAddr) => {
    const conn = await Deno.connect({ hostname, port });
    await conn.write(HEADER);
    return conn;
  };
  const web = await connect(websocketAddr!);
  for (
    const conn of [await connect(addr!), await WebSocketStream.over(web)]
  ) {
    await using client = new RawPeer(conn, Box);
    await client.sendBytes(new Box({ cmd: 1 }).pack());
    const answer = Box.fromFrame((await client.nextFrame())!);
    assertEquals(new TextDecoder().decode(answer.body), "192.0.2.7:54321");
  }
  const { hostname, port } = addr!;
  await using bare = new RawPeer(await Deno.connect({ hostname, port }), Box);
  await bare.sendBytes(new Box({ cmd: 1 }).pack());
  assertEquals(await bare.nextFrame(), null);
  await server.log.line(/^WARN proxy 127\.0\.0\.1:\d+ is refused: .*PROXY/);
});
