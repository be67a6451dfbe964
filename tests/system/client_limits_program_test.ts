// The gateway program: limits of clients and addresses as flags and in the config file, what HUP
// changes of them, and what is told of them.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box, type BoxFields, TcpClient } from "@maple/box";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { PATIENCE_MS } from "../helpers/within.ts";

async function connect(
  { outer }: GatewayProcess,
): Promise<TcpClient<BoxFields>> {
  const { hostname, port } = outer;
  const client = new TcpClient(Box, hostname, port, {
    timeout: PATIENCE_MS / 1000,
  });
  await client.connect();
  return client;
}

async function isServed(client: TcpClient<BoxFields>): Promise<boolean> {
  try {
    await client.write({ cmd: 1, body: "x" });
    return (await client.read())?.text() === "x";
  } catch {
    return false;
  }
}

/** Waits for what a gateway has to say on stderr. */
function said({ process }: GatewayProcess, what: string): Promise<void> {
  return eventually(() => process.stderr.includes(what), { what })
    .catch((error) => {
      throw new Error(`${error.message}; there is:\n${process.stderr}`);
    });
}

Deno.test({
  name: "HUP reads --deny-file again, and closes who is denied now",
  ignore: Deno.build.os === "windows",
  async fn() {
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, "192.0.2.0/24\n");
    await using gateway = await startGatewayProcess(["--deny-file", file]);
    await using _worker = await EchoWorker.attach(gateway.inner);
    await using client = await connect(gateway);
    assert(await isServed(client));

    await Deno.writeTextFile(file, "nobody\n");
    gateway.process.kill("SIGHUP");
    await said(
      gateway,
      `all settings stay as they are: denyFile "${file}", line 1: expected an address or range such as 192.0.2.7 or 10.0.0.0/8, got "nobody"`,
    );
    assert(await isServed(client));

    await Deno.writeTextFile(file, "192.0.2.0/24\n127.0.0.0/8\n");
    gateway.process.kill("SIGHUP");
    await said(
      gateway,
      "SIGHUP: the log is opened again; denyFile is read again (ranges denied: 2); nothing changed",
    );
    assertEquals(await client.read(), null);
    await using refused = await connect(gateway);
    assertEquals(await isServed(refused), false);
    await Deno.remove(file);
  },
});

Deno.test({
  name: "HUP changes limits of clients and addresses in the config file",
  ignore: Deno.build.os === "windows",
  async fn() {
    const config = await Deno.makeTempFile({ suffix: ".json" });
    const write = (settings: unknown) =>
      Deno.writeTextFile(config, JSON.stringify(settings));
    await write({ connsPerAddress: 1 });
    await using gateway = await startGatewayProcess(["--config", config]);
    await using _worker = await EchoWorker.attach(gateway.inner);
    await using client = await connect(gateway);
    assert(await isServed(client));
    await using refused = await connect(gateway);
    assertEquals(await isServed(refused), false);

    await write({ clientRate: 1, rateAction: "close" });
    gateway.process.kill("SIGHUP");
    await said(
      gateway,
      "changed: connsPerAddress 1 -> none, clientRate 0 -> 1, rateAction slow -> close\n",
    );
    await using next = await connect(gateway);
    assert(await isServed(next));
    while (await isServed(next));
    await said(
      gateway,
      "closed: it sends more than 1 frames a second (clientRate)",
    );
    assert(await isServed(client));

    await write({ deny: "127.0.0.1" });
    gateway.process.kill("SIGHUP");
    await said(gateway, "deny none -> 127.0.0.1");
    assertEquals(await client.read(), null);
    await Deno.remove(config);
  },
});

Deno.test("the gateway program says what is wrong with limits of clients", async () => {
  const wrong = [
    [["--client-rate", "-2"], "--client-rate takes a number from 0"],
    [
      ["--conns-per-address", "1.5"],
      "--conns-per-address takes a whole number from 0",
    ],
    [["--rate-action", "stop"], "--rate-action takes"],
    [
      ["--deny", "me"],
      '--deny takes addresses and ranges such as 127.0.0.1, 10.0.0.0/8 or ::1, got "me"',
    ],
    [["--deny-file", "/no/such/file"], 'Cannot read denyFile "/no/such/file"'],
  ] as const;
  for (const [flags, line] of wrong) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...GATEWAY_ARGS, ...flags],
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stderr);
    assertEquals([code, text.trimEnd().split("\n").length], [2, 1], text);
    assertStringIncludes(text, line);
  }
});

const TOKEN = "a-token-of-this-test-0123456789";

for (const token of [undefined, TOKEN]) {
  Deno.test(
    `the stat file and the log name addresses of clients, the status port ${
      token ? "to whoever brings a token" : "does not"
    }`,
    async () => {
      await using files = new AsyncDisposableStack();
      const file = async (text = "") => {
        const path = await Deno.makeTempFile();
        files.defer(() => Deno.remove(path));
        await Deno.writeTextFile(path, text);
        await Deno.chmod(path, 0o600);
        return path;
      };
      const statFile = await file();
      await using gateway = await startGatewayProcess([
        ...["--conns-per-address", "1", "--stat-file", statFile],
        ...["--metrics", "127.0.0.1:0"],
        ...(token ? ["--metrics-token-file", await file(token)] : []),
      ]);
      await using _worker = await EchoWorker.attach(gateway.inner);
      await using client = await connect(gateway);
      assert(await isServed(client));
      await using refused = await connect(gateway);
      assertEquals(await isServed(refused), false);
      await said(
        gateway,
        "limits of clients: 1 connections refused (connsPerAddress); most often 127.0.0.1 (1)",
      );
      const limited = [{ address: "127.0.0.1", count: 1 }];
      await eventually(async () => {
        const text = await Deno.readTextFile(statFile);
        return text.includes(`"limitedAddresses":${JSON.stringify(limited)}`);
      });
      const [, url] = /metrics and dashboard at (\S+)/
        .exec(gateway.process.stderr)!;
      const ask = async (path: string) => {
        const headers: Record<string, string> = token
          ? { authorization: `Bearer ${token}` }
          : {};
        const response = await fetch(new URL(path, url), { headers });
        assertEquals(response.status, 200);
        return await response.text();
      };
      const { stats, trouble } = JSON.parse(await ask("stats.json"));
      assertEquals(stats.limitedAddresses, token ? limited : []);
      const what = "limits of clients: of 127.0.0.1";
      assertEquals(JSON.stringify(trouble).includes(what), token !== undefined);
      assertStringIncludes(
        await ask("metrics"),
        'maple_gateway_clients_refused_by_address_total{cause="connsPerAddress"} 1',
      );
    },
  );
}

Deno.test({
  name: "HUP that would open the inner port to all denies nobody either",
  ignore: Deno.build.os === "windows",
  async fn() {
    const config = await Deno.makeTempFile({ suffix: ".json" });
    const write = (settings: unknown) =>
      Deno.writeTextFile(config, JSON.stringify(settings));
    await write({ innerOpen: "127.0.0.1" });
    await using gateway = await startGatewayProcess(["--config", config]);
    await using _worker = await EchoWorker.attach(gateway.inner);
    await using client = await connect(gateway);
    await write({ deny: "127.0.0.0/8" });
    gateway.process.kill("SIGHUP");
    await said(
      gateway,
      "all settings stay as they are: Option innerSecretFile and innerOpen are gone",
    );
    assert(await isServed(client));
    await Deno.remove(config);
  },
});
