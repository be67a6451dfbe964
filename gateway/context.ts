// What the parts of one gateway share.

import type {
  ClientLimits,
  FanOut,
  GroupTable,
  Logger,
  MemoryLimit,
  SessionTable,
} from "@maple/box/internal";
import type { Cluster } from "./cluster/cluster.ts";
import type { Logins } from "./cluster/logins.ts";
import type { ClientSession } from "./outer/client_session.ts";
import type { Dispatcher } from "./queue/dispatcher.ts";
import type { InnerAccess } from "./inner_access.ts";
import type { ResolvedOptions } from "./option_table.ts";
import type { GatewayCounters } from "./metrics/counters.ts";
import type { TaskQueue } from "./queue/task_queue.ts";

/** What the parts of one gateway share. */
export interface GatewayContext {
  /** Limits and addresses. */
  readonly options: ResolvedOptions;
  /** The number that the gateway drew at its start, or the one before whose place it took. */
  tag: number;
  /** Where it logs to. */
  readonly logger: Logger;
  /** Who may come to the inner port. */
  readonly access: InnerAccess;
  /** What is counted. */
  readonly counters: GatewayCounters;
  /** How much memory the buffers of all connections may take. */
  readonly memory: MemoryLimit;
  /** What bounds single clients and addresses. */
  readonly clientLimits: ClientLimits<ClientSession>;
  /** The client connections. */
  readonly sessions: SessionTable<ClientSession>;
  /** The groups that they are in. */
  readonly groups: GroupTable<ClientSession>;
  /** The messages to many of them. */
  readonly fanOut: FanOut<ClientSession>;
  /** The tasks that wait. */
  readonly queue: TaskQueue;
  /** Who hands them out. */
  readonly dispatcher: Dispatcher;
  /** The other gateways; undefined where it is the only one. */
  readonly cluster: Cluster | undefined;
  /** Who tells them who has logged in; undefined likewise. */
  readonly logins: Logins | undefined;
  /** The closing of the gateway waits for this. */
  follow(work: Promise<void>): void;
}
