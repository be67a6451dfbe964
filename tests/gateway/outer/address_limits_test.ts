// connsPerAddress, connectRate, deny and bans: who may connect as far as his address tells.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Box } from "@maple/box";
import { GatewayError, type GatewayOptions } from "@maple/gateway";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";
import { RawPeer } from "../../helpers/raw_peer.ts";
import { within } from "../../helpers/within.ts";

const utf8 = new TextEncoder();
const BOX = new Box({ cmd: 1, sn: 7, body: "hello" }).pack();

/** Whether a client is served. */
async function isServed(client: RawPeer): Promise<boolean> {
  try {
    await client.sendBytes(BOX);
  } catch {
    return false;
  }
  return await client.nextFrame() !== null;
}

/** A gateway with a worker, behind a proxy on this machine. */
async function startProxied(options: GatewayOptions) {
  const gateway = await GatewayFixture.start({
    proxyProtocol: "127.0.0.1",
    ...options,
  });
  const worker = await gateway.attachEcho();
  return {
    gateway,
    /** Connects for a client at this address. */
    async connect(ip: string): Promise<RawPeer> {
      const peer = await RawPeer.connect(Box, gateway.outer);
      const family = ip.includes(":") ? "TCP6" : "TCP4";
      const own = ip.includes(":") ? "::1" : "127.0.0.1";
      await peer.sendBytes(
        utf8.encode(`PROXY ${family} ${ip} ${own} 54321 29000\r\n`),
      );
      return peer;
    },
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

overTransports(
  "connsPerAddress closes one connection more of an address at once, until another has gone",
  async (start) => {
    await using gateway = await start({ connsPerAddress: 2 });
    await using _worker = await gateway.attachEcho();
    await using first = await gateway.connectRaw();
    await using second = await gateway.connectRaw();
    for (const one of [first, second]) assert(await isServed(one));
    assert(await gateway.refuses());
    assert(await gateway.refuses());
    first.close();
    await gateway.until(({ clients }) => clients === 1);
    await using third = await gateway.connectRaw();
    assert(await isServed(third));
    const { refusedByAddress, clientsRefused, limitedAddresses, addresses } =
      gateway.gateway.stats();
    assertEquals(refusedByAddress, {
      deny: 0,
      ban: 0,
      connsPerAddress: 2,
      connectRate: 0,
    });
    assertEquals([clientsRefused, addresses], [0, 1]);
    assertEquals(limitedAddresses, [{ address: "127.0.0.1", count: 2 }]);
    await gateway.log.line(
      /WARN limits of clients: 2 connections refused \(connsPerAddress\); most often 127\.0\.0\.1 \(2\)/,
    );
  },
);

overTransports(
  "connectRate closes connections of an address that come too fast",
  async (start) => {
    await using gateway = await start({ connectRate: 0.001 });
    await using _worker = await gateway.attachEcho();
    await using first = await gateway.connectRaw();
    assert(await isServed(first));
    assert(await gateway.refuses());
    assertEquals(gateway.gateway.stats().refusedByAddress.connectRate, 1);
    gateway.gateway.setLimits({ connectRate: 0 });
    await using second = await gateway.connectRaw();
    assert(await isServed(second));
  },
);

Deno.test("connsPerAddress does not make room for one that is refused", async () => {
  await using gateway = await GatewayFixture.start({
    connsMax: 2,
    connsPerAddress: 2,
  });
  await using _silent = await gateway.connectRaw();
  await using _other = await gateway.connectRaw();
  await gateway.until(({ clients }) => clients === 2);
  assert(await gateway.refuses());
  const { clients, clientsClosed } = gateway.gateway.stats();
  assertEquals([clients, clientsClosed.room], [2, 0]);
});

Deno.test("connsPerAddress counts a connection whose handshake is not done, and no more when that has failed", async () => {
  await using gateway = await GatewayFixture.start({
    connsPerAddress: 1,
    wsPort: 0,
  });
  const address = gateway.gateway.wsAddr!;
  const half = await Deno.connect(address as Deno.ConnectOptions);
  await gateway.until(({ handshakes }) => handshakes === 1);
  assert(await gateway.refuses());
  await half.write(utf8.encode("nonsense\r\n\r\n"));
  await gateway.until(({ handshakes }) => handshakes === 0);
  half.close();
  await using client = await gateway.connectRaw();
  await gateway.until(({ clients }) => clients === 1);
  client.close();
});

Deno.test("connsPerAddress behind a proxy counts its clients, of IPv6 by /64, and never the proxy", async () => {
  await using proxied = await startProxied({ connsPerAddress: 1 });
  const { gateway } = proxied;
  await using clients = new AsyncDisposableStack();
  const connect = async (ip: string) => clients.use(await proxied.connect(ip));
  for (let i = 1; i <= 30; i++) {
    assert(await isServed(await connect(`192.0.2.${i}`)));
  }
  assert(await isServed(await connect("2001:db8:0:1::1")));
  assert(await isServed(await connect("2001:db8:0:2::1")));
  // Of the proxy itself.
  for (let i = 0; i < 3; i++) {
    assert(await isServed(await connect("127.0.0.1")));
  }
  for (const ip of ["192.0.2.7", "2001:db8:0:1:ffff::2"]) {
    assertEquals(await isServed(await connect(ip)), false, ip);
  }
  const { clients: count, addresses, refusedByAddress, limitedAddresses } =
    gateway.gateway.stats();
  assertEquals([count, addresses], [35, 32]);
  assertEquals(refusedByAddress.connsPerAddress, 2);
  assertEquals(limitedAddresses.map(({ address }) => address).sort(), [
    "192.0.2.7",
    "2001:db8:0:1::/64",
  ]);
});

Deno.test("connsPerAddress and deny go by X-Forwarded-For, and answer 403", async () => {
  await using gateway = await GatewayFixture.start({
    proxyProtocol: "127.0.0.1",
    connsPerAddress: 1,
    deny: "198.51.100.0/24",
    wsPort: 0,
  });
  await using clients = new AsyncDisposableStack();
  const answer = async (client: string) => {
    const conn = clients.adopt(
      await Deno.connect(gateway.gateway.wsAddr! as Deno.ConnectOptions),
      async (conn) => await Promise.resolve(conn.close()),
    );
    await conn.write(utf8.encode(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
        `X-Forwarded-For: ${client}\r\n\r\n`,
    ));
    const bytes = new Uint8Array(1000);
    const count = await within(conn.read(bytes), "the answer") ?? 0;
    return new TextDecoder().decode(bytes.subarray(9, Math.min(count, 12)));
  };
  assertEquals(await answer("203.0.113.7"), "101");
  assertEquals(await answer("203.0.113.8"), "101");
  assertEquals(await answer("203.0.113.7"), "403");
  assertEquals(await answer("198.51.100.9"), "403");
  const { refusedByAddress, handshakesRefused } = gateway.gateway.stats();
  assertEquals(refusedByAddress, {
    deny: 1,
    ban: 0,
    connsPerAddress: 1,
    connectRate: 0,
  });
  assertEquals(handshakesRefused, { proxy: 0, tls: 0, ws: 0 });
});

overTransports("deny lets nobody with such an address in", async (start) => {
  await using gateway = await start({ deny: ["10.0.0.0/8", "127.0.0.1"] });
  assert(await gateway.refuses());
  gateway.gateway.renewDeny({ deny: "10.0.0.0/8" });
  await using _worker = await gateway.attachEcho();
  await using client = await gateway.connectRaw();
  assert(await isServed(client));
  const { refusedByAddress, denied } = gateway.gateway.stats();
  assertEquals([refusedByAddress.deny, denied], [1, 1]);
});

Deno.test("renewDeny() closes who is denied now and connected, and nobody else; what is wrong changes nothing", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "# nobody yet\n\n");
  await using proxied = await startProxied({ denyFile: file });
  const { gateway } = proxied;
  await using denied = await proxied.connect("192.0.2.7");
  await using other = await proxied.connect("192.0.3.7");
  for (const one of [denied, other]) assert(await isServed(one));
  await Deno.writeTextFile(file, "192.0.2.0/24 # a remark\n2001:db8::/32\n");
  gateway.gateway.renewDeny();
  assertEquals(await denied.nextFrame(), null);
  await gateway.log.line(
    /WARN client 1 at 192\.0\.2\.7:54321 closed: its address is denied/,
  );
  await using again = await proxied.connect("192.0.2.8");
  assertEquals(await isServed(again), false);
  assert(await isServed(other));
  await Deno.writeTextFile(file, "192.0.3.0/24\nnonsense\n");
  const error = assertThrows(() => gateway.gateway.renewDeny(), GatewayError);
  assertEquals(
    error.message,
    `denyFile "${file}", line 2: expected an address or range such as 192.0.2.7 or 10.0.0.0/8, got "nonsense"`,
  );
  assert(await isServed(other));
  const { clientsClosed, refusedByAddress } = gateway.gateway.stats();
  assertEquals([clientsClosed.barred, refusedByAddress.deny], [1, 1]);
  await Deno.remove(file);
  assertThrows(
    () => gateway.gateway.renewDeny(),
    GatewayError,
    `Cannot read denyFile "${file}"`,
  );
});

overTransports(
  "ban() closes who is connected and lets nobody in until it is ended",
  async (start, transport) => {
    await using gateway = await start();
    await using _worker = await gateway.attachEcho();
    await using client = await gateway.connectRaw();
    assert(await isServed(client));
    const { hostname, port } = gateway.address;
    await using half = await RawPeer.connect(Box, { hostname, port });
    if (transport !== "tcp") {
      await gateway.until(({ handshakes }) => handshakes === 1);
    } else await gateway.until(({ clients }) => clients === 2);
    gateway.gateway.ban({ address: "127.0.0.0/8", seconds: 3600 });
    assertEquals(await client.nextFrame(), null);
    assertEquals(await half.nextFrame(), null);
    assert(await gateway.refuses());
    const { bans, refusedByAddress, clientsClosed } = gateway.gateway.stats();
    assertEquals([bans, refusedByAddress.ban], [1, 1]);
    assertEquals(clientsClosed.barred, transport === "tcp" ? 2 : 1);
    gateway.gateway.ban({ address: "127.0.0.0/8", seconds: 0 });
    await using next = await gateway.connectRaw();
    assert(await isServed(next));
    assertEquals(gateway.gateway.stats().bans, 0);
  },
);

Deno.test("ban() says what it expects", async () => {
  await using gateway = await GatewayFixture.start();
  assertThrows(
    () => gateway.gateway.ban({ address: "nobody", seconds: 1 }),
    GatewayError,
    'A ban takes an address or a range such as 192.0.2.7 or 10.0.0.0/8, got "nobody"',
  );
  assertThrows(
    () => gateway.gateway.ban({ address: "192.0.2.7", seconds: -1 }),
    GatewayError,
    "The seconds of a ban must be a number from 0 to",
  );
});
