// Groups: what a message to a group costs where there are many groups, and what a membership takes.

import { GroupTable, type Membership } from "@maple/box/internal";
import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import { Cmd, GROUP_SIZE, GROUPS_FEW, GROUPS_MANY } from "./commands.ts";
import { type BenchContext, possibleConnections } from "./context.ts";
import type { Generator, ReadyLoad } from "./generator.ts";
import type { Row } from "./rows.ts";
import { ONE_WORKER } from "./servers.ts";
import { System } from "./system.ts";

const CLIENTS = GROUPS_MANY * GROUP_SIZE / 2;
// One member of each of these groups asks, so that it gets nothing but its answers.
const ASKERS = GROUPS_FEW / 2;
const LEAST_S = 0.5;
const WARM_UP_S = 0.3;
const LIMITS = { groupsPerClient: 100, groupsMax: 1_000_000 };

const KINDS = [
  { groups: GROUPS_FEW, join: Cmd.JOIN_FEW, write: Cmd.TO_GROUP_FEW },
  { groups: GROUPS_MANY, join: Cmd.JOIN_MANY, write: Cmd.TO_GROUP_MANY },
];

/** A gateway whose clients have joined. */
interface Joined extends AsyncDisposable {
  /** Its port for clients. */
  readonly port: number;
}

/**
 * How long a message to a group of three takes to arrive, with 10 and with 10,000 such groups among
 * 15,000 clients; and the bytes that a membership takes on the heap.
 */
export async function groups(context: BenchContext): Promise<Row[]> {
  const { generator, tell } = context;
  const seconds = Math.max(context.seconds, LEAST_S);
  const rows = [memberships(GROUPS_MANY, GROUP_SIZE)];
  if (possibleConnections(context, [CLIENTS]).length === 0) return rows;
  await using running = new AsyncDisposableStack();
  const systems: Joined[] = [];
  for (const { groups, join } of KINDS) {
    tell(`${CLIENTS} clients join ${groups} groups`);
    systems.push(running.use(await joined(generator, join)));
  }
  const p50: number[][] = KINDS.map(() => []);
  const p99: number[][] = KINDS.map(() => []);
  // The first round is the warm-up.
  for (let round = 0; round <= context.rounds; round++) {
    for (const [i, { groups, join, write }] of KINDS.entries()) {
      tell(`messages to ${groups} groups, round ${round}`);
      const result = await generator.run(systems[i]!.port, {
        connections: ASKERS,
        login: 1,
        "login-cmd": join,
        cmd: write,
        duration: seconds,
        "warm-up": WARM_UP_S,
      });
      if (round === 0) continue;
      p50[i]!.push(result.p50);
      p99[i]!.push(result.p99);
    }
  }
  const few = p50[0]!;
  return [
    ...KINDS.map(({ groups }, i): Row => ({
      scenario: `to a group of ${GROUP_SIZE}, ${CLIENTS} clients`,
      subject: `${ONE_WORKER}, ${groups} groups`,
      unit: "ms p50",
      values: p50[i]!,
      p99: p99[i]!,
      ...i > 0 && {
        ratios: p50[i]!.map((value, round) => value / few[round]!),
        yardstick: `${GROUPS_FEW} groups`,
      },
    })),
    ...rows,
  ];
}

// All but those that ask.
async function joined(generator: Generator, join: number): Promise<Joined> {
  const stack = new AsyncDisposableStack();
  const system = stack.use(await System.start());
  const load: ReadyLoad = await generator.ready(system.port, {
    connections: CLIENTS - ASKERS,
    requests: 0,
    login: 1 + ASKERS,
    "login-cmd": join,
  });
  stack.use(load);
  return {
    port: system.port,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

// What a membership takes, and a group beside its members.
function memberships(groups: number, size: number): Row {
  // The first time, what V8 learns of the code is counted too.
  heapOf(groups, size);
  const { each, group } = heapOf(groups, size);
  return {
    scenario: "memory of a membership",
    subject: `${groups} groups of ${size}`,
    unit: "bytes",
    values: [each],
    note: `a group ${group.toFixed(0)} bytes, beside its name`,
  };
}

function heapOf(
  groups: number,
  size: number,
): { each: number; group: number } {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const members = Array.from(
    { length: CLIENTS },
    (_, i) => ({ uid: i, groups: null as Membership | null }),
  );
  const table = new GroupTable<typeof members[number]>(LIMITS);
  const names = Array.from({ length: groups }, (_, i) => `table ${i}`);
  const used = () => {
    collect();
    return Deno.memoryUsage().heapUsed;
  };
  const join = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      table.join(members[i % CLIENTS]!, names[i % groups]!);
    }
  };
  const before = used();
  join(0, groups);
  const begun = used();
  join(groups, groups * size);
  const each = (used() - begun) / (groups * (size - 1));
  const group = (begun - before) / groups - each;
  return { each, group };
}
