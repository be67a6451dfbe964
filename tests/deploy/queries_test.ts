// Every query of the board, asked of a Prometheus that scrapes gateways and a worker under load.

import { assertEquals } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { hasPrometheus, Prometheus } from "../helpers/prometheus.ts";
import type { RunningProcess } from "../helpers/process.ts";
import { LifeCmd } from "../system/programs/life_worker.ts";
import { WorkerProcess } from "../system/worker_process.ts";
import { alerts, panels, queriesOf } from "./deploy_files.ts";

const PATIENCE = { timeout: 120_000 };

/** Where the program serves what is scraped, `HOST:PORT`. */
async function statusOf(process: RunningProcess): Promise<string> {
  let found: string | undefined;
  await eventually(() => {
    found = / at http:\/\/(127\.0\.0\.1:\d+)\//.exec(process.stderr)?.[1];
    return found !== undefined;
  }, PATIENCE);
  return found!;
}

Deno.test({
  name:
    "each query of the board, and what the alerts look at, is found by a Prometheus that scrapes a loaded gateway",
  ignore: !hasPrometheus || Deno.build.os !== "linux",
  fn: async () => {
    // One of several processes, and one that is alone in its cluster.
    await using several = await startGatewayProcess(
      ["--metrics", "0", "--processes", "2"],
      GATEWAY_ALL_ARGS,
    );
    await using alone = await startGatewayProcess(
      ["--metrics", "0", "--cluster", "nats://127.0.0.1:1"],
      GATEWAY_ALL_ARGS,
    );
    await using worker = await WorkerProcess.start(several.inner, {
      metrics: "0",
      workers: 1,
    });
    await using prometheus = await Prometheus.start({
      "maple-gateway": await Promise.all(
        [several, alone].map(({ process }) => statusOf(process)),
      ),
      "maple-worker": [await statusOf(worker)],
    });
    await using client = new TcpClient(Box, "127.0.0.1", several.outerPort, {
      timeout: 60,
    });
    await client.connect();
    let empty = [
      ...panels().flatMap(queriesOf),
      // Of the alerts, which are to find nothing, what they look at.
      ...alerts().flatMap(({ expr }) =>
        expr.match(/\bmaple_\w+(\{.*?\})?/g) ?? []
      ),
    ];
    await eventually(async () => {
      await client.request({ cmd: LifeCmd.WHO });
      const left: string[] = [];
      for (const query of empty) {
        const found = await prometheus.query(query);
        const isNumber = ({ value }: typeof found[0]) => value[1] !== "NaN";
        if (!found.some(isNumber)) left.push(query);
      }
      empty = left;
      return empty.length === 0;
    }, PATIENCE).catch(() => {});
    assertEquals(empty, []);
  },
});
