// Stat files of a gateway, with values in it that do not fit.

import { utf8 } from "../../../box/support.ts";
import { reportWith } from "../../../gateway/stat/stat_report.ts";
import type { Random } from "../../../helpers/random.ts";
import { some } from "./boxes.ts";

const HOSTILE: readonly unknown[] = [
  ...[null, true, -1, 0, 0.5, 1e21, 1e308, -1e308, 2 ** 53],
  ...[
    "",
    "x",
    "\u001b[2J",
    "a\nb",
    "\u0000",
    "\u202e",
    "\ud800",
    "𝄞".repeat(300),
  ],
  ...[[], [[]], {}, { x: 1 }, [null], [1e308, 1e308], Array(5000).fill(1)],
];

// As a gateway that lives writes it, also when it is replayed.
const REPORT = reportWith({
  stats: { rss: 90_000_000 },
  report: { time: "2999-12-31T23:59:59.000Z" },
});

/** The lines of a stat file. */
export function statFile(random: Random): Uint8Array[] {
  const report = structuredClone(REPORT) as unknown as Record<string, unknown>;
  const stats = report["stats"] as Record<string, unknown>;
  if (random.next() < 0.8) {
    stats["workerLinks"] = some(random, () => worker(random));
    stats["commands"] = some(random, () => command(random));
  }
  for (let i = random.pick([0, 0, 1, 2, 5]); i > 0; i--) {
    replaceOne(random, report);
  }
  const text = JSON.stringify(report, null, 1);
  return text.split("\n").map((line) => utf8(`${line}\n`));
}

function worker(random: Random): Record<string, unknown> {
  const text = () =>
    random.pick(HOSTILE.filter((one) => typeof one === "string"));
  const number = () => random.pick([0, 1, 3.5, 1e9]);
  return {
    ...{ name: text(), host: text(), version: text(), address: text() },
    ...{ pid: number(), concurrency: number(), index: number() },
    ...{ credits: number(), inHand: number(), done: number() },
    ...{ connectedSeconds: number(), seenSeconds: number() },
  };
}

function command(random: Random): Record<string, unknown> {
  const seconds = random.pick([0, 0.004, 1e9]);
  const cmd = random.pick([1, -1, "other", "\u001b[31m"]);
  return { cmd, count: random.between(0, 9), seconds, maxSeconds: seconds };
}

// Somewhere in it something else stands.
function replaceOne(random: Random, value: Record<string, unknown>): void {
  const names = Object.keys(value);
  if (names.length === 0) return;
  const name = random.pick(names);
  const inner = value[name];
  if (typeof inner === "object" && inner !== null && random.next() < 0.85) {
    replaceOne(random, inner as Record<string, unknown>);
  } else if (random.next() < 0.2) delete value[name];
  else value[name] = structuredClone(random.pick(HOSTILE));
}
