// The gateway's port for WebSockets: the handshake, pings, the closing, and what is told of them.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import { prometheusText } from "../../../gateway/metrics/prometheus_text.ts";
import { reportOf } from "../../../gateway/metrics/report.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import {
  clientFrame,
  handshake,
  WebSocketStream,
} from "../../helpers/web_socket_stream.ts";
import { within } from "../../helpers/within.ts";

const utf8 = new TextEncoder();
const ONE_WS = { tcp: 0, ws: 1, tls: 0, wss: 0 };
const BOX = new Box({ cmd: 1, sn: 7, body: "hello" }).pack();

function start(
  options: Parameters<typeof GatewayFixture.start>[0] = {},
): Promise<GatewayFixture> {
  return GatewayFixture.start(options, "ws");
}

function open(
  { gateway }: GatewayFixture,
  request: Parameters<typeof WebSocketStream.open>[1] = {},
): Promise<WebSocketStream> {
  return WebSocketStream.open(gateway.wsAddr!, request);
}

/** Sends bytes and reads all that comes. */
async function exchange(
  { gateway }: GatewayFixture,
  bytes: string,
): Promise<string> {
  const { hostname, port } = gateway.wsAddr!;
  using conn = await Deno.connect({ hostname, port });
  await conn.write(utf8.encode(bytes));
  const response = new Response(conn.readable, {});
  return await within(response.text(), "the end of a connection");
}

Deno.test("a WebSocket is a client once its handshake is done", async () => {
  await using gateway = await start();
  await using worker = await gateway.attach();
  const { hostname, port } = gateway.gateway.wsAddr!;
  using half = await Deno.connect({ hostname, port });
  await half.write(utf8.encode(handshake().slice(0, 40)));
  await gateway.until(({ handshakes }) => handshakes === 1);
  assertEquals(gateway.gateway.stats().clients, 0);
  await half.write(utf8.encode(handshake().slice(40)));
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals([...created.clientIp].slice(0, 4), [127, 0, 0, 1]);
  const { handshakes, clientsOver, acceptedOver } = gateway.gateway.stats();
  assertEquals(handshakes, 0);
  assertEquals([clientsOver, acceptedOver], [ONE_WS, ONE_WS]);
  await using _tcp = await gateway.connect();
  await gateway.until(({ clients }) => clients === 2);
  const report = reportOf(gateway.gateway);
  assertEquals(report.stats.clientsOver, { ...ONE_WS, tcp: 1 });
  assertEquals(report.ws, `127.0.0.1:${port}`);
  const text = prometheusText(report).toString();
  assertStringIncludes(
    text,
    'maple_gateway_clients_by_transport{transport="ws"} 1',
  );
  assertStringIncludes(text, "maple_gateway_handshakes 0");
});

Deno.test("a WebSocket that closes is counted off", async () => {
  await using gateway = await start();
  const stream = await open(gateway);
  await gateway.until(({ clientsOver }) => clientsOver.ws === 1);
  stream.close();
  await gateway.until(({ clientsOver }) => clientsOver.ws === 0);
  assertEquals(gateway.gateway.stats().acceptedOver, ONE_WS);
});

Deno.test("wsPath and wsOrigins let in whom they name, and tell others why not", async () => {
  await using gateway = await start({
    wsPath: "/play",
    wsOrigins: "https://game.example",
  });
  const origin = (Origin: string) => ({ path: "/play", headers: { Origin } });
  using program = await open(gateway, { path: "/play?token=1" });
  using page = await open(gateway, origin("https://game.example"));
  assertEquals(page.head.split("\r\n")[0], "HTTP/1.1 101 Switching Protocols");
  const elsewhere = await exchange(gateway, handshake({ path: "/other" }));
  assertStringIncludes(elsewhere, "HTTP/1.1 404 Not Found");
  assertStringIncludes(elsewhere, "there is nothing at /other");
  const evil = await exchange(
    gateway,
    handshake(origin("https://evil.example")),
  );
  assertStringIncludes(evil, "HTTP/1.1 403 Forbidden");
  assertStringIncludes(evil, "pages of https://evil.example may not connect");
  const visit = await exchange(
    gateway,
    "GET /play HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  assertStringIncludes(visit, "HTTP/1.1 426 Upgrade Required");
  assertStringIncludes(visit, "this port is for WebSockets");
  await gateway.until((stats) => stats.handshakesRefused.ws === 3);
  assertEquals(gateway.gateway.stats().acceptedOver.ws, 2);
  assertEquals(gateway.log.complaints, []);
  program.close();
});

Deno.test("the start says that pages of any origin may come, and only then", async () => {
  const said = /pages of any origin .*wsOrigins/;
  await using open = await start();
  await using closed = await start({ wsOrigins: "https://game.example" });
  await using none = await GatewayFixture.start();
  assertEquals(
    [open, closed, none].map(({ log }) =>
      log.lines.filter((line) => said.test(line)).length
    ),
    [1, 0, 0],
  );
  assertEquals(none.gateway.wsAddr, undefined);
});

Deno.test("handshakes under way count in connsMax, and make room", async () => {
  await using gateway = await start({ connsMax: 2 });
  await using _worker = await gateway.attachEcho();
  const { hostname, port } = gateway.gateway.wsAddr!;
  using stuck = await Deno.connect({ hostname, port });
  await stuck.write(utf8.encode("GET / HTTP/1.1\r\n"));
  await gateway.until(({ handshakes }) => handshakes === 1);
  using first = await open(gateway);
  await first.write(BOX);
  assert(await first.read(new Uint8Array(100)));
  using second = await open(gateway);
  await second.write(BOX);
  assert(await second.read(new Uint8Array(100)));
  assertEquals(await within(stuck.read(new Uint8Array(1)), "its end"), null);
  const { clients, handshakes, clientsClosed } = gateway.gateway.stats();
  assertEquals([clients, handshakes, clientsClosed.room], [2, 0, 1]);
  // Both are somebody: there is no more room.
  assertEquals(await exchange(gateway, handshake()), "");
  assertEquals(gateway.gateway.stats().clientsRefused, 1);
});

Deno.test("a gateway that leaves ends handshakes under way", async () => {
  await using gateway = await start();
  const { hostname, port } = gateway.gateway.wsAddr!;
  using stuck = await Deno.connect({ hostname, port });
  await stuck.write(utf8.encode("GET / HTTP/1.1\r\n"));
  await gateway.until(({ handshakes }) => handshakes === 1);
  await within(gateway.gateway.close(), "close()");
  assertEquals(await stuck.read(new Uint8Array(1)), null);
  assertEquals(gateway.gateway.stats().acceptedOver.ws, 0);
});

Deno.test("wsPing closes who answers no ping, and nobody who does", async () => {
  await using gateway = await start({ wsPing: 0.1 });
  using alive = await open(gateway);
  using dead = await open(gateway);
  const reading = alive.read(new Uint8Array(1));
  await gateway.until(({ clientsClosed }) => clientsClosed.idle === 1);
  // Two pings were sent to it, and then why it is closed.
  for (const opcode of [9, 9, 8]) {
    assertEquals((await dead.nextFrame())?.opcode, opcode);
  }
  await gateway.log.line(/WARN .* no sign of life over two pings, 0.1 s each/);
  await gateway.until(() => alive.controls.length > 6);
  assertEquals(gateway.gateway.stats().clients, 1);
  alive.close();
  await reading.catch(() => {});
});

Deno.test("wsPing does not hold against a client that it is not read from", async () => {
  await using gateway = await start({ wsPing: 0.1, clientQueueMax: 1 });
  using client = await open(gateway);
  using other = await open(gateway);
  client.answersPings = other.answersPings = false;
  const pings = client.read(new Uint8Array(1)).catch(() => null);
  await client.write(BOX);
  await gateway.until(({ clientPauses }) => clientPauses === 1);
  await gateway.until(({ clientsClosed }) => clientsClosed.idle === 1);
  await gateway.until(() => client.controls.length > 6);
  assertEquals(gateway.gateway.stats().clientsClosed.idle, 1);
  await using _worker = await gateway.attachEcho();
  assertEquals(await pings, 1);
});

Deno.test("pings make nobody known: a silent WebSocket still makes room", async () => {
  await using gateway = await start({ wsPing: 0.05, connsMax: 1 });
  using silent = await open(gateway);
  const ended = silent.read(new Uint8Array(1)).catch(() => null);
  await gateway.until(() => silent.controls.length > 2);
  using _next = await open(gateway);
  assertEquals(await within(ended, "the end of the silent one"), null);
  assertEquals(gateway.gateway.stats().clientsClosed.room, 1);
});

Deno.test("a close frame is answered, whoever is first, and ends the connection", async () => {
  await using gateway = await start();
  await using worker = await gateway.attach();
  using first = await open(gateway);
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await first.writeRaw(clientFrame(8, Uint8Array.of(0x0f, 0xa1, 0x62)));
  assertEquals(await first.read(new Uint8Array(1)), null);
  assertEquals([first.closeCode, first.closeReason], [4001, ""]);
  await worker.pull(TaskCmd.CLIENT_CLOSED);
  await gateway.log.line(/closed by the other side \(4001, "b"\)/);

  using second = await open(gateway);
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
  assertEquals(await second.read(new Uint8Array(1)), null);
  assertEquals(second.closeCode, 1000);
});

Deno.test("a WebSocket of a browser is let in, with the protocol that it offers", async () => {
  await using gateway = await start();
  await using _worker = await gateway.attachEcho();
  const { port } = gateway.gateway.wsAddr!;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ["other", "maple"]);
  socket.binaryType = "arraybuffer";
  const answer = new Promise<ArrayBuffer>((resolve) =>
    socket.onmessage = ({ data }) => resolve(data)
  );
  const ended = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  await within(
    new Promise((resolve) => socket.onopen = resolve),
    "the opening",
  );
  assertEquals([socket.protocol, socket.extensions], ["maple", ""]);
  socket.send(BOX as Uint8Array<ArrayBuffer>);
  assertEquals(new Uint8Array(await within(answer, "an answer")), BOX);
  const closing = gateway.gateway.closeNow();
  assertEquals((await within(ended, "the end")).code, 1001);
  await within(closing, "closeNow()");
});
