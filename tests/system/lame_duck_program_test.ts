// The gateway as a program that leaves as a lame duck: what it shows, and what signals do to it.

import { assertEquals, assertMatch } from "@std/assert";
import { Box, type BoxFields, Client } from "@maple/box";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import {
  GATEWAY_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { runProcess } from "../helpers/process.ts";

const ignore = Deno.build.os === "windows";
const HOUR = ["--lame-duck", "3600", "--move-cmd", "98"];

async function health(port: number, query: string): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz${query}`);
  return [response.status, await response.text()];
}

async function connect(gateway: GatewayProcess): Promise<Client<BoxFields>> {
  const client = new Client(Box, { moveCmd: 98 });
  await client.connect(`tcp://127.0.0.1:${gateway.outerPort}`);
  await client.request({ cmd: 1 });
  return client;
}

Deno.test({
  name:
    "a gateway that leaves is well and not ready, serves and takes HUP; a second TERM ends it at once",
  ignore,
  async fn() {
    const status = freePort();
    const statFile = Deno.makeTempFileSync({ prefix: "maple-test-" });
    try {
      await using gateway = await startGatewayProcess([
        ...[...HOUR, "--lame-duck-notice", "3600"],
        ...["--metrics", `${status}`, "--stat-file", statFile],
      ]);
      await using _worker = await EchoWorker.attach(gateway.inner);
      await using client = await connect(gateway);
      assertEquals(await health(status, "?ready"), [200, "serving\n"]);
      gateway.process.kill("SIGTERM");
      await eventually(async () => (await health(status, "?ready"))[0] === 503);
      assertEquals(await health(status, "?ready"), [503, "leaving\n"]);
      assertEquals(await health(status, ""), [200, "leaving\n"]);
      await eventually(() => {
        const text = Deno.readTextFileSync(statFile);
        return (JSON.parse(text) as GatewayReport).stats.state === "leaving";
      });
      // Load balancers have an hour to see it.
      await using newcomer = await connect(gateway);
      gateway.process.kill("SIGHUP");
      await eventually(() =>
        gateway.process.stderr.includes("SIGHUP: the log")
      );
      for (const one of [client, newcomer]) {
        assertEquals((await one.request({ cmd: 1, body: "x" })).text(), "x");
      }
      gateway.process.kill("SIGTERM");
      assertEquals((await gateway.process.finished()).code, 0);
      assertMatch(gateway.process.stderr, /SIGTERM: leaving\n/);
      assertMatch(gateway.process.stderr, /SIGTERM: closing at once\n/);
    } finally {
      Deno.removeSync(statFile);
    }
  },
});

Deno.test({
  name:
    "maple trigger drain ends the program of the gateway, and TERM after it at once",
  ignore,
  async fn() {
    await using gateway = await startGatewayProcess([
      ...["--node-id", "7", "--move-cmd", "98", "--lame-duck-notice", "0"],
      ...["--move-timeout", "3600"],
    ]);
    await using _worker = await EchoWorker.attach(gateway.inner);
    await using client = await connect(gateway);
    const drain = (seconds: string) =>
      runProcess(Deno.execPath(), {
        args: [
          ...[...runArgs("trigger"), pathOf("../../trigger/mod.ts"), "drain"],
          ...["--node", "7", "--seconds", seconds],
          ...["--port", `${gateway.innerPort}`],
        ],
      });
    assertEquals((await drain("3600")).code, 0);
    await eventually(() =>
      gateway.process.stderr.includes("not ready any more")
    );
    // Once more is no harm: it leaves as it was told first.
    assertEquals((await drain("1")).code, 0);
    await client.request({ cmd: 1 });
    gateway.process.kill("SIGTERM");
    assertEquals((await gateway.process.finished()).code, 0);
    assertMatch(gateway.process.stderr, /SIGTERM: closing at once\n/);
    assertMatch(
      gateway.process.stderr,
      /clients asked to move: 1, of them closed after their time: 0; closed without: 0; left: 1\n/,
    );
  },
});

Deno.test("--move-cmd and --lame-duck say what they take", async () => {
  for (
    const [args, line] of [
      [["--move-cmd", "often"], /--move-cmd takes [^\n]+/],
      [["--lame-duck", "-2"], /--lame-duck takes [^\n]+/],
      [
        ["--move-cmd", "5", "--heartbeat-cmd", "5"],
        /Options moveCmd and heartbeatCmd must differ, got 5 for both/,
      ],
    ] as const
  ) {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [...GATEWAY_ARGS, ...args],
    });
    assertEquals(code, 2);
    assertMatch(stderr, new RegExp(`^maple gateway: ${line.source}\n$`));
  }
});
