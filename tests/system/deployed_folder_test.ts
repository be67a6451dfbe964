// A program's folder under a running master: deleted, brought back, or replaced by way of a
// symbolic link.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { ROOT } from "../helpers/paths.ts";
import { HAVEN_SERVER, HavenProcess } from "./haven_process.ts";
import { RequestLoad } from "./request_load.ts";
import { LIFE_WORKER, WorkerProcess } from "./worker_process.ts";

const LINUX = Deno.build.os === "linux";

// A folder of releases, and a link to the one in use.
class Deployment implements AsyncDisposable {
  readonly #root = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "maple_deploy_" }),
  );

  get current(): string {
    return `${this.#root}/current`;
  }

  folder(version: string): string {
    return `${this.#root}/releases/${version}`;
  }

  /** Writes a release. */
  add(version: string, file: string, source: string): void {
    Deno.mkdirSync(this.folder(version), { recursive: true });
    Deno.writeTextFileSync(`${this.folder(version)}/${file}`, source);
  }

  /** Writes a release of the worker. */
  addWorker(version: string): void {
    this.add(
      version,
      "worker.ts",
      `import { runLifeWorker } from ${JSON.stringify(`file://${LIFE_WORKER}`)};
await runLifeWorker("${version}");
`,
    );
  }

  /** Puts the link on a release, in one step. */
  use(version: string): void {
    const next = `${this.#root}/next`;
    Deno.symlinkSync(this.folder(version), next);
    Deno.renameSync(next, this.current);
  }

  /** Deletes a release. */
  remove(version: string): void {
    Deno.removeSync(this.folder(version), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }
}

Deno.test("worker processes: with their folder gone HUP changes nothing, and a child that dies is started when it is back", async () => {
  await using gateway = await GatewayFixture.start();
  await using deployment = new Deployment();
  deployment.addWorker("v1");
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: "worker.ts",
    cwd: deployment.folder("v1"),
  });
  await using load = await RequestLoad.start(gateway.outer, 2);
  deployment.remove("v1");
  worker.kill("SIGHUP");
  await worker.logged(/ERROR/);
  const old = worker.children;
  assertEquals(old.length, 2);
  const before = load.answered;
  await eventually(() => load.answered > before + 20);
  Deno.kill(old[0]!, "SIGKILL");
  await worker.logged(/ERROR .*trying again in 1 s/);
  const errors = await worker.logged(/ERROR/);
  assertMatch(
    errors[0]!,
    /reload failed, the old processes stay: Cannot start worker 1: .*No such/,
  );
  assertMatch(
    errors[1]!,
    /Cannot start worker \d: .*No such.*; trying again in 0\.5 s$/,
  );
  deployment.addWorker("v2");
  deployment.add(
    "v1",
    "worker.ts",
    `import "${deployment.folder("v2")}/worker.ts";`,
  );
  await eventually(() => load.by("v2") > 0, { timeout: 30_000 });
  await load.stop();
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
  await worker.childrenGone();
});

for (
  const { how, where } of [
    {
      how: "worked in",
      where: ({ current }: Deployment) => ({
        program: "worker.ts",
        cwd: current,
        // As a shell tells it that has followed the link.
        env: { PWD: current },
      }),
    },
    {
      how: "named to the program",
      where: ({ current }: Deployment) => ({
        program: `${current}/worker.ts`,
      }),
    },
  ]
) {
  Deno.test({
    name:
      `worker processes: HUP starts the code that a link leads to by then, when the link is what was ${how}`,
    ignore: !LINUX,
    async fn() {
      await using gateway = await GatewayFixture.start();
      await using deployment = new Deployment();
      deployment.addWorker("v1");
      deployment.use("v1");
      await using worker = await WorkerProcess.start(
        gateway.inner,
        where(deployment),
      );
      await using load = await RequestLoad.start(gateway.outer, 2);
      await eventually(() => load.by("v1") > 10);
      deployment.addWorker("v2");
      deployment.use("v2");
      deployment.remove("v1");
      worker.kill("SIGHUP");
      await worker.logged(/reloaded: the new processes are ready/);
      await eventually(() => load.by("v2") > 10);
      await load.stop();
      worker.kill("SIGTERM");
      assertEquals((await worker.finished()).code, 0);
    },
  });
}

for (const kind of ["GHaven", "THaven"] as const) {
  Deno.test({
    name:
      `${kind}.run() goes on when a child dies while its folder is gone, and starts it when it is back`,
    ignore: !LINUX,
    async fn() {
      await using deployment = new Deployment();
      const source = `import ${JSON.stringify(`file://${HAVEN_SERVER}`)};`;
      deployment.add("v1", "server.ts", source);
      const cwd = deployment.folder("v1");
      await using server = await HavenProcess.run([
        ...["--unstable-net", "--config", `${ROOT}/deno.json`],
        "server.ts",
        kind,
        JSON.stringify({ port: 0, workers: 2, onUnhandled: "exit" }),
        // Its processes get --config only from a program that may do all.
      ], { cwd, permissions: ["-A"] });
      const first = await server.answerers(2);
      deployment.remove("v1");
      await using client = await server.connect();
      // Thrown outside of a handler, or the end of the process.
      await client.write({ cmd: kind === "GHaven" ? 4 : 3 });
      await server.logged(
        /ERROR .*Cannot start (haven|thread) \d: .*trying again in 1 s/,
      );
      assert(await server.ask() !== undefined);
      deployment.add("v1", "server.ts", source);
      await server.answerers(1, first);
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    },
  });
}
