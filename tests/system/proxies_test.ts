// HAProxy and nginx in front of a gateway: who its clients are then, and that the file of the
// README works as it stands there.

import { assert, assertEquals } from "@std/assert";
import { Box, TaskCmd } from "@maple/box";
import type { GatewayOptions } from "@maple/gateway";
import { hasOpenssl, localCertificate } from "../helpers/certificates.ts";
import { freePort } from "../helpers/free_port.ts";
import { connectTls, GatewayFixture } from "../helpers/gateway_fixture.ts";
import { pathOf } from "../helpers/paths.ts";
import { hasHaproxy, hasNginx, Proxy } from "../helpers/proxies.ts";
import { type PeerConn, RawPeer } from "../helpers/raw_peer.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";

const HOST = "127.0.0.1";
const BOX = new Box({ cmd: 1, sn: 7, body: "hello" }).pack();

function start(options: GatewayOptions = {}): Promise<GatewayFixture> {
  return GatewayFixture.start({ proxyProtocol: HOST, ...options });
}

/** Sends a box and gets it back, and sees that the gateway knows from which port it came. */
async function exchange(
  gateway: GatewayFixture,
  conn: PeerConn,
): Promise<void> {
  const { port } = conn.localAddr as Deno.NetAddr;
  await using client = new RawPeer(conn, Box);
  await client.sendBytes(BOX);
  assertEquals(await client.nextFrame(), BOX);
  await gateway.log.line(
    new RegExp(`client \\d+ at 127\\.0\\.0\\.1:${port} connected`),
  );
}

/** Nobody but so many real clients has come. */
async function assertClients(
  gateway: GatewayFixture,
  count: number,
): Promise<void> {
  await gateway.until(({ clients, handshakes }) => clients + handshakes === 0);
  const { clientsAccepted, handshakesRefused } = gateway.gateway.stats();
  assertEquals([clientsAccepted, handshakesRefused.proxy], [count, 0]);
  assertEquals(gateway.log.complaints, []);
}

for (
  const [version, line] of [[1, "send-proxy"], [2, "send-proxy-v2"]] as const
) {
  Deno.test({
    name: `clients behind HAProxy are who they are, by version ${version}`,
    ignore: !hasHaproxy,
    async fn() {
      await using gateway = await start({ wsPort: 0 });
      await using worker = await gateway.attachEcho();
      const [tcp, ws] = [freePort(), freePort()];
      const { outerAddr, wsAddr } = gateway.gateway;
      await using _proxy = await Proxy.haproxy(
        `defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen tcp
  bind ${HOST}:${tcp}
  server gateway ${HOST}:${outerAddr!.port} ${line} check inter 100ms
listen ws
  bind ${HOST}:${ws}
  server gateway ${HOST}:${wsAddr!.port} ${line} check inter 100ms
`,
        tcp,
      );
      for (let i = 0; i < 3; i++) {
        const conn = await Deno.connect({ hostname: HOST, port: tcp });
        await exchange(gateway, conn);
      }
      const address = { hostname: HOST, port: ws };
      await exchange(gateway, await WebSocketStream.open(address));
      // The first one was that of who looked whether the proxy listens.
      const created = worker.tasks.filter(({ cmd }) =>
        cmd === TaskCmd.CLIENT_CREATED
      );
      assert(created.length >= 4);
      await gateway.until(({ clients }) => clients === 0);
      assertEquals(gateway.log.complaints, []);
    },
  });
}

/** The block of the gateway's README in that language. */
function blockOf(language: string): string {
  const readme = Deno.readTextFileSync(pathOf("../../gateway/README.md"));
  const [, block] =
    new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "m").exec(readme) ?? [];
  if (block === undefined) throw new Error(`no block of ${language}`);
  return block;
}

Deno.test({
  name: "the file for HAProxy in the README ends TLS in front of both ports",
  ignore: !hasHaproxy || !hasOpenssl,
  async fn() {
    await using gateway = await start({ wsPort: 0 });
    await using worker = await gateway.attachEcho();
    const { cert, key } = await localCertificate();
    const pem = Deno.makeTempFileSync({
      prefix: "maple-test-",
      suffix: ".pem",
    });
    Deno.writeTextFileSync(
      pem,
      Deno.readTextFileSync(cert) + Deno.readTextFileSync(key),
    );
    const [tls, wss] = [freePort(), freePort()];
    const { outerAddr, wsAddr } = gateway.gateway;
    const changes: [string, string][] = [
      ["bind :29443 ", `bind ${HOST}:${tls} `],
      ["bind :443 ", `bind ${HOST}:${wss} `],
      [`${HOST}:29000 `, `${HOST}:${outerAddr!.port} `],
      [`${HOST}:29001 `, `${HOST}:${wsAddr!.port} `],
      ["/etc/haproxy/certs/", pem],
      ["/etc/haproxy/certs/", pem],
      ["maxconn 50000", "maxconn 100"],
    ];
    let config = blockOf("haproxy");
    for (const [from, to] of changes) {
      assert(config.includes(from), from);
      config = config.replace(from, to);
    }
    try {
      await using _proxy = await Proxy.haproxy(config, tls);
      const host = { hostname: HOST, port: tls };
      await exchange(gateway, await connectTls(host));
      await exchange(
        gateway,
        await WebSocketStream.over(
          await connectTls({ hostname: HOST, port: wss }),
        ),
      );
      // Of TLS that is never begun HAProxy tells nobody; of a health check no client comes.
      await assertClients(gateway, 2);
      assertEquals(
        worker.tasks.filter(({ cmd }) => cmd === TaskCmd.CLIENT_CREATED).length,
        2,
      );
    } finally {
      Deno.removeSync(pem);
    }
  },
});

Deno.test({
  name: "clients behind nginx are who they are, over TCP, TLS and HTTP",
  ignore: !hasNginx || !hasOpenssl,
  async fn() {
    const { cert, key } = await localCertificate();
    await using gateway = await start({
      wsPort: 0,
      tlsPort: 0,
      tlsCert: cert,
      tlsKey: key,
    });
    await using _worker = await gateway.attachEcho();
    const [tcp, ended, passed, http] = [0, 0, 0, 0].map(freePort) as [
      number,
      number,
      number,
      number,
    ];
    const { outerAddr, tlsAddr, wsAddr } = gateway.gateway;
    await using _proxy = await Proxy.nginx(
      `stream {
  proxy_protocol on;
  server { listen ${HOST}:${tcp}; proxy_pass ${HOST}:${outerAddr!.port}; }
  server {
    listen ${HOST}:${ended} ssl;
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    proxy_pass ${HOST}:${outerAddr!.port};
  }
  server { listen ${HOST}:${passed}; proxy_pass ${HOST}:${tlsAddr!.port}; }
}
http {
  access_log off;
  server {
    listen ${HOST}:${http};
    location / {
      proxy_pass http://${HOST}:${wsAddr!.port};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}`,
      tcp,
    );
    await exchange(
      gateway,
      await Deno.connect({ hostname: HOST, port: tcp }),
    );
    for (const port of [ended, passed]) {
      await exchange(gateway, await connectTls({ hostname: HOST, port }));
    }
    assertEquals(gateway.gateway.stats().acceptedOver.tls, 1);
    using web = await WebSocketStream.open({ hostname: HOST, port: http }, {
      // As if there were a proxy more, of ours.
      headers: { "X-Forwarded-For": "192.0.2.7" },
    });
    await gateway.log.line(/client \d+ at 192\.0\.2\.7:0 connected over ws/);
    web.close();
    await gateway.until(({ clients }) => clients === 0);
    assertEquals(gateway.log.complaints, []);
  },
});
