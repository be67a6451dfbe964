// Every process ends in a time that can be told, whatever hangs in it or is left open.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { isRunning } from "./worker_process.ts";
import { ROOT } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";
import {
  STUBBORN,
  type StubbornOptions,
  StubbornProcess,
} from "./stubborn_process.ts";

const LINUX = Deno.build.os === "linux";

function warnings({ stderr }: { stderr: string }): string[] {
  return stderr.split("\n").filter((line) => / WARN /.test(line));
}

for (const hook of ["closeConn", "stopWorker"] as const) {
  Deno.test(`Haven.run() ends two seconds after stopTimeout, with one warning, when a ${hook} hook does not end`, async () => {
    await using server = await StubbornProcess.start("Haven", {
      ...{ port: 0, stopTimeout: 0.1, hangs: [hook] },
    });
    await using client = await server.connect();
    await client.request({ cmd: 1 });
    const before = performance.now();
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
    assert(performance.now() - before > 2000);
    assertEquals(warnings(server).length, 1, server.stderr);
    assertMatch(server.stderr, /has not ended within 2\.1 s/);
  });
}

for (const hook of ["startWorker", "stopWorker"] as const) {
  Deno.test(`Worker.run() with workers 0 ends two seconds after stopTimeout when a ${hook} hook does not end`, async () => {
    await using gateway = await GatewayFixture.start();
    await using worker = StubbornProcess.begin("Worker", {
      ...{ port: gateway.inner.port, workers: 0, stopTimeout: 0.1 },
      hangs: [hook],
    });
    await worker.line(hook === "startWorker" ? /^starting/ : /ready/);
    worker.kill("SIGTERM");
    assertEquals((await worker.finished()).code, 0);
    assertEquals(warnings(worker).length, 1, worker.stderr);
  });
}

Deno.test({
  name: "THaven.run() ends two seconds after stopTimeout when a thread blocks",
  ignore: !LINUX,
  async fn() {
    await using server = await StubbornProcess.start("THaven", {
      ...{ port: 0, workers: 1, stopTimeout: 0.1 },
    });
    await using client = await server.connect();
    await client.write({ cmd: 3 });
    const before = performance.now();
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
    // It took five seconds more before; on a busy machine a part of them at most.
    assert(performance.now() - before < 6000);
  },
});

for (const kind of ["Worker", "Haven", "GHaven", "THaven"] as const) {
  Deno.test({
    name:
      `${kind}.run(): a module that leaves something open is ended, and told of`,
    ignore: !LINUX,
    async fn() {
      await using gateway = await GatewayFixture.start();
      const port = kind === "Worker" ? gateway.inner.port : 0;
      await using program = await StubbornProcess.start(kind, {
        ...{ port, workers: 1, leavesOpen: true },
      });
      program.kill("SIGTERM");
      assertEquals((await program.finished()).code, 0);
      await program.childrenGone();
      assert(program.stdout.includes(`run is over ${program.pid}`));
      // One in the master, and one in each child process.
      const open = program.stderr.match(/has left something open/g) ?? [];
      assertEquals(open.length, 1 + program.children.length, program.stderr);
    },
  });
}

for (const how of ["blocks", "hangs"] as const) {
  Deno.test(`Worker.run(): a child that ${how} in startWorker is gone when its master was killed`, async () => {
    await using gateway = await GatewayFixture.start();
    await using worker = StubbornProcess.begin("Worker", {
      ...{ port: gateway.inner.port, workers: 1, stopTimeout: 0.5 },
      ...(how === "blocks" ? { blocks: true } : { hangs: ["startWorker"] }),
    });
    await worker.line(/^starting/);
    const [child] = worker.children;
    assert(isRunning(child!));
    worker.kill("SIGKILL");
    await worker.childrenGone();
  });
}

for (const top of ["blocks", "hangs"] as const) {
  Deno.test(`Worker.run(): a child whose module ${top} before it comes to run is gone when its master was killed`, async () => {
    await using worker = StubbornProcess.begin("Worker", {
      ...{ port: 1, workers: 1, stopTimeout: 0.5, top },
    });
    await worker.line(/^starting/);
    const [child] = worker.children;
    assert(isRunning(child!));
    worker.kill("SIGKILL");
    await worker.childrenGone();
  });
}

// A port of loopback where a master would be, in the environment of a child of it.
function childEnv({ addr }: Deno.TcpListener): Record<string, string> {
  return {
    MAPLE_WORKER: "1",
    MAPLE_WORKER_CONTROL: `${addr.port}:token`,
    MAPLE_WORKER_STOP_LIMIT: "60000",
  };
}

function stubbornChild(options: StubbornOptions, env: Record<string, string>) {
  return runProcess(Deno.execPath(), {
    args: [
      ...["run", "-A", "--config", `${ROOT}/deno.json`, STUBBORN],
      ...["Worker", JSON.stringify(options)],
    ],
    env,
  });
}

Deno.test("Worker.run(): a child whose module never comes to run ends by itself", async () => {
  using master = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code } = await stubbornChild({ top: "ends" }, childEnv(master));
  assertEquals(code, 0);
});

Deno.test("Worker.run(): a child that comes up when its master is gone says so in one line", async () => {
  const master = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const env = childEnv(master);
  master.close();
  const { code, stderr } = await stubbornChild({ workers: 1 }, env);
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^[^\n]* WARN +worker-1\S* the master is gone: ending\n$/,
  );
});

Deno.test({
  name:
    "GHaven.run(): a child that computes gives the port free when its master was killed",
  ignore: !LINUX,
  async fn() {
    await using server = await StubbornProcess.start("GHaven", {
      ...{ port: 0, workers: 1, stopTimeout: 0.5 },
    });
    const { port } = server;
    await using client = await server.connect();
    await client.write({ cmd: 3 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    server.kill("SIGKILL");
    await server.childrenGone();
    await using again = await StubbornProcess.start("GHaven", {
      ...{ port, workers: 1 },
    });
    assertEquals(again.port, port);
  },
});
