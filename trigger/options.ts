// The options of a trigger: what each means, its default and its range.

import { DEFAULT_MAX_FRAME_BYTES } from "@maple/box";
import { createLogger, type Logger } from "@maple/box/internal";
import { TriggerError } from "./errors.ts";

/** Where a gateway listens for workers and triggers. */
export interface TriggerGateway {
  /** Its name or IP address. */
  host: string;
  /** Its inner port. */
  port: number;
}

/** What a trigger can be told; every option has a default. */
export interface TriggerOptions {
  /**
   * true: while a gateway cannot be reached the trigger tries again until `timeout`, sends what was
   * not sent whole once more, and a call that fails in the end throws. false: one attempt, and a
   * call that fails gives false. @default {true}
   */
  ensure?: boolean;
  /**
   * Milliseconds that one call may take, waiting for the gateway included; `close` may take as long
   * once more. @default {10000}
   */
  timeout?: number;
  /**
   * Milliseconds before the second attempt to connect; it doubles with each further one, up to
   * 2000. @default {100}
   */
  retryDelay?: number;
  /**
   * Bytes that may wait to be sent to one gateway, which is also the largest message; a call that
   * would pass it fails. @default {16777216}
   */
  maxQueueBytes?: number;
  /** Where to log; by default warnings and errors go to stderr. */
  logger?: Logger;
}

// A timer cannot wait longer.
const MAX_MS = 2 ** 31 - 1;

/**
 * Fills in the defaults and checks every value.
 *
 * @throws {TriggerError} `option`, naming it, its range and the value received.
 */
export function resolveOptions(
  options: TriggerOptions,
): Required<TriggerOptions> {
  const {
    ensure = true,
    timeout = 10_000,
    retryDelay = 100,
    maxQueueBytes = DEFAULT_MAX_FRAME_BYTES,
    logger = createLogger({ role: "trigger", level: "WARN" }),
  } = options;
  checkRange("Option timeout", timeout, { min: 1, max: MAX_MS });
  checkRange("Option retryDelay", retryDelay, { min: 1, max: MAX_MS });
  checkRange("Option maxQueueBytes", maxQueueBytes, {
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  });
  return { ensure, timeout, retryDelay, maxQueueBytes, logger };
}

/**
 * Checks where the gateways are.
 *
 * @throws {TriggerError} `option` when there is none or a port is not from 1 to 65535.
 */
export function checkGateways(gateways: readonly TriggerGateway[]): void {
  if (gateways.length === 0) {
    throw new TriggerError("option", "A trigger needs at least one gateway");
  }
  for (const { host, port } of gateways) {
    checkRange(`The port of gateway ${host}`, port, { min: 1, max: 65535 });
  }
}

function checkRange(
  what: string,
  value: number,
  { min, max }: { min: number; max: number },
): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new TriggerError(
      "option",
      `${what} must be a whole number from ${min} to ${max}, got ${value}`,
    );
  }
}
