// Reload of a worker's processes by HUP: new code, no request lost; bad code, nothing happens. And
// processes that keep dying.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { GatewayStats } from "@maple/gateway";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { runProcess } from "../helpers/process.ts";
import { ROOT } from "../helpers/paths.ts";
import { RequestLoad } from "./request_load.ts";
import { LIFE_WORKER, WorkerProcess } from "./worker_process.ts";

// A program on disk that tests change while it runs.
class ProgramOnDisk implements AsyncDisposable {
  readonly #dir: string;

  constructor(version: string) {
    this.#dir = Deno.makeTempDirSync({ prefix: "maple_reload_" });
    this.write(runs(version));
  }

  get path(): string {
    return `${this.#dir}/worker.ts`;
  }

  write(source: string): void {
    Deno.writeTextFileSync(this.path, source);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#dir, { recursive: true });
  }
}

function runs(version: string): string {
  return `import { runLifeWorker } from ${
    JSON.stringify(`file://${LIFE_WORKER}`)
  };
await runLifeWorker("${version}");
`;
}

Deno.test("worker reload: HUP brings up changed code while requests run, none is lost", async () => {
  await using gateway = await GatewayFixture.start();
  await using program = new ProgramOnDisk("v1");
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: program.path,
  });
  await using load = await RequestLoad.start(gateway.outer);
  await eventually(() => load.by("v1") > 100);
  for (const [index, version] of ["v2", "v3"].entries()) {
    program.write(runs(version));
    worker.kill("SIGHUP");
    await worker.logged(/reloaded: the new processes are ready/, index + 1);
    await eventually(() => load.by(version) > 100, {
      timeout: 30_000,
      what: `100 answers of ${version}`,
    });
  }
  await worker.logged(/ended: exit code 0/, 4);
  await load.stop();
  const before = load.by("v1") + load.by("v2");
  assertEquals(load.answered, before + load.by("v3"));
  const { clientsClosed, redelivered } = gateway.gateway.stats();
  assertEquals(redelivered, 0);
  assertEquals(Object.values(clientsClosed).filter((count) => count > 0), []);
  assertEquals(
    worker.started.map(({ index }) => index),
    [1, 2, 1, 2, 1, 2],
  );
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
});

async function failsToReload(
  source: string,
  options: { reloadTimeout?: number; says: RegExp },
): Promise<GatewayStats> {
  const { says, ...runOptions } = options;
  await using gateway = await GatewayFixture.start();
  await using program = new ProgramOnDisk("v1");
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: program.path,
    ...runOptions,
  });
  const old = worker.children;
  await using load = await RequestLoad.start(gateway.outer, 2);
  program.write(source);
  worker.kill("SIGHUP");
  const [line, ...more] = await worker.logged(/ ERROR master/);
  assertMatch(line!, says);
  assertEquals(more, []);
  // The new ones go, the old ones stay and serve.
  await eventually(() => worker.children.length === 2);
  assertEquals(worker.children, old);
  const answered = load.answered;
  await eventually(() => load.answered > answered + 50);
  // What is mended can be reloaded.
  program.write(runs("v2"));
  worker.kill("SIGHUP");
  await eventually(() => load.by("v2") > 50, { timeout: 30_000 });
  await load.stop();
  return gateway.gateway.stats();
}

Deno.test("worker reload: the old processes stay when the new code throws", async () => {
  const stats = await failsToReload('throw new Error("a mistake");\n', {
    says:
      /reload failed, the old processes stay: new worker \d \(pid \d+\) ended with exit code 1 before it was ready$/,
  });
  assertEquals(stats.redelivered, 0);
});

Deno.test("worker reload: the old processes stay when the new ones do not attach within reloadTimeout", async () => {
  const stats = await failsToReload("setInterval(() => {}, 1000);\n", {
    reloadTimeout: 1.5,
    says:
      /reload failed, the old processes stay: the new ones were not ready within 1\.5 s \(reloadTimeout\)$/,
  });
  assertEquals(stats.redelivered, 0);
});

Deno.test("worker reload: the old processes stay when a new one ends before all are ready", async () => {
  // The first attaches, serves and dies; the second would come later.
  const source =
    `if (Deno.env.get("MAPLE_WORKER") === "1") setTimeout(() => Deno.exit(7), 1000);
else await new Promise((resolve) => setTimeout(resolve, 2000));
${runs("v1")}`;
  const { givenUp } = await failsToReload(source, {
    says: /new worker 1 \(pid \d+\) ended before all were ready$/,
  });
  assertEquals(givenUp, 0);
});

Deno.test("worker reload: a HUP during a reload is remembered: what runs is what was on disk at the last one", async () => {
  await using gateway = await GatewayFixture.start();
  await using program = new ProgramOnDisk("v1");
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: program.path,
    reloadTimeout: 5,
  });
  program.write('console.log("hangs"); setInterval(() => {}, 1000);\n');
  worker.kill("SIGHUP");
  for (let i = 0; i < 2; i++) await worker.line(/^hangs$/);
  program.write(runs("v2"));
  worker.kill("SIGHUP");
  await worker.logged(/another reload follows the one that is under way/);
  await worker.logged(/ERROR .*reload failed/);
  await worker.logged(/reloaded: the new processes are ready/);
  await worker.logged(/ended: exit code 0/, 2);
  await using load = await RequestLoad.start(gateway.outer, 2);
  await eventually(() => load.by("v2") > 10);
  await load.stop();
  assertEquals(load.by("v1"), 0);
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
  await worker.childrenGone();
});

Deno.test("worker processes: a child that keeps dying is started again with a growing delay", async () => {
  await using gateway = await GatewayFixture.start();
  await using program = new ProgramOnDisk("v1");
  program.write(
    `if (Deno.env.has("MAPLE_WORKER")) Deno.exit(3);\n${runs("v1")}`,
  );
  await using worker = await WorkerProcess.start(gateway.inner, {
    program: program.path,
    workers: 1,
    waits: false,
  });
  const lines = await worker.logged(/exit code 3/, 4);
  assertEquals(
    lines.slice(0, 4).map((line) => line.replace(/.*; starting another /, "")),
    ["at once", "in 0.5 s", "in 1 s", "in 2 s"],
  );
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
  assert(!worker.stdout.some((line) => /ready/.test(line)));
});

Deno.test("worker processes: deno eval cannot have them, and says so", async () => {
  const code = `import { runLifeWorker } from ${
    JSON.stringify(`file://${LIFE_WORKER}`)
  };
await runLifeWorker("v1", ["28000"]);`;
  const { code: exitCode, stderr } = await runProcess(Deno.execPath(), {
    args: ["eval", code],
    cwd: ROOT,
  });
  assertEquals(exitCode, 1);
  assertMatch(
    stderr,
    /WorkerError: Cannot start child processes from "deno eval": use workers: 0 there/,
  );
});
