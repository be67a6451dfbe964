// What a Client can be told: its options, those of a request, and the states that it is in.

import type { BoxInit, BoxOf } from "../box_class.ts";
import { BoxError } from "../errors.ts";
import { DEFAULT_MAX_FRAME_BYTES } from "../framing.ts";
import {
  checkNumber,
  checkNumbers,
  MAX_TIMER_SECONDS,
  type Range,
  refuseRenamed,
  SECONDS,
} from "../options.ts";
import type { WebSocketClass } from "./client_connection.ts";
import { CMD } from "./heartbeats.ts";

/**
 * What a client is doing:
 *
 * - `idle`: `connect` was not called yet
 * - `connecting`: it connects, and runs what `onConnect` was given
 * - `open`: boxes go out as they are sent
 * - `waiting`: the connection was lost or could not be made; it tries again soon
 * - `closed`: it was closed, for good
 */
export type ClientState =
  | "idle"
  | "connecting"
  | "open"
  | "waiting"
  | "closed";

/** Settings of a {@linkcode Client}. */
export interface ClientOptions {
  /** Seconds that connecting, and each request, may take; 0 = without end. @default {10} */
  timeout?: number;
  /** The least seconds between two attempts to connect. @default {0.5} */
  minDelay?: number;
  /**
   * The most. How long it really waits is a matter of chance: up to twice `minDelay` the first
   * time, and up to twice as much as before with each further attempt. It begins anew after a
   * connection that has lasted for so long. @default {30}
   */
  maxDelay?: number;
  /**
   * The command of a box that is sent in silence and must be answered, or the connection counts as
   * lost: `--heartbeat-cmd` of the gateway. @default none
   */
  heartbeatCmd?: number;
  /** Seconds of silence after which it is sent, and may be unanswered; 0 = never. @default {20} */
  heartbeat?: number;
  /**
   * The command of a box by which the client tells that it knows how to move, and by which a server
   * that leaves asks it to: `--move-cmd` of the gateway. It opens a new connection to the same
   * address and runs what `onConnect` was given, then sends all over that one; the old one stays
   * open until its answers are there, and a second more for what else comes. It is in state `open`
   * all the while. @default none
   */
  moveCmd?: number;
  /** Bytes of boxes that may wait while there is no connection. @default {1048576} */
  maxOfflineBytes?: number;
  /**
   * Bytes that may wait to be sent on a connection whose server does not read; a longer box is sent
   * when nothing waits. @default {16777216}
   */
  maxPendingBytes?: number;
  /** A longer box of the server's ends the connection. @default {16777216} */
  frameBytes?: number;
  /**
   * The class of WebSockets, where the runtime has none of its own: that of the npm package `ws`
   * before Node 22. @default {WebSocket}
   */
  webSocketClass?: WebSocketClass;
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
}

/** Settings of {@linkcode Client.request}. */
export interface ClientRequestOptions {
  /**
   * Seconds that the answer may take, a time without connection included; 0 = without end. The
   * client's `timeout` by default.
   */
  timeout?: number;
  /** Gives the request up when it is aborted: `request` rejects with its reason. */
  signal?: AbortSignal;
  /**
   * Whether it is sent again when the connection is lost before the answer has come: for requests
   * that do no harm when they are carried out twice. @default {false}
   */
  retry?: boolean;
}

/** What the function given to {@linkcode Client.onConnect} works with: the new connection. */
export interface ClientSession<F extends object> {
  /** As {@linkcode Client.request}, on this connection, before all else that waits. */
  request(
    data: BoxOf<F> | BoxInit<F>,
    options?: Omit<ClientRequestOptions, "retry">,
  ): Promise<BoxOf<F>>;
  /** As {@linkcode Client.send}, likewise. */
  send(data: BoxOf<F> | BoxInit<F>): void;
}

/** The options that are numbers, with their defaults filled in. */
export type ClientNumbers = Required<
  Omit<
    ClientOptions,
    "heartbeatCmd" | "moveCmd" | "signal" | "webSocketClass"
  >
>;

const DEFAULTS: ClientNumbers = {
  timeout: 10,
  minDelay: 0.5,
  maxDelay: 30,
  heartbeat: 20,
  maxOfflineBytes: 1024 * 1024,
  maxPendingBytes: 16 * 1024 * 1024,
  frameBytes: DEFAULT_MAX_FRAME_BYTES,
};

// 0 would be a loop that nothing slows down.
const DELAY: Range = { min: 0.01, max: MAX_TIMER_SECONDS, whole: false };
const BYTES: Range = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true };
const RANGES: Readonly<Record<keyof ClientNumbers, Range>> = {
  timeout: SECONDS,
  minDelay: DELAY,
  maxDelay: DELAY,
  heartbeat: SECONDS,
  maxOfflineBytes: BYTES,
  maxPendingBytes: BYTES,
  frameBytes: { ...BYTES, min: 1 },
};

/**
 * Fills in the defaults and checks every number.
 *
 * @throws {BoxError} `option` naming the option, its range and the value received.
 */
export function clientNumbers(options: ClientOptions): ClientNumbers {
  checkNames(options);
  const numbers = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof ClientNumbers)[]) {
    numbers[name] = options[name] ?? DEFAULTS[name];
  }
  checkNumbers(numbers, RANGES, fail);
  const { minDelay, maxDelay } = numbers;
  if (minDelay > maxDelay) {
    throw fail(
      `Option maxDelay must be at least minDelay, which is ${minDelay}, got ${maxDelay}`,
    );
  }
  for (const name of ["heartbeatCmd", "moveCmd"] as const) {
    const cmd = options[name];
    if (cmd !== undefined) checkNumber(`Option ${name}`, cmd, CMD, fail);
  }
  return numbers;
}

/** @throws {BoxError} `option` when an option has the name of before. */
export function checkNames(options: object): void {
  refuseRenamed(options, { maxFrameBytes: "frameBytes" }, fail);
}

/** @throws {BoxError} `option` when no timer can wait so long. */
export function checkTimeout(timeout: number): void {
  checkNumber("Option timeout", timeout, SECONDS, fail);
}

function fail(message: string): BoxError {
  return new BoxError("option", message);
}
