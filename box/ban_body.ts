// The JSON body of BAN: which clients an admin keeps out of a gateway, and for how long.

import { BoxError } from "./errors.ts";
import { Task, TaskCmd } from "./task.ts";

/** Whom to keep out, and for how long. */
export interface BanOptions {
  /** An address or a range, as in `192.0.2.7` or `2001:db8::/32`. */
  address: string;
  /** Seconds; 0 ends a ban. */
  seconds: number;
}

/** The task `BAN`. */
export function banTask({ address, seconds }: BanOptions): Task {
  const body = JSON.stringify({ address, seconds });
  return new Task({ cmd: TaskCmd.BAN, body });
}

/**
 * Reads the body of `BAN`; whether the values make sense is for the gateway to say.
 *
 * @throws {BoxError} `frame` when it is no JSON with these two.
 */
export function decodeBan(body: Uint8Array): BanOptions {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // Told below.
  }
  const { address, seconds } = (value ?? {}) as Record<string, unknown>;
  if (typeof address === "string" && typeof seconds === "number") {
    return { address, seconds };
  }
  throw new BoxError(
    "frame",
    `Cannot decode a ban of ${body.length} bytes: it is no JSON with an address and seconds`,
  );
}
