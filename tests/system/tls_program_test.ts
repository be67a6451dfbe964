// The gateway as a program with ports for TLS: its ready line, HUP, and files that cannot be used.

import { assertEquals, assertMatch } from "@std/assert";
import { canServeTls, CertificateFolder } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { GATEWAY_ARGS } from "../helpers/gateway_process.ts";
import { runProcess, startProcess } from "../helpers/process.ts";

const LOCAL = ["--outer-host", "127.0.0.1", "--outer-port", "0"];
const PORTS = [...LOCAL, "--inner-port", "0"];
const NAMES = ["DNS:localhost", "IP:127.0.0.1"];

async function connects(port: number, authority: string): Promise<boolean> {
  try {
    using conn = await Deno.connectTls({
      hostname: "127.0.0.1",
      port,
      caCerts: [authority],
    });
    await conn.handshake();
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "the gateway as a program: HUP reads the certificates again, and keeps those before when it cannot",
  ignore: !canServeTls || Deno.build.os === "windows",
  async fn() {
    using folder = await CertificateFolder.make();
    using other = await CertificateFolder.make();
    const { cert, key } = await folder.sign("one", NAMES);
    const next = await other.sign("two", NAMES);
    await using gateway = await startProcess(Deno.execPath(), {
      args: [
        ...[...GATEWAY_ARGS, ...PORTS, "--tls-port", "0", "--wss-port", "0"],
        ...["--tls-cert", cert, "--tls-key", key],
      ],
      ready:
        /^maple gateway ready outer=\S+ inner=\S+ tls=\S+:(\d+) wss=\S+:(\d+)$/,
    });
    const [, tls, wss] = gateway.ready!.map(Number);
    for (const port of [tls!, wss!]) {
      assertEquals(await connects(port, folder.authority), true);
    }
    const hangUp = async (said: RegExp) => {
      const before = gateway.stderr.length;
      gateway.kill("SIGHUP");
      await eventually(() => said.test(gateway.stderr.slice(before)));
    };
    Deno.writeTextFileSync(cert, "nonsense");
    await hangUp(
      /all settings stay as they are: ".*one\.crt" is no certificate in PEM/,
    );
    assertEquals(await connects(tls!, folder.authority), true);
    Deno.copyFileSync(next.cert, cert);
    Deno.copyFileSync(next.key, key);
    await hangUp(/the certificates are read again; nothing changed/);
    for (const port of [tls!, wss!]) {
      assertEquals(await connects(port, folder.authority), false);
      assertEquals(await connects(port, other.authority), true);
    }
  },
});

Deno.test("the gateway as a program: certificates that cannot be used end it with 2 and one line", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["--tls-port", "0", "--tls-cert", "/none.crt", "--tls-key", "/none.key"],
      /cannot read the certificate "\/none\.crt" \(tlsCert\): No such file/,
    ],
    [["--wss-port", "0"], /at least one of each, got 0 \(tlsCert\)/],
    [["--tls-cert", "a.crt"], /need a tlsPort or wssPort/],
    [
      ["--proxy-protocol", "10.0.0.0/99"],
      /--proxy-protocol takes addresses and ranges .*, got "10\.0\.0\.0\/99"/,
    ],
  ];
  for (const [flags, line] of cases) {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [...GATEWAY_ARGS, ...PORTS, ...flags],
    });
    assertEquals(code, 2, stderr);
    assertMatch(stderr, line);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});
