// A small crowd at the card table while its workers are reloaded and killed: the short form of
// `deno task table:crowd`.

import { assert, assertEquals } from "@std/assert";
import { hasRedis, startRedis } from "../helpers/redis.ts";
import { faultLines, isWell, reportLines } from "./crowd/report.ts";
import { type CrowdOptions, runCrowd } from "./crowd/run_crowd.ts";

const OPTIONS: CrowdOptions = {
  ...{ players: 31, seconds: 8, reloadEvery: 3, killEvery: 2, scaleEvery: 2 },
  thinkMs: [10, 60],
  leastGames: 1,
  // However slow the machine is just now.
  turn: 120,
};

async function tryCrowd(options: CrowdOptions): Promise<void> {
  const result = await runCrowd(options);
  const report = reportLines(result).join("\n");
  assert(isWell(result), `${report}\n${faultLines(result).join("\n")}`);
  const { totals, reloads, kills, scalings } = result;
  assertEquals(totals.violations, []);
  // That something was put to the test at all.
  assert(totals.finished.size > 0, report);
  assert(totals.cameBack > 0, report);
  assert(totals.pids.size > 2, report);
  assert(reloads > 0 && kills > 0 && scalings > 0, report);
  assert(totals.waits.count > totals.made, report);
}

Deno.test("a crowd plays by the rules and loses nothing while workers are reloaded and killed", async () => {
  await tryCrowd(OPTIONS);
});

Deno.test({
  name: "a crowd plays on in Redis",
  ignore: !hasRedis,
  async fn() {
    await using redis = await startRedis();
    await tryCrowd({ ...OPTIONS, seconds: 5, store: redis.url });
  },
});
