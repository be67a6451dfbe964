// The JSON body of DRAIN: which gateway an admin has leave, and over how long a time.

import { BoxError } from "./errors.ts";
import { Task, TaskCmd } from "./task.ts";

/** Which gateway is to leave, and how fast. */
export interface DrainOptions {
  /** The number of its node. */
  node: number;
  /** Seconds over which its clients are to move; 0 = all at once. */
  seconds: number;
}

/** The task `DRAIN`. */
export function drainTask({ node, seconds }: DrainOptions): Task {
  const body = JSON.stringify({ node, seconds });
  return new Task({ cmd: TaskCmd.DRAIN, body });
}

/**
 * Reads the body of `DRAIN`; whether the values make sense is for the gateway to say.
 *
 * @throws {BoxError} `frame` when it is no JSON with these two.
 */
export function decodeDrain(body: Uint8Array): DrainOptions {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // Told below.
  }
  const { node, seconds } = (value ?? {}) as Record<string, unknown>;
  if (typeof node === "number" && typeof seconds === "number") {
    return { node, seconds };
  }
  throw new BoxError(
    "frame",
    `Cannot decode a drain of ${body.length} bytes: it is no JSON with a node and seconds`,
  );
}
