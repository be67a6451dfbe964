// Gateways that show real nats-servers who they are: credentials files, certificates.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GatewayError, type GatewayOptions } from "@maple/gateway";
import { canServeTls, CertificateFolder } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { natsAccount } from "../../helpers/nats_accounts.ts";
import { hasNatsServer, NatsServer } from "../../helpers/nats_server.ts";
import { SecretFile } from "../../helpers/secret_file.ts";

async function meet(options: GatewayOptions): Promise<void> {
  await using a = await GatewayFixture.start(options);
  await using b = await GatewayFixture.start(options);
  for (const { gateway } of [a, b]) {
    await eventually(() => gateway.stats().cluster?.gateways.length === 2);
    assertEquals(gateway.stats().cluster?.state, "whole");
  }
}

async function refusal(options: GatewayOptions): Promise<string> {
  const { message } = await assertRejects(
    () => GatewayFixture.start(options),
    GatewayError,
  );
  return message;
}

Deno.test({
  name: "gateways show a credentials file, and one without it is refused",
  ignore: !hasNatsServer,
  fn: async () => {
    const { config, creds } = natsAccount();
    await using conf = new SecretFile(config);
    await using own = new SecretFile(creds);
    await using other = new SecretFile(natsAccount().creds);
    await using server = await NatsServer.start({ args: ["-c", conf.path] });
    const cluster = server.url;
    await meet({ cluster, clusterCreds: own.path });
    const refused =
      `the NATS server at 127.0.0.1:${server.port} cannot be used: Authorization Violation`;
    assertEquals(await refusal({ cluster, clusterCreds: other.path }), refused);
    assertEquals(await refusal({ cluster }), refused);
  },
});

Deno.test({
  name: "gateways go over TLS, and trust nobody else than they are told",
  ignore: !hasNatsServer || !canServeTls,
  fn: async () => {
    using folder = await CertificateFolder.make();
    using stranger = await CertificateFolder.make();
    const own = await folder.sign("nats", ["DNS:localhost", "IP:127.0.0.1"]);
    await using server = await NatsServer.start({
      args: ["--tls", "--tlscert", own.cert, "--tlskey", own.key],
    });
    const { port } = server;
    for (const host of ["127.0.0.1", "localhost"]) {
      await meet({
        cluster: `tls://${host}:${port}`,
        clusterTlsCa: folder.authorityFile,
      });
    }
    for (
      const options of [
        { cluster: server.url },
        { cluster: server.url, clusterTlsCa: stranger.authorityFile },
      ]
    ) {
      const why = await refusal(options);
      assert(why.startsWith("the NATS server at 127.0.0.1:"), why);
      assertMatch(why, /certificate|issuer/i);
    }
  },
});

Deno.test({
  name: "gateways do not trust a server with the certificate of another host",
  ignore: !hasNatsServer || !canServeTls,
  fn: async () => {
    using folder = await CertificateFolder.make();
    const { cert, key } = await folder.sign("nats", ["DNS:other.example"]);
    await using server = await NatsServer.start({
      args: ["--tls", "--tlscert", cert, "--tlskey", key],
    });
    for (const host of ["127.0.0.1", "localhost"]) {
      const why = await refusal({
        cluster: `tls://${host}:${server.port}`,
        clusterTlsCa: folder.authorityFile,
      });
      assertMatch(why, /other\.example|certificate/i);
    }
  },
});

Deno.test({
  name: "a gateway that wants TLS does not speak to a server without",
  ignore: !hasNatsServer,
  fn: async () => {
    await using server = await NatsServer.start();
    assertEquals(
      await refusal({ cluster: `tls://127.0.0.1:${server.port}` }),
      `the NATS server at 127.0.0.1:${server.port} cannot be used: server does not support 'tls'`,
    );
  },
});

Deno.test({
  name: "gateways show a certificate of their own where the server wants one",
  ignore: !hasNatsServer || !canServeTls,
  fn: async () => {
    using folder = await CertificateFolder.make();
    const names = ["DNS:localhost", "IP:127.0.0.1"];
    const server = await folder.sign("nats", names);
    const own = await folder.sign("gateway", names);
    const { authorityFile } = folder;
    await using nats = await NatsServer.start({
      args: [
        ...["--tlsverify", "--tlscacert", authorityFile],
        ...["--tlscert", server.cert, "--tlskey", server.key],
      ],
    });
    const options = { cluster: nats.url, clusterTlsCa: authorityFile };
    await meet({
      ...options,
      clusterTlsCert: own.cert,
      clusterTlsKey: own.key,
    });
    const why = await refusal(options);
    assert(why.startsWith("the NATS server at 127.0.0.1:"), why);
  },
});
