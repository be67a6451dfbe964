// FuzzInput: what one hostile connection sends, how it is cut and how it ends.

import { hex, joined, toHex } from "../../box/support.ts";
import type { Random } from "../../helpers/random.ts";

/** How a hostile connection ends. */
export type End =
  /** It is closed at once. */
  | "close"
  /** It says that nothing more comes, and reads on. */
  | "half"
  /** It stays for a while, and is closed then. */
  | "stay";

/** What one hostile connection sends; for files, the content of one. */
export interface FuzzInput {
  /** The frames, spoiled. */
  readonly frames: readonly Uint8Array[];
  /** How many bytes are written at a time; what is left after the last goes as one piece. */
  readonly pieces: readonly number[];
  /** Whether what comes is read. */
  readonly reads: boolean;
  /** How it ends. */
  readonly end: End;
}

const CONTENT_MAX = 512 * 1024;

/** An input with these frames, cut and ended by chance. */
export function inputOf(
  random: Random,
  frames: readonly Uint8Array[],
): FuzzInput {
  const most = random.pick([0, 0, 0, 1, 3, 30, 300, 3000]);
  const pieces = most === 0
    ? []
    : Array.from({ length: 40 }, () => random.between(1, most));
  return {
    frames: withinLimit(frames),
    pieces,
    reads: random.next() < 0.85,
    end: random.pick(["close", "half", "half", "stay"]),
  };
}

function withinLimit(frames: readonly Uint8Array[]): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let left = CONTENT_MAX;
  for (const frame of frames) {
    if (frame.length > left) break;
    kept.push(frame);
    left -= frame.length;
  }
  return kept;
}

/** All bytes of an input. */
export function contentOf({ frames }: Pick<FuzzInput, "frames">): Uint8Array {
  return joined(frames);
}

/** The pieces that an input is written in. */
export function* piecesOf(
  bytes: Uint8Array,
  pieces: readonly number[],
): Generator<Uint8Array> {
  let at = 0;
  for (const size of pieces) {
    if (at >= bytes.length) return;
    yield bytes.subarray(at, at + size);
    at += size;
  }
  if (at < bytes.length) yield bytes.subarray(at);
}

/** An input and the name of what it is sent to. */
export interface NamedInput {
  /** The target's name. */
  readonly target: string;
  /** What is sent. */
  readonly input: FuzzInput;
}

/** Inputs as JSON, with the frames in hex. */
export function formatInputs(inputs: readonly NamedInput[]): string {
  const lines = inputs.map(({ target, input: { frames, ...rest } }) =>
    JSON.stringify({ target, ...rest, frames: frames.map(toHex) })
  );
  return `[\n${lines.join(",\n")}\n]\n`;
}

/** What {@linkcode formatInputs} made. */
export function parseInputs(text: string): NamedInput[] {
  const all:
    ({ target: string; frames: string[] } & Omit<FuzzInput, "frames">)[] = JSON
      .parse(text);
  return all.map(({ target, frames, ...rest }) => ({
    target,
    input: { ...rest, frames: frames.map(hex) },
  }));
}
