// sumStats(): what several processes tell, as one.

import { assertEquals } from "@std/assert";
import { Gateway, type GatewayStats } from "@maple/gateway";
import { SILENT } from "@maple/box/internal";
import { sumStats, totalsOf } from "../../../gateway/metrics/sum_stats.ts";

function stats(of: Partial<GatewayStats> = {}): GatewayStats {
  return { ...new Gateway({ logger: SILENT }).stats(), ...of };
}

const WORKER = { name: "game", pid: 7, host: "a", index: 1 };

function link(address: string, more: object = {}) {
  return {
    address,
    ...{ credits: 1, inHand: 2, done: 3, connectedSeconds: 4, seenSeconds: 5 },
    ...more,
  };
}

Deno.test("sumStats() adds up counters, by kind too, and takes the highest of what is no sum", () => {
  const sum = sumStats(
    stats({ answers: 1, clients: 2, loopDelay: 0.5, pid: 11, denied: 3 }),
    [
      stats({
        ...{ answers: 10, clients: 20, loopDelay: 0.1, pid: 12, denied: 3 },
        clientsOver: { tcp: 1, ws: 2, tls: 3, wss: 4 },
        clientsRelayedBy: { 7: 1 },
      }),
      stats({ clientsRelayedBy: { 8: 2 } }),
      { answers: 100 },
    ],
  );
  assertEquals([sum.answers, sum.clients, sum.pid], [111, 22, 11]);
  assertEquals([sum.loopDelay, sum.denied], [0.5, 3]);
  assertEquals(sum.clientsOver, { tcp: 1, ws: 2, tls: 3, wss: 4 });
  assertEquals(sum.clientsRelayedBy, { 7: 1, 8: 2 });
});

Deno.test("sumStats() adds up every number of the counters", () => {
  const one = stats();
  const ones = (value: unknown): unknown =>
    typeof value === "number" ? 1 : Object.fromEntries(
      Object.keys(value as object).map((key) => [key, 1]),
    );
  const totals = totalsOf(one);
  const { queueTime: _, workTime: __, commands: ___, ...counters } = totals;
  const counted = Object.fromEntries(
    Object.entries(counters).map(([name, value]) => [name, ones(value)]),
  );
  const sum = sumStats({ ...one, ...counted }, [counted]);
  for (const name of Object.keys(counted) as (keyof GatewayStats)[]) {
    if (name === "backlogOverflows") continue;
    const value = sum[name];
    const parts = typeof value === "number" ? [value] : Object.values(value!);
    assertEquals([name, ...parts], [name, ...parts.map(() => 2)]);
  }
});

Deno.test("sumStats() adds up histograms and commands, the rest of which stays one", () => {
  const time = { bounds: [1], counts: [2, 3], count: 5, sum: 6 };
  const command = (cmd: number | "other", count: number, maxSeconds = 1) => ({
    ...{ cmd, count, seconds: count / 2, maxSeconds },
  });
  const many = Array.from({ length: 50 }, (_, cmd) => command(cmd + 10, 100));
  const sum = sumStats(
    stats({ queueTime: time, commands: [...many, command("other", 1)] }),
    [
      stats({ queueTime: time, commands: [command(10, 5, 7), command(2, 3)] }),
    ],
  );
  assertEquals(
    sum.queueTime,
    { bounds: [1], counts: [4, 6], count: 10, sum: 12 },
  );
  assertEquals(sum.commands.length, 51);
  assertEquals(sum.commands[0], command(10, 105, 7));
  assertEquals(sum.commands.at(-1), command("other", 4));
});

Deno.test("sumStats() tells a worker of several processes once, those that tell nothing each", () => {
  const sum = sumStats(
    stats({ workerLinks: [link("a:1", WORKER), link("a:2")], workers: 2 }),
    [
      stats({
        workerLinks: [
          link("a:3", { ...WORKER, done: 30, seenSeconds: 0 }),
          link("a:4", { ...WORKER, index: 2 }),
        ],
        workers: 2,
      }),
    ],
  );
  assertEquals(sum.workers, 3);
  assertEquals(
    sum.workerLinks.map(({ address, done, seenSeconds }) => [
      ...[address, done, seenSeconds],
    ]),
    [["a:1", 33, 0], ["a:2", 3, 5], ["a:4", 3, 5]],
  );
});

Deno.test("sumStats() tells the largest groups and the most limited addresses of all", () => {
  const sum = sumStats(
    stats({
      largestGroups: [{ name: "x", members: 5 }, { name: "y", members: 4 }],
      limitedAddresses: [{ address: "192.0.2.1", count: 2 }],
    }),
    [
      stats({
        largestGroups: [{ name: "y", members: 2 }],
        limitedAddresses: [
          { address: "192.0.2.2", count: 9 },
          { address: "192.0.2.1", count: 3 },
        ],
      }),
    ],
  );
  assertEquals(sum.largestGroups, [
    { name: "y", members: 6 },
    { name: "x", members: 5 },
  ]);
  assertEquals(sum.limitedAddresses, [
    { address: "192.0.2.2", count: 9 },
    { address: "192.0.2.1", count: 5 },
  ]);
});
