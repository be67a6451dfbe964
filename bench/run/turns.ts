// Turns: how late all else of a gateway's process is while its sockets have as much to do as there
// can be, and what it takes when there is nothing to do.

import { join } from "node:path";
import type { IoKind } from "@maple/box/internal";
import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Row } from "./rows.ts";
import { GATEWAYS } from "./servers.ts";
import { System } from "./system.ts";

const LOADS = [[50, 1], [1000, 1], [50, 16]] as const;
const BODY = 40;
// The gateway tells once a second how late it was at most in the second before.
const TOLD_MS = 1000;
const LEAST_S = 2 + 3 * TOLD_MS / 1000;
// What it needs to come to rest, and how long it is looked at then.
const REST_MS = 1500;
const IDLE_MS = 3000;

/** How late the event loop of a gateway is at full load, and what an idle gateway takes. */
export async function turns(context: BenchContext): Promise<Row[]> {
  const { generator, folder, tell, rounds } = context;
  const rows: Row[] = [];
  for (const [subject, io] of GATEWAYS) {
    rows.push(await withoutLoad(context, subject, io));
    const statFile = join(folder, `turns-${io}.json`);
    await using system = await System.start({ io, statFile });
    await generator.warmUp(system.port);
    for (const [connections, depth] of LOADS) {
      const late: number[] = [];
      for (let round = 0; round < rounds; round++) {
        tell(`${connections} × ${depth}, ${subject}, round ${round + 1}`);
        const load = { connections, depth, body: BODY, cmd: Cmd.ECHO };
        const duration = Math.max(LEAST_S, context.seconds);
        const running = generator.run(system.port, { ...load, duration });
        // The seconds before the first of these two were those of the connecting.
        await rest(1000 * duration - 2 * TOLD_MS);
        late.push(await lateness(statFile));
        await rest(TOLD_MS);
        late.push(await lateness(statFile));
        await running;
      }
      rows.push({
        scenario: `${connections} × ${depth}, ${BODY} B`,
        subject,
        unit: "ms late at most",
        values: late,
      });
    }
  }
  return rows;
}

async function withoutLoad(
  { generator, tell, rounds }: BenchContext,
  subject: string,
  io: IoKind,
): Promise<Row> {
  await using system = await System.start({ io });
  await generator.warmUp(system.port);
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`${subject} without load, round ${round + 1}`);
    await rest(REST_MS);
    const [before, since] = [await system.gateway.cpu(), performance.now()];
    await rest(IDLE_MS);
    const used = await system.gateway.cpu() - before;
    values.push(100 * 1000 * used / (performance.now() - since));
  }
  const unit = "% of a processor";
  return { scenario: "without load", subject, unit, values };
}

async function lateness(statFile: string): Promise<number> {
  const report = JSON.parse(await Deno.readTextFile(statFile));
  return 1000 * report.stats.loopDelay;
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
