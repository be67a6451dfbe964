// The gateway's ports for TLS: names, protocols, handshakes, and certificates that change.

import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import { Gateway, GatewayError } from "@maple/gateway";
import {
  canServeTls,
  type CertificateFiles,
  CertificateFolder,
  localCertificate,
} from "../../helpers/certificates.ts";
import { connectTls, GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { RawPeer } from "../../helpers/raw_peer.ts";
import { within } from "../../helpers/within.ts";

const ignore = !canServeTls;
const BOX = new Box({ cmd: 1, sn: 7, body: "hello" }).pack();

function start(
  options: Parameters<typeof GatewayFixture.start>[0] = {},
): Promise<GatewayFixture> {
  return GatewayFixture.start(options, "tls");
}

/** The end of a connection that says nothing more. */
async function ended(conn: Deno.Conn): Promise<void> {
  assertEquals(
    await within(conn.read(new Uint8Array(1)), "the end of a connection"),
    null,
  );
  conn.close();
}

/** The name in the certificate that a client is shown which asks for `servername`. */
async function shownTo(
  { hostname, port }: { hostname: string; port: number },
  servername?: string,
): Promise<string> {
  const name = servername === undefined
    ? ["-noservername"]
    : ["-servername", servername];
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `${hostname}:${port}`, ...name],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
  const { stdout } = await child.output();
  const said = new TextDecoder().decode(stdout);
  return /^subject=.*CN ?= ?(\S+)$/m.exec(said)?.[1] ?? said;
}

Deno.test({
  name:
    "a push 1 ms after an answer over TLS does not wait for the client's acknowledgement",
  ignore,
  async fn() {
    await using gateway = await start();
    await using worker = await gateway.attach();
    await using client = await gateway.connectRaw();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    const gaps: number[] = [];
    for (let i = 0; i < 40; i++) {
      await client.sendBytes(BOX);
      const task = await worker.pull(TaskCmd.CLIENT_REQ);
      const pushed = (async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await worker.answer(task, BOX);
      })();
      await worker.answer(task, BOX);
      await client.nextFrame();
      const answered = performance.now();
      await client.nextFrame();
      gaps.push(performance.now() - answered);
      await pushed;
    }
    const median = gaps.toSorted((a, b) => a - b)[20]!;
    // With Nagle's algorithm it is 40 ms.
    assertLess(median, 25, gaps.join(" "));
  },
});

Deno.test({
  name:
    "tlsCert: of several certificates a client is shown the one for the name that it asks for",
  ignore,
  async fn() {
    using folder = await CertificateFolder.make();
    const one = await folder.sign("one", ["DNS:one.test"]);
    const two = await folder.sign("two", ["DNS:*.two.test"], { rsa: true });
    await using gateway = await start({
      tlsCert: [one.cert, two.cert],
      tlsKey: `${one.key}, ${two.key}`,
    });
    const { address } = gateway;
    assertEquals(await shownTo(address, "one.test"), "one");
    assertEquals(await shownTo(address, "a.two.test"), "two");
    assertEquals(await shownTo(address, "other.test"), "one");
    assertEquals(await shownTo(address), "one");
  },
});

Deno.test({
  name:
    "tlsPort and wssPort agree on their protocols, and refuse whoever wants others only",
  ignore,
  async fn() {
    await using gateway = await start({ wssPort: 0 });
    const { tlsAddr, wssAddr } = gateway.gateway;
    const agreed = async (addr: Deno.NetAddr, protocols?: string[]) => {
      const { hostname, port } = addr;
      const { authority } = await localCertificate();
      using conn = await Deno.connectTls({
        hostname,
        port,
        caCerts: [authority],
        ...(protocols && { alpnProtocols: protocols }),
      });
      return (await conn.handshake()).alpnProtocol;
    };
    assertEquals(await agreed(tlsAddr!, ["h2", "maple"]), "maple");
    assertEquals(await agreed(tlsAddr!), null);
    assertEquals(await agreed(wssAddr!, ["h2", "http/1.1"]), "http/1.1");
    await assertRejects(() => agreed(tlsAddr!, ["h2"]));
    await gateway.until(({ handshakesRefused }) => handshakesRefused.tls === 1);
  },
});

Deno.test({
  name: "tlsPort takes TLS 1.2 and 1.3, nothing older",
  ignore,
  async fn() {
    await using gateway = await start();
    const { hostname, port } = gateway.address;
    const spoken = async (version: string) => {
      const { success } = await new Deno.Command("openssl", {
        args: [
          ...["s_client", "-connect", `${hostname}:${port}`, version],
          // Debian's openssl would not even ask.
          ...["-cipher", "DEFAULT@SECLEVEL=0"],
        ],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      return success;
    };
    assertEquals(
      [
        await spoken("-tls1_1"),
        await spoken("-tls1_2"),
        await spoken("-tls1_3"),
      ],
      [false, true, true],
    );
  },
});

Deno.test({
  name:
    "handshakes of TLS count in connsMax, make room, and end with the gateway",
  ignore,
  async fn() {
    await using gateway = await start({ connsMax: 1 });
    await using _worker = await gateway.attachEcho();
    const stuck = await Deno.connect(gateway.address);
    await gateway.until(({ handshakes }) => handshakes === 1);
    await using client = await gateway.connectRaw();
    await client.sendBytes(BOX);
    assertEquals(await client.nextFrame(), BOX);
    await ended(stuck);
    const { clients, clientsClosed, clientsOver } = gateway.gateway.stats();
    assertEquals([clients, clientsClosed.room, clientsOver.tls], [1, 1, 1]);
    client.close();
    await gateway.until(({ clients }) => clients === 0);
    const last = await Deno.connect(gateway.address);
    await gateway.until(({ handshakes }) => handshakes === 1);
    await within(gateway.gateway.close(), "close()");
    await ended(last);
  },
});

Deno.test({
  name:
    "whoever speaks no TLS to tlsPort is counted and closed, without a warning",
  ignore,
  async fn() {
    await using gateway = await start();
    const conn = await Deno.connect(gateway.address);
    await conn.write(BOX);
    while (await within(conn.read(new Uint8Array(99)), "an end") !== null);
    conn.close();
    await gateway.until(({ handshakesRefused }) => handshakesRefused.tls === 1);
    await gateway.log.line(/DEBUG 127\.0\.0\.1:\d+ speaks no TLS: /);
    assertEquals(gateway.log.complaints, []);
    assertEquals(gateway.gateway.stats().clientsAccepted, 0);
  },
});

Deno.test({
  name:
    "certificates change under handshakes: none fails, nobody who is connected notices",
  ignore,
  async fn() {
    using folder = await CertificateFolder.make();
    const names = ["DNS:localhost", "IP:127.0.0.1"];
    const pairs = [
      await folder.sign("odd", names),
      await folder.sign("even", names),
    ];
    const of = ({ cert, key }: CertificateFiles) => ({
      tlsCert: cert,
      tlsKey: key,
    });
    await using gateway = await start(of(pairs[0]!));
    await using _worker = await gateway.attachEcho();
    const connect = () =>
      connectTls(gateway.address, { caCerts: [folder.authority] });
    await using steady = new RawPeer(await connect(), Box);
    const HANDSHAKES = 300;
    for (let i = 0; i < HANDSHAKES; i += 20) {
      const connecting = Array.from({ length: 20 }, connect);
      for (const pair of [...pairs, ...pairs]) {
        gateway.gateway.renewCertificates(of(pair));
        await steady.sendBytes(BOX);
        assertEquals(await steady.nextFrame(), BOX);
      }
      for (const conn of await Promise.all(connecting)) conn.close();
    }
    await gateway.until(({ acceptedOver, handshakes }) =>
      acceptedOver.tls === HANDSHAKES + 1 && handshakes === 0
    );
    assertEquals(gateway.gateway.stats().handshakesRefused.tls, 0);
    gateway.gateway.renewCertificates(of(pairs[1]!));
    assertEquals(await shownTo(gateway.address), "even");
  },
});

Deno.test({
  name:
    "renewCertificates() keeps those before when the new ones cannot be used, and tells which expire",
  ignore,
  async fn() {
    using folder = await CertificateFolder.make();
    const good = await folder.sign("good", ["DNS:localhost"]);
    await using gateway = await start({
      tlsCert: good.cert,
      tlsKey: good.key,
    });
    const cert = `${folder.path}/none`;
    const renewing = () =>
      Promise.resolve().then(() =>
        gateway.gateway.renewCertificates({ tlsCert: cert })
      );
    const error = await assertRejects(renewing, GatewayError);
    assert(error.message.startsWith(`cannot read the certificate "${cert}"`));
    gateway.gateway.renewCertificates();
    assertEquals(await shownTo(gateway.address), "good");
    assertEquals(gateway.log.complaints, []);
    const soon = await folder.sign("soon", ["DNS:localhost"], { days: 3 });
    gateway.gateway.renewCertificates({ tlsCert: soon.cert, tlsKey: soon.key });
    assertEquals(await shownTo(gateway.address), "soon");
    await gateway.log.line(
      /^WARN the certificate ".*soon\.crt" expires on \d{4}-\d\d-\d\d$/,
    );
  },
});

Deno.test("a gateway wants certificates for TLS, and TLS for certificates", () => {
  const cases: [object, string][] = [
    [
      { tlsPort: 0 },
      "TLS takes as many keys as certificates, at least one of each, got 0 (tlsCert) and 0 (tlsKey)",
    ],
    [
      { tlsCert: "a.crt", tlsKey: "a.key" },
      "Options tlsCert and tlsKey need a tlsPort or wssPort",
    ],
  ];
  for (const [options, expected] of cases) {
    let message = "";
    try {
      new Gateway(options);
    } catch (error) {
      message = (error as GatewayError).message;
    }
    assertEquals(message, expected);
  }
});
