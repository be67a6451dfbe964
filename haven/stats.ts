// The counters of a haven server.

import {
  type AddressCount,
  type ClientLimits,
  closeCounts,
  type CloseKind,
  type LimitedClient,
  type RateKind,
} from "@maple/box/internal";

/** The counters of a haven server in one process or thread. */
export interface HavenStats {
  /** Connections now, TCP and WebSocket, those included whose last hooks still run. */
  readonly connections: number;
  /**
   * How many processes have had the clients, one after the other, this one included; 1 = it has
   * taken over none.
   */
  readonly generation: number;
  /** Seconds for which the clients had to wait when this process took them over; 0 = it did not. */
  readonly handoverPause: number;
  /** Bytes of memory that unfinished frames, waiting requests and unread answers take. */
  readonly bufferBytes: number;
  /** The most connections that there were at a time. */
  readonly peak: number;
  /** Connections that were taken. */
  readonly accepted: number;
  /** Connections that were refused because of `connsMax`. */
  readonly refused: number;
  /** Connections that were refused for their address, by the option of that name. */
  readonly refusedByAddress: Readonly<
    Record<"deny" | "connsPerAddress" | "connectRate", number>
  >;
  /** Times that a client was slowed or closed for what it sent too much of in a second. */
  readonly ratesExceeded: Readonly<Record<RateKind, number>>;
  /** Clients that are slowed now. */
  readonly slowed: number;
  /** The ten addresses that limits did something to most often; of IPv6 their /64. */
  readonly limitedAddresses: readonly AddressCount[];
  /** Closed connections whose clients had not read all when `linger` was over. */
  readonly cut: number;
  /** Requests that were given to the app. */
  readonly requests: number;
  /** Boxes of clients that were answered without the app: those of `heartbeatCmd`. */
  readonly heartbeats: number;
  /** Errors that nobody has handled: unhandled rejections, throws outside of any handler. */
  readonly unhandled: number;
  /** Users that are logged in now. */
  readonly users: number;
  /** Messages to users, each row of `writeToUsers` one; those of other processes included. */
  readonly userMessages: number;
  /** Connections that they were sent to. */
  readonly userDeliveries: number;
  /** Groups now, of the connections of this process or thread. */
  readonly groups: number;
  /** Their members now, added up. */
  readonly groupMembers: number;
  /** Messages to groups, each row of `writeToGroups` one; those of other processes included. */
  readonly groupMessages: number;
  /** Connections that they were sent to. */
  readonly groupDeliveries: number;
  /** Joins of groups that were refused, since `groupsPerClient` or `groupsMax` was reached. */
  readonly groupsRefused: number;
  /** What could not be told to the other processes or threads of the server: they do not read. */
  readonly relayDropped: number;
  /**
   * Connections that have ended, by the reason: `peer` the client closed it, `local` the
   * application, `stop` the server's end, `frame` what came was no frame, `idle` the timeout,
   * `firstFrame`, `slowFrame` and `stalled` the times of these names, `room` it had sent no frame
   * and another got its place, `outbox` the client did not read, `memory` it held most,
   * `rate` it sent more than it may, `barred` its address was denied meanwhile, `error` a
   * fault of the server.
   */
  readonly closed: Readonly<
    Record<CloseKind, number>
  >;
  /**
   * Clients that were to move when the server left (`lameDuck`): `asked` to, of them closed since
   * they were `late`, and `closed` without.
   */
  readonly moves: Readonly<Record<"asked" | "late" | "closed", number>>;
}

/** What a server tells of it by itself. */
export type ServerStats = Omit<HavenStats, "generation" | "handoverPause">;

/** The counters while they count. */
export interface Counters {
  peak: number;
  accepted: number;
  refused: number;
  cut: number;
  requests: number;
  heartbeats: number;
  closed: Record<CloseKind, number>;
  moves: Record<"asked" | "late" | "closed", number>;
}

/** All at 0. */
export function newCounters(): Counters {
  return {
    peak: 0,
    accepted: 0,
    refused: 0,
    cut: 0,
    requests: 0,
    heartbeats: 0,
    closed: closeCounts(),
    moves: { asked: 0, late: 0, closed: 0 },
  };
}

/** What is told of limits; without any where there is no server. */
export function limitStats(
  limits?: ClientLimits<LimitedClient>,
): Pick<
  HavenStats,
  "refusedByAddress" | "ratesExceeded" | "slowed" | "limitedAddresses"
> {
  const { deny = 0, connsPerAddress = 0, connectRate = 0 } = limits?.refused ??
    {};
  return {
    refusedByAddress: { deny, connsPerAddress, connectRate },
    ratesExceeded: { frames: 0, bytes: 0, ...limits?.exceeded },
    slowed: limits?.rates.slowed ?? 0,
    limitedAddresses: limits?.limitedAddresses ?? [],
  };
}
