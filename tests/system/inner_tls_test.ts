// Workers and triggers over TLS, which HAProxy ends in front of a gateway's inner port.

import { assertEquals } from "@std/assert";
import { Box, Task, TaskCmd } from "@maple/box";
import { type ListedGateway, SILENT } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import { Worker } from "@maple/worker";
import {
  CertificateFolder,
  hasOpenssl,
  localCertificate,
} from "../helpers/certificates.ts";
import { freePort } from "../helpers/free_port.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { pathOf } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { runProcess } from "../helpers/process.ts";
import { ALL_SECRETS, SECRETS } from "../helpers/proven_worker.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import { hasHaproxy, Proxy } from "../helpers/proxies.ts";

const host = "127.0.0.1";
const ignore = !hasHaproxy || !hasOpenssl;

interface Terminator extends AsyncDisposable {
  readonly port: number;
  readonly caCerts: string[];
}

/** HAProxy in front of the inner port of a gateway. */
async function endTls({ inner }: GatewayFixture): Promise<Terminator> {
  const { cert, key, authority } = await localCertificate();
  const folder = Deno.makeTempDirSync({ prefix: "maple-test-" });
  const pem = `${folder}/local.pem`;
  Deno.writeTextFileSync(
    pem,
    Deno.readTextFileSync(cert) + Deno.readTextFileSync(key),
  );
  const port = freePort();
  const proxy = await Proxy.haproxy(
    `defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen inner
  bind ${host}:${port} ssl crt ${pem}
  server gateway ${host}:${inner.port}
`,
    port,
  );
  return {
    port,
    caCerts: [authority],
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      Deno.removeSync(folder, { recursive: true });
    },
  };
}

for (const secret of [undefined, SECRETS.worker]) {
  Deno.test({
    name: `a worker ${
      secret ? "with" : "without"
    } a secret serves a gateway over TLS, and leaves it in order`,
    ignore,
    async fn() {
      await using gateway = await GatewayFixture.start(
        secret ? { innerSecrets: ALL_SECRETS } : {},
      );
      await using tls = await endTls(gateway);
      const log = new LogCollector();
      const app = new Worker(Box, { logger: log });
      app.route(
        1,
        (request) => request.writeToClient({ body: request.box.body }),
      );
      await app.attach({
        host,
        port: tls.port,
        tls: { caCerts: tls.caCerts },
        ...(secret && { secret }),
        concurrency: 16,
      });
      await using client = await gateway.connect();
      const COUNT = 500;
      const bodies: string[] = [];
      const reading = (async () => {
        while (bodies.length < COUNT) {
          bodies.push((await client.read())!.text());
        }
      })();
      for (let i = 0; i < COUNT; i++) {
        await client.write({ cmd: 1, body: `${i}` });
      }
      await reading;
      assertEquals(bodies, Array.from({ length: COUNT }, (_, i) => `${i}`));
      const big = "x".repeat(500_000);
      await client.write({ cmd: 1, body: big });
      assertEquals((await client.read())?.text(), big);
      await app.close();
      await gateway.until(({ workers }) => workers === 0);
      const { redelivered, givenUp } = gateway.gateway.stats();
      assertEquals([redelivered, givenUp], [0, 0]);
      assertEquals([log.complaints, gateway.log.complaints], [[], []]);
    },
  });
}

Deno.test({
  name:
    "a worker does not attach over TLS to whom it does not trust, and says why",
  ignore,
  async fn() {
    using other = await CertificateFolder.make();
    await using gateway = await GatewayFixture.start();
    await using tls = await endTls(gateway);
    const cases: [number, string[], RegExp][] = [
      [tls.port, [other.authority], /^WARN cannot reach gateway .*certificate/],
      // It is no TLS.
      [gateway.inner.port, tls.caCerts, /^WARN cannot reach gateway /],
    ];
    for (const [port, caCerts, line] of cases) {
      const log = new LogCollector();
      const app = new Worker(Box, { logger: log });
      const attaching = app.attach({ host, port, tls: { caCerts } });
      await log.line(line);
      await app.close();
      await attaching;
    }
    assertEquals(gateway.gateway.stats().workers, 0);
  },
});

Deno.test({
  name: "a trigger sends over TLS, in a program and from the command line",
  ignore,
  async fn() {
    await using gateway = await GatewayFixture.start();
    await using worker = await gateway.attach();
    await using tls = await endTls(gateway);
    const { port, caCerts } = tls;
    const at = { host, port, tls: { caCerts } };
    const trigger = new Trigger(Box, [at], { logger: SILENT });
    for (let i = 0; i < 3; i++) await trigger.writeToWorker({ body: `${i}` });
    assertEquals(await trigger.close(), true);
    for (let i = 0; i < 3; i++) {
      const task = await worker.pull(TaskCmd.WRITE_TO_WORKER);
      assertEquals(
        new TextDecoder().decode(Box.fromFrame(task.body).body),
        `${i}`,
      );
    }
    const distrusts = new Trigger(Box, [{ host, port, tls: {} }], {
      logger: SILENT,
      ensure: false,
    });
    assertEquals(await distrusts.writeToWorker({ body: "?" }), false);
    await distrusts.close();
    const file = Deno.makeTempFileSync({ prefix: "maple-test-" });
    Deno.writeTextFileSync(file, caCerts[0]!);
    const run = (...flags: string[]) =>
      runProcess(Deno.execPath(), {
        args: [
          ...[...runArgs("trigger"), pathOf("../../trigger/mod.ts")],
          ...["write-to-worker", "--body", "4", "--port", `${port}`, ...flags],
        ],
      });
    try {
      assertEquals((await run("--tls-ca", file)).code, 0);
      await worker.pull(TaskCmd.WRITE_TO_WORKER);
      const { code, stderr } = await run("--tls", "--timeout", "1");
      assertEquals([code, stderr.includes("certificate")], [1, true], stderr);
      assertEquals((await run("--tls-ca", "/none")).code, 2);
    } finally {
      Deno.removeSync(file);
    }
  },
});

Deno.test({
  name: "the tls of a gateway holds for those of its cluster that it tells of",
  ignore: !hasOpenssl,
  async fn() {
    const { cert, key, authority } = await localCertificate();
    const listen = () =>
      Deno.listenTls({
        ...{ hostname: host, port: 0 },
        cert: Deno.readTextFileSync(cert),
        key: Deno.readTextFileSync(key),
      });
    const first = listen();
    using second = listen();
    const gateways = [first, second].map((
      { addr: { port } },
      node,
    ): ListedGateway => ({
      ...{ node, inner: `${host}:${port}`, state: "serving" },
    }));
    const letIn = async (listener: Deno.TlsListener, node: number) => {
      const peer = new RawWorker(await listener.accept(), Task);
      await peer.greet({ node, tag: node + 1, cluster: "maple", gateways });
      return peer;
    };
    const app = new Worker(Box, { logger: new LogCollector() });
    const tls = { caCerts: [authority] };
    const { port } = first.addr;
    const attached = app.attach({ host, port, tls });
    await using _one = await letIn(first, 0);
    await using _two = await letIn(second, 1);
    await attached;
    assertEquals(app.stats().gateways.map(({ attached }) => attached), [
      true,
      true,
    ]);

    const trigger = new Trigger(Box, [{ host, port, tls }], { logger: SILENT });
    const connected = trigger.connect();
    const three = await letIn(first, 0);
    assertEquals(await connected, true);
    first.close();
    await three[Symbol.asyncDispose]();
    // Until it has noticed that the first one is gone.
    let isIn = false;
    const sending = (async () => {
      for (; !isIn; await new Promise((next) => setTimeout(next, 10))) {
        await trigger.closeUsers([1]);
      }
    })();
    await using four = await letIn(second, 1);
    isIn = true;
    assertEquals((await four.next())?.cmd, TaskCmd.CLOSE_USERS);
    await sending;
    four.close();
    assertEquals(await trigger.close(), false);
    _one.close();
    _two.close();
    await app.close();
  },
});
