// What a sender is told who wants a receipt, or asks: the same from a trigger, a worker and a haven
// server.

import { checkGroupNames } from "./groups_body.ts";
import type { Int64 } from "./int64.ts";
import type { Query } from "./query_body.ts";
import { type GroupCount, noReceipt, type Receipt } from "./receipt_body.ts";
import { nextUids } from "./uid_page.ts";

/** What became of a message to users or groups, or of their closing. */
export interface WriteReceipt {
  /**
   * How many connections have taken it: it is behind all else that is being sent to them. That a
   * person has read it, or the other side has got it, is not said.
   */
  readonly delivered: number;
  /** Of the uids that it was for, those that are logged in nowhere; -1, -2 and -3 are none. */
  readonly offline: readonly Int64[];
  /** Whether all that serve users have told: otherwise it may have reached others as well. */
  readonly complete: boolean;
  /**
   * The nodes of the gateways of a cluster that have not told; -1 stands for those that nobody
   * knows, since its bus is away. Left out where there are none.
   */
  readonly missingNodes?: readonly number[];
}

/** What became of a task for a worker. */
export interface TaskReceipt {
  /** Whether the gateway's queue has it; false when there is no room. */
  readonly taken: boolean;
}

/** How something is sent. */
export interface SendOptions {
  /** Nobody waits for what becomes of it. */
  readonly receipt?: false;
  /** Ends the waiting for a gateway; what was sent is sent. */
  readonly signal?: AbortSignal;
}

/** How something is sent of which a receipt is wanted. */
export interface ReceiptOptions {
  /** What becomes of it is waited for. */
  readonly receipt: true;
  /** Ends the waiting; what was sent is sent. */
  readonly signal?: AbortSignal;
}

/** How a question is asked. */
export interface AskOptions {
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Which users are wanted of a list that may be long. */
export interface UsersOptions extends AskOptions {
  /** Those with a greater uid than this. @default {0} */
  readonly after?: Int64;
  /** At most so many, 1 to 10,000. @default {1000} */
  readonly limit?: number;
}

/** How many users a list has whose length is not asked for. */
export const USERS_PAGE = 1000;

/** Milliseconds that a worker waits for a receipt. */
export const RECEIPT_MS = 10_000;

/** Milliseconds that the answer to a question may take. */
export const ANSWER_MS = 2000;

// How many users one question is about.
const PIECE = 4000;

/** One receipt of those from several places that each hold a part of all connections. */
export function sumReceipts(parts: readonly Receipt[]): Receipt {
  const [first] = parts;
  if (!first) return noReceipt();
  if (parts.length === 1) return first;
  const online = new Set(parts.flatMap(({ online }) => online));
  // Who is logged in at one place is not so at another.
  const offline = parts.map(({ offline }) => new Set(offline));
  return {
    delivered: parts.reduce((sum, { delivered }) => sum + delivered, 0),
    online: [...online],
    offline: first.offline.filter((uid) =>
      offline.every((one) => one.has(uid))
    ),
    groups: first.groups.map((_, at) =>
      sumGroups(parts.flatMap(({ groups }) => groups[at] ?? []))
    ),
    missingNodes: parts.flatMap(({ missingNodes }) => missingNodes),
    error: parts.find(({ error }) => error !== "")?.error ?? "",
  };
}

function sumGroups(parts: readonly GroupCount[]): GroupCount {
  const uids = new Set(parts.flatMap(({ uids }) => uids));
  return {
    name: parts[0]!.name,
    size: parts.reduce((sum, { size }) => sum + size, 0),
    uids: [...uids],
  };
}

/**
 * What the sender of a write is told.
 *
 * @param all Whether all places have told.
 */
export function writeReceipt(receipt: Receipt, all: boolean): WriteReceipt {
  const { delivered, offline, missingNodes } = receipt;
  const isWhole = missingNodes.length === 0;
  return {
    delivered,
    offline,
    complete: all && isWhole,
    ...(!isWhole && { missingNodes }),
  };
}

/** What the sender of a task for a worker is told. */
export function taskReceipt({ delivered }: Receipt): TaskReceipt {
  return { taken: delivered > 0 };
}

/** Stands for gateways that nobody knows, since the bus of their cluster is away. */
export const UNKNOWN_NODE: number = -1;

/** Why an answer is not that of all gateways, for errors; undefined where it is. */
export function missingOf({ missingNodes }: Receipt): string | undefined {
  if (missingNodes.length === 0) return undefined;
  const known = missingNodes.filter((node) => node !== UNKNOWN_NODE);
  return known.length > 0
    ? `the gateways of these nodes do not tell: ${known.join(", ")}`
    : "the bus of the cluster is away, and its gateways do not know of each other";
}

/** Whoever can put questions. */
export interface Asker {
  /** Puts one question to all that hold connections, and gives their answers in one. */
  ask(query: Partial<Query>, options: AskOptions): Promise<Receipt>;
}

/** Which of the uids are logged in, in the order given; asked in pieces where they are many. */
export async function askOnline(
  asker: Asker,
  uids: readonly Int64[],
  options: AskOptions,
): Promise<Int64[]> {
  const online: Int64[] = [];
  const asked = [...new Set(uids)];
  for (let at = 0; at < asked.length; at += PIECE) {
    const piece = asked.slice(at, at + PIECE);
    const found = new Set((await asker.ask({ uids: piece }, options)).online);
    online.push(...piece.filter((uid) => found.has(uid)));
  }
  return online;
}

/** One page of all users that are logged in, in the order of their uids. */
export async function askUsers(
  asker: Asker,
  { after = 0, limit = USERS_PAGE, signal }: UsersOptions,
): Promise<Int64[]> {
  const options = signal ? { signal } : {};
  const { online } = await asker.ask({ after, limit }, options);
  return nextUids(online, after, limit);
}

/** How many connections a group has. */
export async function askGroupSize(
  asker: Asker,
  name: string,
  options: AskOptions,
): Promise<number> {
  checkGroupNames([name]);
  const { groups } = await asker.ask({ names: [name] }, options);
  return groups[0]?.size ?? 0;
}

/** All users that are logged in on connections of a group, in the order of their uids. */
export async function askGroupMembers(
  asker: Asker,
  name: string,
  options: AskOptions,
): Promise<Int64[]> {
  checkGroupNames([name]);
  const members: Int64[] = [];
  for (let after: Int64 = 0;;) {
    const query = { names: [name], members: true, after, limit: PIECE };
    const { groups } = await asker.ask(query, options);
    const page = nextUids(groups[0]?.uids ?? [], after, PIECE);
    const last = page.at(-1);
    if (last === undefined) return members;
    members.push(...page);
    after = last;
  }
}
