// Gateways that share their ports.

import { assert, assertEquals } from "@std/assert";
import { canServeTls, localCertificate } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { connectTls, GatewayFixture } from "../helpers/gateway_fixture.ts";
import {
  GATEWAY_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { runProcess } from "../helpers/process.ts";

const ignore = Deno.build.os !== "linux";
const SHARED = ["--reuse-port"];

// The same ports for a second one; a flag that comes later is the one that counts.
function beside({ outerPort, innerPort }: GatewayProcess): string[] {
  return [
    ...[...SHARED, "--outer-port", `${outerPort}`],
    ...["--inner-port", `${innerPort}`],
  ];
}

function letIn({ process }: GatewayProcess): number {
  return process.stderr.split("connected over tcp").length - 1;
}

for (
  const [io, [run, ...args]] of [
    ["deno", ["run", "--unstable-net", ...GATEWAY_ARGS.slice(1)]],
    ["epoll", ["run", "--allow-ffi", ...GATEWAY_ARGS.slice(1)]],
  ] as const
) {
  Deno.test({
    name:
      `two gateways share their ports, io ${io}, and the system divides who comes`,
    ignore,
    async fn() {
      const command = [run!, ...args];
      const flags = ["--io", io, "--log-level", "DEBUG"];
      await using one = await startGatewayProcess(
        [...flags, ...SHARED],
        command,
      );
      await using two = await startGatewayProcess(
        [...flags, ...beside(one)],
        command,
      );
      assertEquals(
        [two.outerPort, two.innerPort],
        [one.outerPort, one.innerPort],
      );
      const conns = await Promise.all(
        Array.from({ length: 40 }, () => Deno.connect(one.outer)),
      );
      await eventually(() => letIn(one) + letIn(two) === conns.length);
      assert(letIn(one) > 0 && letIn(two) > 0, `${letIn(one)} of 40`);
      for (const conn of conns) conn.close();
      for (const { process } of [one, two]) {
        process.kill("SIGTERM");
        assertEquals((await process.finished()).code, 0);
      }
    },
  });
}

Deno.test({
  name: "a gateway that may not share its ports says so in one line",
  ignore,
  async fn() {
    const { code, stderr, stdout } = await runProcess(Deno.execPath(), {
      args: [
        ...[...GATEWAY_ARGS, ...SHARED, "--io", "deno"],
        ...["--outer-port", "0", "--inner-port", "0"],
      ],
    });
    assertEquals([code, stdout], [1, []]);
    assertEquals(
      stderr,
      "maple gateway: Cannot listen for workers at 127.0.0.1:0: Deno was started without --unstable-net, which sharing a port needs\n",
    );
  },
});

Deno.test({
  name: "two gateways share a port for TLS, which needs no flag",
  ignore: ignore || !canServeTls,
  async fn() {
    const { cert, key } = await localCertificate();
    // Deno's own sockets may not share a port here.
    const options = {
      ...{ io: "epoll", reusePort: true } as const,
      ...{ tlsCert: cert, tlsKey: key },
    };
    await using one = await GatewayFixture.start({ ...options, tlsPort: 0 });
    const { tlsAddr, outerAddr, innerAddr } = one.gateway;
    await using two = await GatewayFixture.start({
      ...options,
      tlsPort: tlsAddr!.port,
      outerPort: outerAddr!.port,
      innerPort: innerAddr!.port,
    });
    const conns: Deno.TlsConn[] = [];
    const isShared = () =>
      [one, two].every(({ gateway }) => gateway.stats().clientsOver.tls > 0);
    while (!isShared() && conns.length < 100) {
      conns.push(await connectTls(tlsAddr!));
      const all = () =>
        [one, two].reduce((n, { gateway }) => n + gateway.stats().clients, 0);
      await eventually(() => all() === conns.length);
    }
    assert(isShared());
    for (const conn of conns) conn.close();
  },
});
