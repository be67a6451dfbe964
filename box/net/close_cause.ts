// CloseCause: why a connection ended, the same words for every role.

/**
 * Why a connection ended:
 *
 * - `peer`: the other side closed it, or it broke
 * - `local`: this side closed it
 * - `stop`: this side stops
 * - `frame`: what came was no frame
 * - `idle`: nothing came for too long
 * - `firstFrame`: it sent no whole frame in time
 * - `slowFrame`: a frame was not whole in time
 * - `room`: it had sent no whole frame, and another connection got its place
 * - `outbox`: the other side did not read what was sent to it, so that it was too much
 * - `stalled`: the other side took none of what was sent to it for too long
 * - `memory`: all connections together held too much, and this one most
 * - `rate`: it sent more than it may in that time
 * - `barred`: its address was denied or banned meanwhile
 * - `error`: the handler of its frames threw
 */
export type CloseKind =
  | "peer"
  | "local"
  | "stop"
  | "frame"
  | "idle"
  | "firstFrame"
  | "slowFrame"
  | "room"
  | "outbox"
  | "stalled"
  | "memory"
  | "rate"
  | "barred"
  | "error";

// All of them.
const CLOSE_KINDS: readonly CloseKind[] = [
  "peer",
  "local",
  "stop",
  "frame",
  "idle",
  "firstFrame",
  "slowFrame",
  "room",
  "outbox",
  "stalled",
  "memory",
  "rate",
  "barred",
  "error",
];

/** A counter for each kind, all at 0. */
export function closeCounts(): Record<CloseKind, number> {
  return Object.fromEntries(CLOSE_KINDS.map((kind) => [kind, 0])) as Record<
    CloseKind,
    number
  >;
}

/** Why a connection ended, for programs and for people. */
export interface CloseCause {
  /** The kind, for counters. */
  readonly kind: CloseKind;
  /** One line for a log. */
  readonly message: string;
  /** Whether it was a frame above the limit that came. */
  readonly tooLong?: boolean;
}

/** Why connections are closed when whoever serves them stops. */
export const STOP: CloseCause = {
  kind: "stop",
  message: "this side stops",
};

/** Whether a connection ended as connections do: nobody has to be told. */
export function isOrdinary({ kind }: CloseCause): boolean {
  return kind === "peer" || kind === "local" || kind === "stop";
}
