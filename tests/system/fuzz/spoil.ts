// spoil(): what becomes of valid frames on their way to a server that trusts nobody.

import { joined } from "../../box/support.ts";
import type { Random } from "../../helpers/random.ts";

/** What is known of frames that are spoiled. */
export interface SpoilOptions {
  /** Where a frame has its length as a big-endian int32. @default none */
  readonly lengthAt?: number | undefined;
}

type Spoiling = (
  random: Random,
  frames: Uint8Array[],
  options: SpoilOptions,
) => void;

const FRAMES_MAX = 400;
const HOSTILE_LENGTHS = [
  ...[-(2 ** 31), -1, 0, 1, 23, 24, 25, 59, 60, 61, 75, 76, 77, 100],
  ...[255, 256, 65_535, 65_536, 1_048_576, 1_048_577, 16_777_216, 16_777_217],
  ...[2 ** 31 - 1],
];
const HOSTILE_BYTES = [
  0,
  1,
  9,
  10,
  13,
  27,
  32,
  34,
  91,
  123,
  127,
  128,
  254,
  255,
];

// Those that come often leave most of a frame as it was, so that more than its start is reached.
const SPOILINGS: readonly Spoiling[] = [
  flip,
  flip,
  hostileByte,
  hostileByte,
  hostileLength,
  hostileLength,
  cut,
  insert,
  remove,
  copyWithin,
  splice,
  reorder,
  duplicate,
  drop,
];

/** The frames with nothing to a few things done to them; the ones given stay as they are. */
export function spoil(
  random: Random,
  frames: readonly Uint8Array[],
  options: SpoilOptions = {},
): Uint8Array[] {
  const spoiled = frames.map((frame) => frame.slice());
  const times = random.pick([0, 1, 1, 1, 2, 2, 3, 6]);
  for (let i = 0; i < times && spoiled.length > 0; i++) {
    random.pick(SPOILINGS)(random, spoiled, options);
  }
  return spoiled;
}

function flip(random: Random, frames: Uint8Array[]): void {
  const frame = random.pick(frames);
  for (let i = random.pick([1, 1, 2, 8]); i > 0 && frame.length > 0; i--) {
    frame[random.between(0, frame.length - 1)]! ^= 1 << random.between(0, 7);
  }
}

function hostileByte(random: Random, frames: Uint8Array[]): void {
  const frame = random.pick(frames);
  const from = random.between(0, Math.max(0, frame.length - 1));
  const value = random.pick(HOSTILE_BYTES);
  frame.fill(value, from, from + random.pick([1, 1, 2, 4, 8]));
}

function hostileLength(
  random: Random,
  frames: Uint8Array[],
  { lengthAt }: SpoilOptions,
): void {
  const frame = random.pick(frames);
  if (frame.length < 4) return;
  const at = lengthAt !== undefined && random.next() < 0.7
    ? lengthAt
    : random.between(0, frame.length >> 2) * 4;
  if (at + 4 > frame.length) return;
  const value = random.next() < 0.3
    ? frame.length + random.between(-3, 3)
    : random.pick(HOSTILE_LENGTHS);
  new DataView(frame.buffer, frame.byteOffset).setInt32(at, value);
}

function cut(random: Random, frames: Uint8Array[]): void {
  const i = random.between(0, frames.length - 1);
  frames[i] = frames[i]!.slice(0, random.between(0, frames[i]!.length));
}

function insert(random: Random, frames: Uint8Array[]): void {
  const i = random.between(0, frames.length - 1);
  const frame = frames[i]!;
  const at = random.between(0, frame.length);
  const count = random.pick([1, 2, 4, 16, 300]);
  const more = random.next() < 0.5
    ? random.bytes(count)
    : new Uint8Array(count).fill(random.pick(HOSTILE_BYTES));
  frames[i] = joined([frame.subarray(0, at), more, frame.subarray(at)]);
}

function remove(random: Random, frames: Uint8Array[]): void {
  const i = random.between(0, frames.length - 1);
  const frame = frames[i]!;
  const at = random.between(0, frame.length);
  frames[i] = joined([
    frame.subarray(0, at),
    frame.subarray(at + random.pick([1, 2, 4, 16])),
  ]);
}

function copyWithin(random: Random, frames: Uint8Array[]): void {
  const frame = random.pick(frames);
  const [to, from, end] = [0, 0, 0].map(() => random.between(0, frame.length));
  frame.copyWithin(to!, from!, end!);
}

function splice(random: Random, frames: Uint8Array[]): void {
  const [one, other] = [random.pick(frames), random.pick(frames)];
  const i = random.between(0, frames.length - 1);
  frames[i] = joined([
    one.subarray(0, random.between(0, one.length)),
    other.subarray(random.between(0, other.length)),
  ]);
}

function reorder(random: Random, frames: Uint8Array[]): void {
  for (let i = frames.length - 1; i > 0; i--) {
    const j = random.between(0, i);
    [frames[i], frames[j]] = [frames[j]!, frames[i]!];
  }
}

function duplicate(random: Random, frames: Uint8Array[]): void {
  const i = random.between(0, frames.length - 1);
  const count = Math.min(
    random.pick([1, 1, 2, 5, 50]),
    FRAMES_MAX - frames.length,
  );
  for (let n = 0; n < count; n++) frames.splice(i, 0, frames[i]!.slice());
}

function drop(random: Random, frames: Uint8Array[]): void {
  frames.splice(random.between(0, frames.length - 1), 1);
}
