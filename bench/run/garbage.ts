// Garbage: what gateway and worker allocate for a message, as V8 tells when it collects.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import type { Program } from "./program.ts";
import type { Row } from "./rows.ts";
import { median } from "./statistics.ts";
import { System, type SystemOptions } from "./system.ts";

const BODY = 40;
const MESSAGES = 100_000;
const NO_CHAINS = "chain-max 1";
const LOADS = [{ connections: 50, depth: 1 }, { connections: 50, depth: 16 }];

/** What one process has collected in a while. */
export interface Garbage {
  /** How often V8 went through its young generation. */
  readonly scavenges: number;
  /** How often it went through the whole heap. */
  readonly marks: number;
  /** Megabytes that were allocated on the heap meanwhile. */
  readonly megabytes: number;
  /** Milliseconds that it took. */
  readonly ms: number;
}

const LINE =
  /: (Scavenge|Mark-Compact)\b.*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB,.*? ([\d.]+) \/ [\d.]+ ms/;

/** What is in the text of `--trace-gc`; what was allocated is known from the first line on. */
export function parseGarbage(text: string): Garbage {
  const sum = { scavenges: 0, marks: 0, megabytes: 0, ms: 0 };
  let left: number | undefined;
  for (const line of text.split("\n")) {
    const [, kind, before, after, took] = LINE.exec(line) ?? [];
    if (kind === undefined) continue;
    if (kind === "Scavenge") sum.scavenges++;
    else sum.marks++;
    if (left !== undefined) {
      sum.megabytes += Math.max(0, Number(before) - left);
    }
    left = Number(after);
    sum.ms += Number(took);
  }
  return sum;
}

/** Gateway and worker, with chains and without, and those of another working copy. */
export async function garbage(context: BenchContext): Promise<Row[]> {
  const { copy } = context;
  const subjects: (readonly [string, SystemOptions])[] = [
    copy === undefined
      ? [NO_CHAINS, { chainMax: 1 }]
      : [`the same in ${copy}`, { copy }],
    ["with chains", {}],
  ];
  await using running = new AsyncDisposableStack();
  const systems: { name: string; system: System }[] = [];
  for (const [name, options] of subjects) {
    const system = running.use(
      await System.start({ ...options, tracesGarbage: true }),
    );
    for (const program of [system.gateway, ...system.workers]) {
      program.output().catch(() => {});
    }
    await context.generator.warmUp(system.port);
    systems.push({ name, system });
  }
  const rows: Row[] = [];
  for (const load of LOADS) rows.push(...await measure(context, load, systems));
  return rows;
}

async function measure(
  { generator, rounds, seconds, tell }: BenchContext,
  load: typeof LOADS[number],
  systems: readonly { name: string; system: System }[],
): Promise<Row[]> {
  const scenario = `${load.connections} × ${load.depth}`;
  const results = systems.map(() => ({
    gateway: [] as Garbage[],
    worker: [] as Garbage[],
  }));
  for (let round = 0; round < rounds; round++) {
    tell(`garbage, ${scenario}, round ${round + 1}`);
    for (const [i, { system }] of systems.entries()) {
      const programs: Record<"gateway" | "worker", Program> = {
        gateway: system.gateway,
        worker: system.workers[0]!,
      };
      const before = {
        gateway: programs.gateway.said.length,
        worker: programs.worker.said.length,
      };
      const { transactions } = await generator.run(system.port, {
        ...load,
        cmd: Cmd.ECHO,
        body: BODY,
        // Until there are enough collections to count.
        duration: 8 * seconds,
      });
      for (const name of ["gateway", "worker"] as const) {
        const text = programs[name].said.slice(before[name]);
        results[i]![name].push(
          each(parseGarbage(text), transactions / MESSAGES),
        );
      }
    }
  }
  return (["gateway", "worker"] as const).flatMap((name) =>
    systems.map((subject, i): Row => {
      const values = (of: number) =>
        results[of]![name].map(({ megabytes }) => megabytes);
      const first = values(0);
      const mean = (what: keyof Garbage) =>
        median(results[i]![name].map((one) => one[what])).toPrecision(2);
      return {
        scenario: `${scenario}, ${name}`,
        subject: subject.name,
        unit: "MB for 100,000 messages",
        values: values(i),
        ratios: values(i).map((value, round) => value / first[round]!),
        yardstick: systems[0]!.name,
        note: `${mean("scavenges")} scavenges, ${mean("marks")} others, ${
          mean("ms")
        } ms`,
      };
    })
  );
}

function each(garbage: Garbage, hundredThousands: number): Garbage {
  return {
    scavenges: garbage.scavenges / hundredThousands,
    marks: garbage.marks / hundredThousands,
    megabytes: garbage.megabytes / hundredThousands,
    ms: garbage.ms / hundredThousands,
  };
}
