// Programs that are started by a relative path and go to another folder before they run: their
// processes are started where they were.

import { assert, assertEquals } from "@std/assert";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { eventually } from "../helpers/eventually.ts";
import { ROOT } from "../helpers/paths.ts";
import { RunningProcess } from "../helpers/process.ts";
import { HavenProcess } from "./haven_process.ts";
import { LIFE_WORKER, WorkerProcess } from "./worker_process.ts";

// A program's folder with another one in it.
async function folderOf(file: string, source: string) {
  const path = await Deno.makeTempDir({ prefix: "maple_changed_" });
  await Deno.mkdir(`${path}/data`);
  await Deno.writeTextFile(
    `${path}/${file}`,
    // By a relative path: whoever is started in "data" does not get there.
    `${source.replace("GO", 'Deno.chdir("data");')}\n`,
  );
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

for (const kind of ["Haven", "GHaven", "THaven"]) {
  Deno.test({
    name:
      `${kind}.run() starts its processes where it was started, whatever folder it went to`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using folder = await folderOf(
        "server.ts",
        `import { Box } from "@maple/box";
import { ${kind} } from "@maple/haven";
if (!("WorkerGlobalScope" in globalThis)) Deno.chdir("data");
const app = new ${kind}(Box);
app.route(1, () => ({ body: { id: String(Deno.pid) } }));
await app.run({ port: 0, workers: ${kind === "Haven" ? 1 : 2}${
          kind === "Haven" ? ', io: "epoll"' : ""
        } });`,
      );
      await using server = await HavenProcess.run(
        ["--unstable-net", "--config", `${ROOT}/deno.json`, "server.ts"],
        { cwd: folder.path, permissions: ["-A"] },
      );
      const first = await server.ask();
      assert(first);
      if (kind === "Haven") {
        server.kill("SIGHUP");
        await server.logged(/reloaded: the new processes are ready/);
        await eventually(async () => (await server.ask())?.id !== first.id);
      }
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    },
  });
}

Deno.test("Worker.run() starts its processes where it was started, whatever folder it went to", async () => {
  await using gateway = await GatewayFixture.start();
  await using folder = await folderOf(
    "worker.ts",
    `import { runLifeWorker } from ${JSON.stringify(`file://${LIFE_WORKER}`)};
GO
await runLifeWorker("v1");`,
  );
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: "worker.ts",
    cwd: folder.path,
  });
  worker.kill("SIGHUP");
  await worker.logged(/reloaded: the new processes are ready/);
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
});

Deno.test({
  name:
    "a gateway starts its processes where it was started, whatever folder its program went to",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await folderOf(
      "gateway.ts",
      `import { main } from "@maple/gateway/main";
GO
Deno.exit(await main(Deno.args, { isProgram: true }));`,
    );
    await using gateway = new RunningProcess(Deno.execPath(), {
      cwd: folder.path,
      args: [
        ...["run", "-A", "--unstable-net", "--config", `${ROOT}/deno.json`],
        ...["gateway.ts", "--processes", "2"],
        ...["--outer-port", "0", "--inner-port", "0"],
      ],
    });
    await gateway.line(/^maple gateway ready/);
    gateway.kill("SIGTERM");
    assertEquals((await gateway.finished()).code, 0);
  },
});
