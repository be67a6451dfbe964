// Hostile bodies: what the decoders of bodies are tried with, and what they may say to it.

import { BoxError } from "@maple/box";
import { assertEquals } from "@std/assert";
import type { Random } from "../helpers/random.ts";

type Decode = (body: Uint8Array) => unknown;

/** The value, or undefined where the bytes were refused. */
export function refusedOr<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof BoxError && error.code === "frame") return undefined;
    throw error;
  }
}

/**
 * Tries decoders with a hundred thousand bodies: bytes at random, and parts of good bodies with a
 * few bytes changed. Many have to be taken, and many refused.
 */
export function surviveHostile(
  random: Random,
  { decoders, samples }: {
    readonly decoders: readonly Decode[];
    readonly samples: readonly Uint8Array[];
  },
): void {
  let taken = 0;
  let refused = 0;
  for (let run = 0; run < 100_000; run++) {
    const body = hostile(random, samples);
    for (const decode of decoders) {
      if (refusedOr(() => decode(body))) taken++;
      else refused++;
    }
  }
  assertEquals([taken > 1000, refused > 1000], [true, true]);
}

function hostile(random: Random, samples: readonly Uint8Array[]): Uint8Array {
  if (random.next() < 0.4) return random.bytes(random.between(0, 40));
  const sample = random.pick(samples);
  const body = sample.slice(0, random.between(0, sample.length));
  for (let changes = random.between(0, 3); changes > 0; changes--) {
    body[random.between(0, body.length - 1)] = random.between(0, 255);
  }
  return body;
}
