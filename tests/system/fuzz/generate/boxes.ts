// Valid frames of clients: boxes with the commands of the fuzz worker, and lines.

import { Box, LineBox } from "@maple/box";
import type { Random } from "../../../helpers/random.ts";
import { FuzzCmd } from "../commands.ts";

const CMDS = Object.values(FuzzCmd);

/** One whole box. */
export function box(random: Random): Uint8Array {
  return new Box({
    version: random.next() < 0.9 ? 0 : Number(random.signed(16)),
    flag: random.next() < 0.9 ? 0 : Number(random.signed(16)),
    cmd: random.next() < 0.8 ? random.pick(CMDS) : Number(random.signed(32)),
    ret: random.next() < 0.9 ? 0 : Number(random.signed(32)),
    sn: random.between(0, 100),
    body: body(random),
  }).pack();
}

function body(random: Random): Uint8Array | string {
  return random.pick<() => Uint8Array | string>([
    () => "",
    () => `{"uid":${random.between(-3, 20)}}`,
    () => `{"uid":${random.signed(64)}}`,
    () => "[".repeat(random.pick([1, 50, 5000])),
    () => random.bytes(random.between(0, 60)),
    () => random.bytes(random.pick([100, 1000, 9000, 66_000])),
  ])();
}

/** Some boxes. */
export function boxes(random: Random): Uint8Array[] {
  return some(random, box);
}

/** Up to 5,000 small boxes, the last of them cut. */
export function manyBoxes(random: Random): Uint8Array[] {
  const cmds = [FuzzCmd.ECHO, FuzzCmd.ECHO, FuzzCmd.ECHO, FuzzCmd.HEARTBEAT];
  const frames = Array.from(
    { length: random.between(1, random.pick([10, 500, 5000])) },
    (_, sn) => new Box({ cmd: random.pick(cmds), sn, body: "churn" }).pack(),
  );
  const last = frames.pop()!;
  return [...frames, last.subarray(0, random.between(1, last.length))];
}

/** Some lines, with every kind of end. */
export function lines(random: Random): Uint8Array[] {
  return some(random, (random) => {
    const end = random.pick([
      "\n",
      "\n",
      "\n",
      "\r\n",
      "\n\n",
      "\r",
      "",
      "\0\n",
    ]);
    const text = random.pick([
      "",
      "x",
      "ü€𝄞",
      "{}",
      "\ufeff",
      "\u2028",
      " ".repeat(3000),
    ]);
    return random.next() < 0.5
      ? new LineBox({ body: text }).pack()
      : new TextEncoder().encode(text + end);
  });
}

/** Mostly few, at times many. */
export function some<T>(random: Random, make: (random: Random) => T): T[] {
  const count = random.between(1, random.pick([1, 3, 8, 8, 40]));
  return Array.from({ length: count }, () => make(random));
}
