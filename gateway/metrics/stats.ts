// What a gateway tells of itself: its counters, and how it is now.

import type {
  AddressCount,
  HistogramData,
  IoKind,
  PeerIdentity,
} from "@maple/box/internal";
import type { MemberState } from "../cluster/hello.ts";
import type { OuterTransport } from "../outer/outer_transport.ts";
import type { GatewayCounters } from "./counters.ts";
import type { CommandStats } from "./measures.ts";

/** What is known of one worker connection. */
export interface WorkerStats extends PeerIdentity {
  /** Its address and port. */
  address: string;
  /** Tasks that it has asked for and not yet got. */
  credits: number;
  /** Tasks that it holds. */
  inHand: number;
  /** Tasks that it has acknowledged. */
  done: number;
  /** Seconds since it connected. */
  connectedSeconds: number;
  /** Seconds since its last frame. */
  seenSeconds: number;
}

/** A group as it is now. */
export interface GroupStats {
  /** What it is called. */
  name: string;
  /** How many members it has. */
  members: number;
}

/** A gateway of a cluster, as it tells of itself each second. */
export interface ClusterGateway {
  /** Its number in every task. */
  node: number;
  /** Whether it is the one that tells this. */
  own: boolean;
  /** What it is doing: `starting`, `serving`, `draining`. */
  state: MemberState;
  /** Where workers and triggers reach it, `HOST:PORT`; empty while they cannot. */
  inner: string;
  /** Where clients reach it, in the same form. */
  outer: string;
  /** How many clients it has. */
  clients: number;
  /** How many users are logged in on these. */
  users: number;
  /** How many workers it has. */
  workers: number;
  /** Seconds by which its event loop was late, at most, in the last second. */
  loopDelay: number;
  /** When it was started, in milliseconds since 1970, by its own clock. */
  startedAt: number;
  /** The version of its program. */
  version: string;
}

/** The cluster that a gateway is one of, as it sees it. */
export interface ClusterStats {
  /** What it is called. */
  name: string;
  /** What carries its messages. */
  bus: string;
  /** `alone`: the bus is away, and what is told of the others is what was known last. */
  state: "whole" | "alone";
  /** All gateways, this one too, in the order of their nodes. */
  gateways: ClusterGateway[];
}

/** How often the gateway was handed to another process, and what that was like. */
export interface HandoverStats {
  /** Which of the processes it is that have been this gateway, from 1. */
  generation: number;
  /** Seconds since this process is the gateway. */
  generationSeconds: number;
  /** Seconds for which all stood still when it took over; 0 where it was the first. */
  handoverPause: number;
  /** The same for all that have taken over so far. */
  handoverPauses: HistogramData;
}

/** What a gateway tells of itself; see `Gateway.stats`. All times are seconds, all sizes bytes. */
export interface GatewayStats extends GatewayCounters, HandoverStats {
  /** Bytes of memory that unfinished frames and what is to be sent take, of all connections. */
  bufferBytes: number;
  /** Client connections now. */
  clients: number;
  /** The same by transport: what carries the frames. */
  clientsOver: Record<OuterTransport, number>;
  /** How many of them go by way of a process that was the gateway before: see `handoverStay`. */
  clientsRelayed: number;
  /** The same by the ids of these processes. */
  clientsRelayedBy: Record<string, number>;
  /** Connections with a place that are not at their frames yet: PROXY header, TLS, WebSocket. */
  handshakes: number;
  /** Client connections at most. */
  clientsPeak: number;
  /** Users logged in now. */
  users: number;
  /** Groups now. */
  groups: number;
  /** Their members now, added up. */
  groupMembers: number;
  /** The groups with the most members, the largest first, 10 at most. */
  largestGroups: GroupStats[];
  /** Bytes that are on their way to many, as `fanOutBytes` counts them. */
  fanOutBytes: number;
  /** Connections of workers and triggers now. */
  innerLinks: number;
  /** Those of them that have asked for a task. */
  workers: number;
  /** Tasks that workers have asked for and not yet got. */
  idleCredits: number;
  /** Tasks that wait now. */
  queued: number;
  /** Tasks that waited at most. */
  queuedPeak: number;
  /** Bytes that the waiting tasks take. */
  queuedBytes: number;
  /** The waiting tasks that are news of clients that came or are gone. */
  queuedNews: number;
  /** Clients that are not read from, since they sent more than `clientRate` and the like allow. */
  slowed: number;
  /** Addresses with connections now, or a moment ago. */
  addresses: number;
  /** Addresses and ranges that may not connect: those of `deny` and `denyFile`. */
  denied: number;
  /** Bans that have not ended. */
  bans: number;
  /**
   * The ten addresses that limits did something to most often since the start; of IPv6 their /64.
   * What the status port tells has none, unless it wants a token.
   */
  limitedAddresses: AddressCount[];
  /** Clients that are not read from, since they have their share of the queue's room. */
  heldBack: number;
  /** Tasks that workers hold. */
  inHand: number;
  /** Clients of which a worker holds more than one task. */
  chains: number;
  /** Seconds that the next task to be handed out has waited; 0 when none waits. */
  oldestSeconds: number;
  /** Seconds that tasks have waited for a worker. */
  queueTime: HistogramData;
  /** Seconds from the delivery of a task to its acknowledgement. */
  workTime: HistogramData;
  /** Requests by command: the 50 that came most often, and the others as one. */
  commands: CommandStats[];
  /** The cluster that it is one of; null where it is the only gateway. */
  cluster: ClusterStats | null;
  /** The workers, one by one. */
  workerLinks: WorkerStats[];
  /** Seconds by which the event loop was late, at most, in the last second. */
  loopDelay: number;
  /** Where its sockets come from. */
  io: IoKind;
  /** Bytes of memory of the process. */
  rss: number;
  /** Seconds since the gateway began to listen. */
  uptime: number;
  /** The process id. */
  pid: number;
  /**
   * What the gateway does: `new` before it listens, `serving`, `leaving` while its clients
   * move (`lameDuck`), `draining` while what is queued is finished, `closed`.
   */
  state: "new" | "serving" | "leaving" | "draining" | "closed";
}
