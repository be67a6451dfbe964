// The options of a trigger: what each means, its default and its range.

import { DEFAULT_MAX_FRAME_BYTES } from "@maple/box";
import {
  BYTES,
  checkNumber,
  checkNumbers,
  createLogger,
  type Logger,
  MAX_TIMER_SECONDS,
  PEER_PORT,
  PeerSecret,
  programName,
  refuseRenamed,
} from "@maple/box/internal";
import { TriggerError } from "./errors.ts";

/** Where a gateway listens for workers and triggers. */
export interface TriggerGateway {
  /** Its name or IP address. */
  host: string;
  /** Its inner port. */
  port: number;
  /**
   * Over TLS, which something in front of that port has to end: authorities to trust beside those
   * that Deno trusts, in PEM; `{}` for none. @default none: over TCP
   */
  tls?: { caCerts?: string[] };
}

/** How much is done so that a message is sent: one attempt, several, or all that it takes. */
export type Ensure = boolean | "forever";

/** What a trigger can be told; every option has a default. */
export interface TriggerOptions {
  /**
   * true: while a gateway cannot be reached the trigger tries again until `timeout`, or another one
   * of its cluster, sends what was not taken once more, and a call that fails in the end throws. A
   * gateway that gives receipts says what it has taken. `"forever"`: the same without an end, until
   * `signal` is aborted or the trigger is closed; one warning an outage tells that it waits. false:
   * one attempt, and a call that fails gives false. @default {true}
   */
  ensure?: boolean | "forever";
  /**
   * Seconds that one call may take, waiting for the gateway included; `close` may take as long once
   * more. With `ensure: "forever"` that is the time of one attempt, and what `close` waits for the
   * calls that are under way. @default {10}
   */
  timeout?: number;
  /**
   * Seconds before the second attempt to connect; it doubles with each further one, up to 2.
   * @default {0.1}
   */
  retryDelay?: number;
  /**
   * Bytes that may wait to be sent to one gateway, which is also the largest message; a call that
   * would pass it fails. As many may be sent and without their receipt. @default {16777216}
   */
  queueBytes?: number;
  /**
   * What gateways and their operators see the trigger as. @default the main module's file name
   * without its extension
   */
  name?: string;
  /**
   * What the trigger proves itself by to gateways that want it: the secret of a trigger, or
   * `role:secret` of another role. A gateway that does not ask for it, or cannot prove that it
   * knows it too, is sent nothing. Without it and `secretFile`, that of the environment variable
   * `MAPLE_INNER_SECRET`, as `trigger:...`. @default none
   */
  secret?: string;
  /**
   * A file that holds it, as `trigger:...` in a line, and which nobody but its owner may read. It
   * is read again for each connection. Of several the first one counts of the role that is best:
   * admin, trigger, worker, monitor. @default none
   */
  secretFile?: string;
  /** Where to log; by default warnings and errors go to stderr. */
  logger?: Logger;
  /** Closes the trigger when it is aborted; what waits to be sent is given up then. */
  signal?: AbortSignal;
}

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  /** See {@linkcode TriggerOptions}. */
  readonly ensure: Ensure;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Milliseconds. */
  readonly retryDelayMs: number;
  /** See {@linkcode TriggerOptions}. */
  readonly queueBytes: number;
  /** See {@linkcode TriggerOptions}. */
  readonly name: string;
  /** What it proves itself by, if it does. */
  readonly secret: PeerSecret;
  /** See {@linkcode TriggerOptions}. */
  readonly logger: Logger;
  /** See {@linkcode TriggerOptions}. */
  readonly signal: AbortSignal | undefined;
}

const TIME = { min: 0.001, max: MAX_TIMER_SECONDS, whole: false };
const RANGES = {
  timeout: TIME,
  retryDelay: TIME,
  queueBytes: BYTES,
};

/**
 * Fills in the defaults and checks every value.
 *
 * @throws {TriggerError} `option`, naming it, its range and the value received.
 */
export function resolveOptions(options: TriggerOptions): ResolvedOptions {
  refuseRenamed(options, { maxQueueBytes: "queueBytes" }, fail);
  const {
    ensure = true,
    timeout = 10,
    retryDelay = 0.1,
    queueBytes = DEFAULT_MAX_FRAME_BYTES,
    name = programName("trigger"),
    secret,
    secretFile,
    logger = createLogger({ role: "trigger", level: "WARN" }),
    signal,
  } = options;
  if (typeof ensure !== "boolean" && ensure !== "forever") {
    throw fail(
      `Option ensure must be true, false or "forever", got ${
        JSON.stringify(ensure)
      }`,
    );
  }
  checkNumbers({ timeout, retryDelay, queueBytes }, RANGES, fail);
  return {
    ensure,
    timeoutMs: timeout * 1000,
    retryDelayMs: retryDelay * 1000,
    queueBytes,
    name,
    secret: new PeerSecret({
      secret,
      secretFile,
      roles: ["admin", "trigger", "worker", "monitor"],
      role: "trigger",
      fail,
    }),
    logger,
    signal,
  };
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
    checkNumber(`The port of gateway ${host}`, port, PEER_PORT, fail);
  }
}

function fail(message: string): TriggerError {
  return new TriggerError("option", message);
}
