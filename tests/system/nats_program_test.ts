// The gateway as a program in a cluster over a real nats-server, and without one.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_ARGS,
  GATEWAY_READY,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { SecretFile } from "../helpers/secret_file.ts";

const FREE = [
  ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
  ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
];

const run = (...flags: string[]) =>
  runProcess(Deno.execPath(), { args: [...GATEWAY_ARGS, ...FREE, ...flags] });

const logs = ({ process }: GatewayProcess, line: RegExp) =>
  eventually(() => line.test(process.stderr), { timeout: 30_000 });

const natsTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore: !hasNatsServer, fn });

Deno.test("without a cluster nobody asks for NATS's client, with one it is had at the start", async () => {
  const asked: string[] = [];
  await using registry = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url }) => {
      asked.push(new URL(url).pathname);
      return new Response("not here", { status: 404 });
    },
  );
  const folder = await Deno.makeTempDir();
  const env = {
    DENO_DIR: folder,
    NPM_CONFIG_REGISTRY: `http://127.0.0.1:${registry.addr.port}/`,
  };
  try {
    const start = { args: [...GATEWAY_ARGS, ...FREE], env };
    const without = await startProcess(Deno.execPath(), {
      ...start,
      ready: GATEWAY_READY,
      timeout: 120_000,
    });
    await without[Symbol.asyncDispose]();
    assertEquals(asked, []);
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
      ...start,
      args: [...start.args, "--cluster", "nats://127.0.0.1:1"],
    });
    assertEquals([code, stdout], [1, []]);
    assert(asked.length > 0 && asked.every((path) => path.includes("nats")));
    assertStringIncludes(
      stderr,
      "maple gateway: npm:@nats-io/transport-node, which --cluster needs, cannot be loaded: ",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

natsTest(
  "gateways find each other, with the permissions that the README tells, and again when NATS was away",
  async () => {
    await using nats = await NatsServer.start();
    const flags = ["--cluster", nats.url];
    await using a = await startGatewayProcess(flags, GATEWAY_ARGS);
    // One gives up what it does not need: it connects again all the same.
    await using b = await startGatewayProcess(flags, GATEWAY_ALL_ARGS);
    await logs(a, /node 0 of cluster maple, others there: 0/);
    await logs(b, /node 1 of cluster maple, others there: 1/);
    await logs(b, /gives up: /);
    await nats.kill();
    for (const one of [a, b]) await logs(one, /alone, the bus is away/);
    await nats.restart();
    for (const one of [a, b]) await logs(one, /away.*[^]*the bus is there/);
    for (const { process } of [a, b]) {
      process.kill("SIGTERM");
      assertEquals((await process.finished()).code, 0);
    }
  },
);

natsTest(
  "a gateway whose node id another one has ends with one line, before anybody can connect",
  async () => {
    await using nats = await NatsServer.start();
    const flags = ["--cluster", nats.url, "--node-id", "7"];
    await using first = await startGatewayProcess(flags);
    const { code, stdout, stderr } = await run(...flags);
    assertEquals([code, stdout], [1, []]);
    assertEquals(
      stderr.split("\n").filter((line) => line.startsWith("maple")),
      [
        `maple gateway: Option nodeId is 7, which the gateway at 127.0.0.1:${first.innerPort} of cluster maple has: give another one, or none, and a free one is taken`,
      ],
    );
    assert(!stderr.includes("    at "), stderr);
  },
);

natsTest(
  "a password that is wrong ends it with one line, which does not tell it; nor does a change of it",
  async () => {
    await using nats = await NatsServer.start({
      args: ["--user", "u", "--pass", "right"],
    });
    const url = (pass: string) => `nats://u:${pass}@127.0.0.1:${nats.port}`;
    const { code, stderr } = await run("--cluster", url("wr0ng"));
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `maple gateway: the NATS server at 127.0.0.1:${nats.port} cannot be used: Authorization Violation\n`,
    );
    assert(!stderr.includes("wr0ng"), stderr);
    if (Deno.build.os === "windows") return;
    await using config = new SecretFile(
      JSON.stringify({ cluster: url("right") }),
    );
    await using gateway = await startGatewayProcess(["--config", config.path]);
    config.write(JSON.stringify({ cluster: url("n3w") }));
    gateway.process.kill("SIGHUP");
    await logs(gateway, /SIGHUP/);
    await logs(gateway, /only a restart changes cluster nats:\/\/\*\*\*@/);
    assert(!/right|n3w/.test(gateway.process.stderr), gateway.process.stderr);
  },
);

Deno.test("wrong options about the cluster end it with one line that says what is expected", async () => {
  for (
    const [flags, line] of [
      [
        ["--cluster", "http://u:pw@h"],
        /--cluster must be servers of NATS as in nats:\/\/HOST:PORT, with commas between them, got "http:\/\/\*\*\*@h"/,
      ],
      [
        ["--cluster-name", "a.b"],
        /--cluster-name must be 1 to 64 letters, digits, - and _, got "a.b"/,
      ],
      [["--cluster-creds", "f"], /Option clusterCreds needs a cluster/],
      [
        ["--inner-advertise", "h"],
        /--inner-advertise must be HOST:PORT that others can connect to, got "h"/,
      ],
      [
        ["--cluster", "h", "--cluster-tls-cert", "f"],
        /Options clusterTlsCert and clusterTlsKey need each other/,
      ],
      [
        ["--cluster", "h", "--cluster-creds", "/none"],
        /Cannot read the file "\/none" of clusterCreds: /,
      ],
      [
        ["--cluster", "h", "--cluster-tls-ca", "deno.json"],
        /The file "deno.json" of clusterTlsCa does not hold certificates in PEM/,
      ],
    ] as const
  ) {
    const { code, stdout, stderr } = await run(...flags);
    assertEquals([code, stdout], [2, []], stderr);
    assertMatch(stderr, new RegExp(`^maple gateway: ${line.source}`, "m"));
  }
});
