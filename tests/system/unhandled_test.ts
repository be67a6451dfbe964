// Errors that nobody handles end nobody: they are logged and counted.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { BoxFields, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { startProcess } from "../helpers/process.ts";
import { GATEWAY_READY } from "../helpers/gateway_process.ts";
import { StubbornProcess } from "./stubborn_process.ts";

const LINUX = Deno.build.os === "linux";

interface Answer {
  readonly pid: number;
  readonly unhandled: number;
}

/** What a client sees: the process before and after two errors that nobody handles. */
async function failTwice(client: TcpClient<BoxFields>): Promise<void> {
  const ask = async () => (await client.request({ cmd: 1 })).json<Answer>();
  const before = await ask();
  assertEquals(before.unhandled, 0);
  assertEquals((await client.request({ cmd: 2 })).ret, 0);
  let after = before;
  await eventually(async () => (after = await ask()).unhandled >= 2);
  assertEquals(after, { pid: before.pid, unhandled: 2 });
}

async function jsonLine(process: StubbornProcess, message: RegExp) {
  const line = await process.logged(message);
  return JSON.parse(line) as { level: string; role: string; message: string };
}

for (
  const [kind, role, workers] of [
    ["Haven", "haven", 0],
    ["GHaven", "haven-1", 1],
    ["THaven", "haven-1", 1],
  ] as const
) {
  Deno.test({
    name: `${kind}.run() goes on, and logs it, when nobody handles an error`,
    ignore: !LINUX,
    async fn() {
      await using server = await StubbornProcess.start(kind, {
        ...{ port: 0, workers, logFormat: "json" },
      });
      await using client = await server.connect();
      await failTwice(client);
      for (const message of [/nobody awaits this/, /thrown in a timer/]) {
        const line = await jsonLine(server, message);
        assertEquals([line.level, line.role], ["ERROR", role]);
      }
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    },
  });
}

Deno.test("Worker.run() goes on in its children, and logs and counts it, when nobody handles an error", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await StubbornProcess.start("Worker", {
    ...{ port: gateway.inner.port, workers: 1, logFormat: "json" },
    metrics: "127.0.0.1:0",
  });
  await using client = await gateway.connect();
  await failTwice(client);
  const line = await jsonLine(worker, /nobody awaits this/);
  assertEquals([line.level, line.role], ["ERROR", "worker-1"]);
  const url = /http\S+metrics/.exec(await worker.logged(/metrics at http/))![0];
  await eventually(async () =>
    /^maple_worker_unhandled_errors_total\{worker="1"\} 2$/m.test(
      await (await fetch(url)).text(),
    )
  );
  assertEquals(worker.children.length, 1);
});

Deno.test("Haven.run() with onUnhandled exit logs it and ends", async () => {
  await using server = await StubbornProcess.start("Haven", {
    ...{ port: 0, onUnhandled: "exit" },
  });
  await using client = await server.connect();
  await client.write({ cmd: 2 });
  assertEquals((await server.finished()).code, 1);
  assertMatch(server.stderr, / ERROR haven\[\d+\] unhandled rejection, /);
});

for (const fails of ["reject", "throw"] as const) {
  Deno.test(`Haven.run() ends with one line on an error that nobody handles while it starts: ${fails}`, async () => {
    await using server = StubbornProcess.begin("Haven", { port: 0, fails });
    assertEquals((await server.finished()).code, 1);
    assertMatch(
      server.stderr,
      /^\S+ ERROR haven\[\d+\] un\S+ \w+(, an await may be missing)? while starting: Error: too early [^\n]*\n$/,
    );
  });
}

Deno.test("the gateway program goes on, and logs and counts it, when nobody handles an error", async () => {
  const main = new URL(`file://${pathOf("../../gateway/main.ts")}`).href;
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/gateway.ts`;
    await Deno.writeTextFile(
      program,
      `import { main } from ${JSON.stringify(main)};
       Deno.addSignalListener("SIGUSR2", () => {
         Promise.reject(new Error("nobody awaits this"));
         throw new Error("thrown by a listener");
       });
       Deno.exit(await main(Deno.args));`,
    );
    const any = ["-host", "127.0.0.1", "-port", "0"];
    await using gateway = await startProcess(Deno.execPath(), {
      args: [
        ...["run", "-A", "--config", `${ROOT}/deno.json`, program],
        ...["outer", "inner"].flatMap((port) => [
          ...[`--${port}${any[0]}`, any[1]!, `--${port}${any[2]}`, any[3]!],
        ]),
        ...["--metrics", "127.0.0.1:0"],
      ],
      ready: GATEWAY_READY,
    });
    gateway.kill("SIGUSR2");
    await eventually(() => /thrown by a listener/.test(gateway.stderr));
    const url = /http:\S+/.exec(gateway.stderr)![0];
    const text = await (await fetch(`${url}metrics`)).text();
    assertMatch(text, /^maple_gateway_unhandled_errors_total 2$/m);
    assert(/ ERROR gateway\[\d+\] unhandled rejection/.test(gateway.stderr));
    gateway.kill("SIGTERM");
    assertEquals((await gateway.finished()).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
