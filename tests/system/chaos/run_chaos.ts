// runChaos: a gateway, workers and clients under mischief, and what came of it.

import type { GatewayOptions, GatewayStats } from "@maple/gateway";
import { eventually } from "../../helpers/eventually.ts";
import {
  ChaosClient,
  type ChaosClientContext,
  ClientTotals,
} from "./chaos_client.ts";
import type { ChaosHost } from "./chaos_host.ts";
import { CutProxy } from "./cut_proxy.ts";
import { Deliveries } from "./deliveries.ts";
import { ChaosEvents } from "./events.ts";
import { GatewayHost } from "./gateway_host.ts";
import { type HandledSummary, summarizeHandled } from "./handled_log.ts";
import { Mischief } from "./mischief.ts";
import { Guests } from "./guests.ts";
import { ProcessesHost } from "./processes_host.ts";
import { Random } from "../../helpers/random.ts";
import { Replacing } from "./replacing.ts";
import { SecretRotation } from "./secret_rotation.ts";
import { TriggerMessages } from "./trigger_messages.ts";
import { leaveInOrder, WorkerGroup } from "./worker_group.ts";

/** What is run. */
export interface ChaosOptions {
  /** Determines which mischief is done, in which order. */
  seed: number;
  /** For how long at most. @default {60}, without end where `requests` is given */
  seconds?: number;
  /**
   * For so many requests at most, with workers that are reloaded and killed as fast as they come
   * up, instead of all kinds of mischief.
   */
  requests?: number;
  /** How many clients. @default {200} */
  clients?: number;
  /** How many masters. @default {3} */
  masters?: number;
  /** How many children each of them has. @default {2} */
  workers?: number;
  /**
   * How many requests each client has under way, with handlers of which few take any time. @default
   * {1, and 8 for each fourth client, with more handlers that take a little}
   */
  depth?: number;
  /**
   * Whether all prove who they are by secrets, which are changed again and again. @default {false}
   */
  secrets?: boolean;
  /** How often the gateway delivers a task at most. @default {10} */
  maxDeliveries?: number;
  /**
   * Seconds after which another process takes the gateway's place, again and again, while clients
   * come and go; on Linux. @default never
   */
  handoverEvery?: number;
  /** Whether half of the clients speak by WebSockets. @default {false} */
  webSockets?: boolean;
  /**
   * Of how many processes the gateway is, as the program that users run; then a trigger writes to
   * users and groups as well, unless there are secrets. @default one process, as a library
   */
  processes?: number;
}

/** What came of it. */
export interface ChaosResult {
  /** What the clients have seen. */
  totals: ClientTotals;
  /** What the handlers have seen. */
  handled: HandledSummary;
  /** The gateway's counters after all requests. */
  stats: GatewayStats;
  /** What was done. */
  events: ChaosEvents;
  /** Seconds that the clients sent for. */
  seconds: number;
  /** Broadcasts that were sent to all users. */
  broadcasts: number;
  /** How often a secret was taken out of use. */
  rotations: number;
  /** Seconds for which all stood still at each handover. */
  pauses: readonly number[];
  /** How many clients have come and gone meanwhile. */
  guests: number;
  /** What came of the messages to users and groups; undefined without any. */
  deliveries: Deliveries | undefined;
  /** Requests that were never answered. */
  lost: number;
  /** What is not as it must be; empty when all is well. */
  faults: string[];
}

// A quarter of the clients have several requests under way.
const PIPELINED_EVERY = 4;
const PIPELINE_DEPTH = 8;
const PATIENCE_MS = 90_000;
const GATEWAY: GatewayOptions = {
  maxDeliveries: 10,
  workerTimeout: 2,
  // At the end nobody is left to take the news of the clients' leave.
  drainTimeout: 0,
};

/**
 * Runs it. Faults are told in the result.
 *
 * @throws {Error} with the seed and the last events when it cannot be run to its end.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const events = new ChaosEvents();
  try {
    return await run(options, events);
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(
      `The run with seed ${options.seed} broke off: ${message}; the last events:\n${
        events.last.join("\n")
      }`,
      { cause },
    );
  }
}

async function run(
  options: ChaosOptions,
  events: ChaosEvents,
): Promise<ChaosResult> {
  const { seed, maxDeliveries = 10, masters = 3, workers = 2 } = options;
  const random = new Random(seed);
  const totals = new ClientTotals();
  await using stack = new AsyncDisposableStack();
  const notesDir = await Deno.makeTempDir({ prefix: "maple_chaos_" });
  stack.defer(() => Deno.remove(notesDir, { recursive: true }));
  const rotation = options.secrets
    ? stack.use(new SecretRotation())
    : undefined;
  const { handoverEvery, webSockets = false, processes } = options;
  const dir = await Deno.makeTempDir({ prefix: "maple_gateway_" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const gatewayOptions: GatewayOptions = {
    ...GATEWAY,
    maxDeliveries,
    ...(webSockets && { wsPort: 0 }),
    ...(handoverEvery !== undefined &&
      { io: "epoll", handover: `${dir}/gateway.sock` }),
    ...(rotation && { innerSecretFile: rotation.gateway.path }),
  };
  const gateway: ChaosHost = stack.use(
    processes === undefined
      ? await GatewayHost.start(gatewayOptions)
      : await ProcessesHost.start(gatewayOptions, processes, dir),
  );
  const proof = rotation ? { secretFile: rotation.peers.path } : {};
  // The first master is attached directly, the others each through a proxy.
  const proxies = Array.from(
    { length: masters - 1 },
    () => stack.use(new CutProxy(gateway.inner)),
  );
  const ports = [gateway.inner.port, ...proxies.map(({ port }) => port)];
  const groups: WorkerGroup[] = [];
  for (const port of ports) {
    groups.push(stack.use(
      await WorkerGroup.start({
        ...{ port, notesDir, workers, workTimeout: 2.5 },
        ...proof,
      }),
    ));
  }
  if (!await gateway.reaches({ workers: masters * workers })) {
    throw new Error("the workers have not come to all processes");
  }
  const sending = { over: false };
  const { clients: users = 200 } = options;
  const deliveries = processes === undefined || rotation
    ? undefined
    : new Deliveries(users, events);
  const clients = await connectClients(gateway, options, {
    totals,
    events,
    deliveries,
    random: random.fork(),
    mayGoOn: () =>
      !sending.over && totals.sent < (options.requests ?? Infinity),
  });
  for (const client of clients) stack.use(client);

  const mischief = stack.use(
    new Mischief({
      groups,
      proxies,
      gateway,
      rotation,
      answering: totals.pids,
      random,
      events,
    }),
  );
  const start = performance.now();
  if (options.requests === undefined) mischief.roam();
  else mischief.harass();
  for (const client of clients) client.start();
  const trigger = deliveries && stack.use(
    new TriggerMessages({
      ...{ seed: gateway.inner, users, deliveries, events },
      random: random.fork(),
    }),
  );
  trigger?.start();
  const guestTotals = new ClientTotals();
  const replacing = handoverEvery === undefined
    ? undefined
    : new Replacing(() => gateway, handoverEvery, events);
  const guests = handoverEvery === undefined ? undefined : new Guests(
    gateway,
    {
      ...{ totals: guestTotals, events, random: random.fork() },
      mayGoOn: () => !sending.over,
    },
    { webSockets },
  );
  await untilSent(options, totals);
  sending.over = true;
  await guests?.[Symbol.asyncDispose]();
  await replacing?.[Symbol.asyncDispose]();
  const seconds = (performance.now() - start) / 1000;
  events.note("the clients send no more");
  const faults: string[] = [];
  await trigger?.stop();
  if (!await mischief.stop()) faults.push("broadcasts were lost on their way");
  const expected = mischief.broadcasts * clients.length;
  await eventually(
    () =>
      totals.disconnected === clients.length ||
      totals.broadcasts >= expected &&
        clients.every((client) => client.waiting <= 0),
    { timeout: PATIENCE_MS },
  ).catch(() => events.note("the clients wait in vain"));
  await deliveries?.untilQuiet();
  await gateway.reaches({ queued: 0, inHand: 0 });
  const stats = await gateway.stats();

  faults.push(...await leave(gateway, groups, clients));
  const result: ChaosResult = {
    totals,
    handled: await summarizeHandled(notesDir),
    stats,
    events,
    seconds,
    broadcasts: mischief.broadcasts,
    rotations: rotation?.rounds ?? 0,
    pauses: gateway.pauses,
    guests: guests?.count ?? 0,
    deliveries,
    lost: lostOf(totals),
    faults,
  };
  faults.push(...findFaults(result, { expected, maxDeliveries }));
  faults.push(
    ...findFaults(
      {
        ...{ ...result, totals: guestTotals, deliveries: undefined },
        lost: lostOf(guestTotals),
      },
      { expected: 0, maxDeliveries },
    ).map((fault) => `of those that come and go: ${fault}`),
  );
  if (trigger && trigger.untaken > 0) {
    faults.push(`${trigger.untaken} messages of the trigger were not taken`);
  }
  for (const  of of[replacing, guests]) {
    if (of?.failure !== undefined) faults.push(of.failure);
  }
  return result;
}

function lostOf(
  { sent, answered, givenUp, refused }: ClientTotals,
): number {
  return sent - answered - givenUp - refused;
}

function connectClients(
  { outer, ws }: ChaosHost,
  { clients = 200, depth, webSockets = false }: ChaosOptions,
  context: ChaosClientContext,
): Promise<ChaosClient[]> {
  return Promise.all(
    Array.from(
      { length: clients },
      (_, i) =>
        ChaosClient.connect(webSockets && i % 2 === 0 ? ws : outer, {
          number: i + 1,
          isWebSocket: webSockets && i % 2 === 0,
          depth: depth ?? (i % PIPELINED_EVERY === 0 ? PIPELINE_DEPTH : 1),
          slowEvery: depth === undefined ? 5 : 50,
          context,
        }),
    ),
  );
}

// Also ends when there is no answer any more: a client that waits in vain sends nothing, so the
// number may never be reached.
async function untilSent(
  { requests = Infinity, seconds = requests < Infinity ? Infinity : 60 }:
    ChaosOptions,
  totals: ClientTotals,
): Promise<void> {
  const start = performance.now();
  let answers = 0;
  let answeredAt = start;
  await eventually(() => {
    const now = performance.now();
    if (totals.waits.count > answers) {
      answers = totals.waits.count;
      answeredAt = now;
    }
    return totals.sent >= requests || now > start + seconds * 1000 ||
      now > answeredAt + PATIENCE_MS;
  }, { timeout: Infinity });
}

// The workers leave in order, then the clients; tells what is left.
async function leave(
  gateway: ChaosHost,
  groups: readonly WorkerGroup[],
  clients: readonly ChaosClient[],
): Promise<string[]> {
  const faults = await leaveInOrder(groups, PATIENCE_MS);
  if (!await gateway.reaches({ innerLinks: 0 })) {
    faults.push("the gateway still counts workers after all have left");
  }
  for (const client of clients) await client[Symbol.asyncDispose]();
  if (!await gateway.reaches({ clients: 0 })) {
    faults.push("the gateway still counts clients after all have left");
  }
  await eventually(() => !gateway.openConnections()).catch(() =>
    faults.push(
      `the gateway has ${gateway.openConnections()} connections open after all have left`,
    )
  );
  return faults;
}

function findFaults(
  { totals, handled, stats, lost, deliveries }: ChaosResult,
  { expected, maxDeliveries }: { expected: number; maxDeliveries: number },
): string[] {
  const none: Record<string, number> = {
    "requests were never answered": lost,
    "requests were answered twice": totals.answeredTwice,
    "answers were out of order": totals.outOfOrder,
    "answers belong to others": totals.foreign,
    "requests were refused": totals.refused,
    "clients were disconnected": totals.disconnected,
    "broadcasts came twice or out of order": totals.broadcastsOutOfOrder,
    "broadcasts are missing": Math.max(0, expected - totals.broadcasts),
    "requests were handled twice and not marked": handled.unmarked,
    "tasks still wait or are in hand": stats.queued + stats.inHand,
  };
  // With the default of 2 a request may meet two workers that are killed.
  if (maxDeliveries > 2) none["requests were given up"] = totals.givenUp;
  if (deliveries) {
    none["messages were lost"] = deliveries.sums().lost;
    none["messages came twice"] = deliveries.doubled;
    none["messages came to the wrong user"] = deliveries.wrongUser;
    none["messages came out of order"] = deliveries.outOfOrder;
  }
  if (maxDeliveries === 1) {
    none["requests were handled twice"] = handled.duplicates;
  }
  return Object.entries(none).filter(([, count]) => count !== 0)
    .map(([what, count]) => `${count} ${what}`);
}
