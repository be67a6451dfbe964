// runRolling(): gateways are replaced one after the other while clients ask all the time.

import type { IoKind } from "@maple/box/internal";
import { eventually } from "../../helpers/eventually.ts";
import { freePort } from "../../helpers/free_port.ts";
import { pathOf } from "../../helpers/paths.ts";
import { startProcess } from "../../helpers/process.ts";
import { Proxy } from "../../helpers/proxies.ts";
import { RollingCmd } from "../programs/rolling_worker.ts";
import { type Departure, GatewayPlace } from "./gateway_place.ts";
import { RollingClient, RollingTotals } from "./rolling_client.ts";

const HOST = "127.0.0.1";
// How many clients connect at a time.
const CROWD = 100;

/** How it is run. */
export interface RollingOptions {
  /**
   * `haproxy`: three gateways behind one, each of which is replaced by one on its ports. `port`:
   * one gateway, and the next one is started on the same port before it leaves.
   */
  readonly shape: "haproxy" | "port";
  /** How many clients there are. @default {60} */
  readonly clients?: number;
  /** Requests that each has under way. @default {2} */
  readonly depth?: number;
  /** The most milliseconds between an answer and the next request. @default {100} */
  readonly pauseMs?: number;
  /** Seconds over which the clients of a gateway move. @default {2} */
  readonly lameDuck?: number;
  /** Where the gateways' sockets come from. @default {"deno"} */
  readonly io?: IoKind;
  /** Told what happens. */
  readonly tell?: (line: string) => void;
}

/** What has come of it. */
export interface RollingResult {
  /** What the clients have counted. */
  readonly totals: RollingTotals;
  /** How each gateway has left. */
  readonly departures: readonly Departure[];
  /** Requests that the worker has had. */
  readonly handled: number;
  /** Those that it has had again. */
  readonly again: number;
}

/** What has failed; nothing, as it should be. */
export function rollingFaults(result: RollingResult): string[] {
  const { totals, departures, handled, again } = result;
  const lost = totals.sent - totals.answered - totals.failed;
  const faults = [
    ...Array.from(
      totals.failures,
      ([why, n]) => `${n} requests failed: ${why}`,
    ),
    ...(lost > 0 ? [`${lost} requests have no answer`] : []),
    ...(totals.cut > 0 ? [`${totals.cut} times a client was cut off`] : []),
    ...(again > 0 ? [`${again} requests were handled twice`] : []),
    ...(handled < totals.answered ? ["more was answered than handled"] : []),
  ];
  for (const { code, moved } of departures) {
    if (
      code !== 0 ||
      !/of them closed after their time: 0; closed without: 0; left: 0$/.test(
        moved,
      )
    ) {
      faults.push(`a gateway has ended with ${code}: ${moved}`);
    }
  }
  return faults;
}

/** Replaces all gateways while clients ask. */
export async function runRolling(
  options: RollingOptions,
): Promise<RollingResult> {
  const { shape, tell = () => {} } = options;
  await using places = new AsyncDisposableStack();
  const all = placesOf(options);
  for (const place of all) places.use(place);
  await using _worker = await startProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", "--config", pathOf("../../deno.json")],
      pathOf("../system/programs/rolling_worker.ts"),
      all.map(({ innerPort }) => innerPort).join(","),
    ],
  });
  const first = shape === "haproxy" ? all : all.slice(0, 1);
  for (const place of first) await place.start();
  for (const place of first) await place.ready();
  const port = shape === "haproxy" ? freePort() : all[0]!.outerPort;
  await using _proxy = shape === "haproxy"
    ? await Proxy.haproxy(haproxyConfig(port, all, options.clients), port)
    : undefined;
  const totals = new RollingTotals();
  await using clients = new AsyncDisposableStack();
  const crowd = await connect(`tcp://${HOST}:${port}`, options, totals);
  for (const client of crowd) clients.use(client);
  tell(`${crowd.length} clients are there`);
  const departures = shape === "haproxy"
    ? await replaceEach(all, totals, tell)
    : await replaceInTurn(all, totals, tell);
  await Promise.all(crowd.map((client) => client.finish()));
  const told = await crowd[0]!.request(RollingCmd.TELL);
  const { handled, again } = told.json() as Record<"handled" | "again", number>;
  return { totals, departures, handled, again };
}

function placesOf(
  { shape, lameDuck = 2, io = "deno" }: RollingOptions,
): GatewayPlace[] {
  if (shape === "haproxy") {
    // HAProxy below takes 0.2 to 0.4 s to see it.
    const place = { lameDuck, notice: 1, ...flagsFor(io) };
    return [1, 2, 3].map(() => new GatewayPlace(place));
  }
  const { flags, denoFlags } = flagsFor(io);
  const place = {
    lameDuck,
    notice: 0,
    outerPort: freePort(),
    flags: ["--reuse-port", ...flags],
    denoFlags: ["--unstable-net", ...denoFlags],
  };
  return [1, 2].map(() => new GatewayPlace(place));
}

function flagsFor(io: IoKind): Record<"flags" | "denoFlags", string[]> {
  return {
    flags: ["--io", io],
    denoFlags: io === "epoll" ? ["--allow-ffi"] : [],
  };
}

async function connect(
  url: string,
  { clients = 60, depth = 2, pauseMs = 100 }: RollingOptions,
  totals: RollingTotals,
): Promise<RollingClient[]> {
  const all: RollingClient[] = [];
  while (all.length < clients) {
    const count = Math.min(CROWD, clients - all.length);
    const from = all.length + 1;
    all.push(
      ...await Promise.all(
        Array.from({ length: count }, (_, i) =>
          RollingClient.start(url, {
            number: from + i,
            depth,
            pauseMs,
            totals,
          })),
      ),
    );
  }
  return all;
}

// Each by another one in its place, when it has left.
async function replaceEach(
  places: readonly GatewayPlace[],
  totals: RollingTotals,
  tell: (line: string) => void,
): Promise<Departure[]> {
  const departures: Departure[] = [];
  for (const place of places) {
    departures.push(await leave(place, totals, tell));
    await place.start();
    await place.ready();
    await someMore(totals);
  }
  return departures;
}

// Each by the other one, which is there before it leaves; three times.
async function replaceInTurn(
  places: readonly GatewayPlace[],
  totals: RollingTotals,
  tell: (line: string) => void,
): Promise<Departure[]> {
  const departures: Departure[] = [];
  for (let i = 0; i < 3; i++) {
    const next = places[(i + 1) % 2]!;
    await next.start();
    await next.ready();
    departures.push(await leave(places[i % 2]!, totals, tell));
    await someMore(totals);
  }
  return departures;
}

async function leave(
  place: GatewayPlace,
  totals: RollingTotals,
  tell: (line: string) => void,
): Promise<Departure> {
  const departure = await place.leave();
  const { seconds, moved } = departure;
  tell(
    `a gateway has left within ${
      seconds.toFixed(1)
    } s; ${moved}; answers so far: ${totals.answered}, failed: ${totals.failed}, longest wait ${
      totals.waits.longest.toFixed(0)
    } ms`,
  );
  return departure;
}

// All is well with what is there now.
async function someMore(totals: RollingTotals): Promise<void> {
  const before = totals.answered;
  await eventually(() => totals.answered >= before + 100, { timeout: 60_000 });
}

function haproxyConfig(
  port: number,
  places: readonly GatewayPlace[],
  clients = 60,
): string {
  const servers = places.map(({ outerPort, statusPort }, i) =>
    `  server gateway${i} ${HOST}:${outerPort} check port ${statusPort} inter 200ms fall 2 rise 1`
  );
  return `global
  # Who moves has two connections for a while.
  maxconn ${2 * clients + 100}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  retries 3
  option redispatch
listen clients
  bind ${HOST}:${port}
  balance leastconn
  option httpchk GET /healthz?ready
${servers.join("\n")}
`;
}
