// proxyProtocol: connections from a proxy are those of the clients that it names.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import type { GatewayOptions } from "@maple/gateway";
import { canServeTls, localCertificate } from "../../helpers/certificates.ts";
import { GatewayFixture, isOverTls } from "../../helpers/gateway_fixture.ts";
import { type PeerConn, RawPeer } from "../../helpers/raw_peer.ts";
import { WebSocketStream } from "../../helpers/web_socket_stream.ts";
import { within } from "../../helpers/within.ts";

const utf8 = new TextEncoder();
const BOX = new Box({ cmd: 1, sn: 7, body: "hello" }).pack();
const V1 = utf8.encode("PROXY TCP4 192.0.2.7 127.0.0.1 54321 29000\r\n");
// Of version 2: for [2001:db8::7]:54321, and for itself.
const SIGNATURE = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
const V2 = Uint8Array.of(
  ...SIGNATURE,
  ...[0x21, 0x21, 0, 36],
  ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
  ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
  ...[0xd4, 0x31, 0x71, 0x48],
);
const LOCAL = Uint8Array.of(...SIGNATURE, 0x20, 0, 0, 0);

function start(options: GatewayOptions = {}): Promise<GatewayFixture> {
  return GatewayFixture.start({ proxyProtocol: "127.0.0.1", ...options });
}

async function connect(
  address: Deno.NetAddr,
  header: Uint8Array,
): Promise<Deno.TcpConn> {
  const { hostname, port } = address;
  const conn = await Deno.connect({ hostname, port });
  await conn.write(header);
  return conn;
}

/** Until the gateway has closed a connection. */
async function ended(conn: Deno.Conn): Promise<void> {
  assertEquals(
    await within(conn.read(new Uint8Array(1)), "the end of a connection"),
    null,
  );
  conn.close();
}

const TRANSPORTS = ["tcp", "ws", "tls", "wss"] as const;
const HEADERS = [
  ["1", V1, "192.0.2.7", "192.0.2.7:54321"],
  ["2", V2, "2001:db8::7", "[2001:db8::7]:54321"],
] as const;

for (const transport of TRANSPORTS) {
  for (const [version, header, ip, address] of HEADERS) {
    Deno.test({
      name:
        `proxyProtocol: clients are who version ${version} says, over ${transport}`,
      ignore: isOverTls(transport) && !canServeTls,
      async fn() {
        const isTls = isOverTls(transport);
        const { cert, key, authority } = isTls
          ? await localCertificate()
          : { cert: "", key: "", authority: "" };
        await using gateway = await start({
          ...(transport === "ws" && { wsPort: 0 }),
          ...(isTls && {
            [`${transport}Port`]: 0,
            tlsCert: cert,
            tlsKey: key,
          }),
        });
        await using worker = await gateway.attach();
        const { outerAddr, wsAddr, tlsAddr, wssAddr } = gateway.gateway;
        const at = { tcp: outerAddr, ws: wsAddr, tls: tlsAddr, wss: wssAddr };
        const raw = await connect(at[transport]!, header);
        const secure: Deno.Conn = isTls
          ? await Deno.startTls(raw, {
            hostname: "localhost",
            caCerts: [authority],
          })
          : raw;
        const conn: PeerConn = transport.startsWith("ws")
          ? await WebSocketStream.over(secure)
          : secure as PeerConn;
        await using client = new RawPeer(conn, Box);
        await client.sendBytes(BOX);
        const created = await worker.pull(TaskCmd.CLIENT_CREATED);
        assertEquals(created.clientAddress.startsWith(ip), true);
        const task = await worker.pull(TaskCmd.CLIENT_REQ);
        assertEquals(task.clientAddress.startsWith(ip), true);
        const said = `DEBUG client 1 at ${address} connected over ${transport}`;
        assert(gateway.log.lines.includes(said), gateway.log.lines.join("\n"));
        assertEquals(gateway.gateway.stats().clientsOver[transport], 1);
      },
    });
  }
}

Deno.test("proxyProtocol: who is not listed is served as it is, whatever it claims", async () => {
  await using gateway = await start({ proxyProtocol: "10.0.0.0/8, ::1" });
  await using worker = await gateway.attach();
  await using client = await gateway.connectRaw();
  await client.sendBytes(BOX);
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(created.clientAddress, "127.0.0.1");
  const claims = await connect(gateway.gateway.outerAddr!, V1);
  await ended(claims);
  // To it, that was a box.
  await gateway.until(({ clientsClosed }) => clientsClosed.frame === 1);
});

Deno.test("proxyProtocol: a missing, broken or too long header closes the connection with one line", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [BOX, /does not begin with a PROXY header/],
    [utf8.encode("PROXY TCP4 1.2.3.4\r\n"), /its PROXY header is wrong/],
    [utf8.encode(`PROXY ${"x".repeat(600)}`), /is longer than 107 bytes/],
    [Uint8Array.of(...SIGNATURE, 0x21, 0x11, 9, 9), /longer than 536 bytes/],
  ];
  for (const [header, message] of cases) {
    await using gateway = await start();
    const { outerAddr } = gateway.gateway;
    await ended(await connect(outerAddr!, header));
    const { clients, clientsAccepted, handshakes, handshakesRefused } = gateway
      .gateway.stats();
    assertEquals([clients, clientsAccepted, handshakes], [0, 0, 0]);
    assertEquals(handshakesRefused, { proxy: 1, tls: 0, ws: 0 });
    assertEquals(gateway.log.complaints.length, 1);
    const [line] = gateway.log.complaints;
    assert(/^WARN proxy 127\.0\.0\.1:\d+ is refused: /.test(line!), line);
    assert(message.test(line!), line);
    assert(line!.endsWith("(proxyProtocol)"), line);
  }
});

Deno.test("proxyProtocol: a header that is cut off is told, a look whether somebody is there is not", async () => {
  await using gateway = await start();
  const { outerAddr } = gateway.gateway;
  for (const header of [new Uint8Array(), LOCAL]) {
    const conn = await connect(outerAddr!, header);
    await gateway.until(({ handshakes }) => handshakes === 1);
    await conn.closeWrite();
    await ended(conn);
    await gateway.until(({ handshakes }) => handshakes === 0);
  }
  assertEquals(gateway.log.complaints, []);
  const { clientsAccepted, handshakesRefused } = gateway.gateway.stats();
  assertEquals([clientsAccepted, handshakesRefused.proxy], [0, 0]);
  const cut = await connect(outerAddr!, V2.subarray(0, 20));
  cut.close();
  await gateway.log.line(/closed before its PROXY header was whole/);
});

Deno.test("proxyProtocol: a proxy for HTTP names the client of a WebSocket by X-Forwarded-For", async () => {
  await using gateway = await start({
    proxyProtocol: "127.0.0.1,10.0.0.0/8",
    wsPort: 0,
  });
  await using worker = await gateway.attach();
  const { hostname, port } = gateway.gateway.wsAddr!;
  const open = (headers: Record<string, string>) =>
    WebSocketStream.open({ hostname, port }, { headers });
  using web = await open({
    "X-Forwarded-For": "1.1.1.1, 2001:db8::7, 10.1.2.3",
  });
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(created.clientAddress, "2001:db8::7");
  await assertRejects(() => open({}), Error, "400 Bad Request");
  await assertRejects(() => open({ "X-Forwarded-For": "unknown" }));
  await gateway.until(({ handshakesRefused }) => handshakesRefused.proxy === 2);
  await gateway.log.line(/WARN proxy 127\.0\.0\.1:\d+ .*X-Forwarded-For/);
  // Over TCP that is nothing.
  await ended(
    await connect(gateway.gateway.outerAddr!, utf8.encode("GET / HTTP/1.1")),
  );
  await gateway.until(({ handshakesRefused }) => handshakesRefused.proxy === 3);
  web.close();
});

Deno.test("X-Forwarded-For counts only from listed proxies", async () => {
  await using gateway = await start({ proxyProtocol: "10.0.0.0/8", wsPort: 0 });
  await using worker = await gateway.attach();
  const { hostname, port } = gateway.gateway.wsAddr!;
  using _web = await WebSocketStream.open({ hostname, port }, {
    headers: { "X-Forwarded-For": "192.0.2.7" },
  });
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(created.clientAddress, "127.0.0.1");
});

Deno.test("proxyProtocol: a proxy may speak for itself", async () => {
  await using gateway = await start();
  await using worker = await gateway.attach();
  const conn = await connect(gateway.gateway.outerAddr!, LOCAL);
  await conn.write(BOX);
  const created = await worker.pull(TaskCmd.CLIENT_CREATED);
  assertEquals(created.clientAddress, "127.0.0.1");
  await worker.pull(TaskCmd.CLIENT_REQ);
  conn.close();
});

Deno.test("proxyProtocol: who has not told a header yet counts in connsMax, and makes room", async () => {
  await using gateway = await start({ connsMax: 1 });
  await using worker = await gateway.attach();
  const { outerAddr } = gateway.gateway;
  const stuck = await connect(outerAddr!, V1.subarray(0, 10));
  await gateway.until(({ handshakes }) => handshakes === 1);
  const client = await connect(outerAddr!, V1);
  await client.write(BOX);
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await worker.pull(TaskCmd.CLIENT_REQ);
  await ended(stuck);
  // It is somebody: there is no more room.
  await ended(await connect(outerAddr!, V1));
  const { clientsClosed, clientsRefused } = gateway.gateway.stats();
  assertEquals([clientsClosed.room, clientsRefused], [1, 1]);
  client.close();
});

Deno.test("proxyProtocol: a gateway that leaves ends those who have told nothing", async () => {
  await using gateway = await start();
  const stuck = await connect(gateway.gateway.outerAddr!, V1.subarray(0, 10));
  await gateway.until(({ handshakes }) => handshakes === 1);
  await within(gateway.gateway.close(), "close()");
  await ended(stuck);
});
