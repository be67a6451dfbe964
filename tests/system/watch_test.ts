// Programs under `deno run --watch`: each save is a clean stop and start.

import { assertEquals } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { RunningProcess } from "../helpers/process.ts";
import { isRunning } from "./worker_process.ts";

const LINUX = Deno.build.os === "linux";
const STUBBORN = new URL(
  `file://${pathOf("../system/programs/stubborn.ts")}`,
).href;

function childrenOf({ stderr }: RunningProcess): number[] {
  const lines = stderr.matchAll(
    /\b(?:worker|haven) \d+ \(pid (\d+)\) started/g,
  );
  return Array.from(lines, ([, pid]) => Number(pid));
}

for (const kind of ["Worker", "GHaven"] as const) {
  Deno.test({
    name:
      `${kind}.run() under --watch: after three saves one master and its children are left, and none after TERM`,
    ignore: !LINUX,
    async fn() {
      await using gateway = await GatewayFixture.start();
      const folder = await Deno.makeTempDir();
      const program = `${folder}/program.ts`;
      const source = (await Deno.readTextFile(new URL(STUBBORN)))
        .replace("import.meta.main", "true");
      const save = (version: number) =>
        Deno.writeTextFile(program, `${source}// version ${version}\n`);
      await save(1);
      const port = kind === "Worker" ? gateway.inner.port : 0;
      const options = { port, workers: 2, stopTimeout: 1 };
      try {
        await using process = new RunningProcess(Deno.execPath(), {
          args: [
            ...["run", "-A", "--watch", "--no-clear-screen"],
            ...["--config", `${ROOT}/deno.json`],
            ...[program, kind, JSON.stringify(options)],
          ],
        });
        for (let version = 1; version <= 4; version++) {
          if (version > 1) await save(version);
          await process.line(/^maple \w+ ready/);
          await eventually(
            () => childrenOf(process).filter(isRunning).length === 2,
            { timeout: 30_000, what: `two children of version ${version}` },
          );
          assertEquals(childrenOf(process).length, 2 * version);
        }
        process.kill("SIGTERM");
        await eventually(() => !childrenOf(process).some(isRunning), {
          timeout: 30_000,
          what: `the end of ${childrenOf(process)}`,
        });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
