// The stages with a gateway: as a program of its own, with a worker of two children.

import { FrameReader, Task, TaskOffset } from "@maple/box";
import {
  challengeOf,
  type InnerRole,
  readInt32,
  SECRET_ENV,
} from "@maple/box/internal";
import { canServeTls, localCertificate } from "../../helpers/certificates.ts";
import { eventually } from "../../helpers/eventually.ts";
import { connectTls } from "../../helpers/gateway_fixture.ts";
import { GATEWAY_MAIN } from "../../helpers/gateway_process.ts";
import { pathOf } from "../../helpers/paths.ts";
import {
  type ProcessOptions,
  type RunningProcess,
  startProcess,
} from "../../helpers/process.ts";
import type { PeerConn } from "../../helpers/raw_peer.ts";
import { WebSocketStream } from "../../helpers/web_socket_stream.ts";
import type { Delivery } from "./deliver.ts";
import { KNOWN_SECRETS, UNKNOWN_SECRETS, withCode } from "./generate/proofs.ts";
import { fill, type Seen } from "./generate/tasks.ts";
import { BOUND_MS, type HonestOptions } from "./honest_client.ts";
import { ProcessWatch } from "./process_watch.ts";
import {
  endInOrder,
  type ServerCounters,
  ServerStage,
} from "./server_stage.ts";
import type { Stage, StageOptions } from "./stage.ts";
import { httpGet } from "./status.ts";
import type { PortName } from "./target.ts";
import { Victims } from "./victims.ts";

/** How a gateway is fuzzed. */
export interface GatewayKind {
  /** Whether its clients speak lines. */
  readonly lines?: boolean;
  /** Whether its clients speak for others, by the PROXY protocol. */
  readonly proxied?: boolean;
  /** Whether it wants proof from workers and triggers. */
  readonly proven?: boolean;
  /**
   * Whether hostile workers ask for its tasks. Nothing is promised to clients while these do, so
   * there are only victims beside them, which bear everything.
   */
  readonly harmed?: boolean;
}

// What holds nobody up for long. A task that a hostile worker leaves behind is given out again
// without end, so that no honest request is given up for it.
const LIMITS = {
  frameTimeout: 3,
  firstFrameTimeout: 0,
  writeTimeout: 3,
  linger: 2,
  workerTimeout: 3,
  originalWorkerTimeout: 3,
  maxDeliveries: 1000,
  heartbeatCmd: 77,
  wsPing: 5,
};
// What a worker says of a task of a trigger that is none.
const TRIGGERS_GARBAGE = / a task is dropped, its body is no box/;
const CONFIG = pathOf("../../deno.json");
const RUN = ["run", "--quiet", "-A", "--config", CONFIG];
const LOCAL = { hostname: "127.0.0.1" };
const PROXY_HEADER = new TextEncoder().encode(
  "PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n",
);

/** Starts one. */
export async function startGatewayStage(
  kind: GatewayKind,
  { io }: StageOptions,
): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const process = await startGateway(kind, io);
  stack.defer(() => endInOrder(process));
  const ports: Partial<Record<PortName, number>> = {};
  for (
    const [, name, port] of process.ready![0].matchAll(
      / (\w+)=\S+?:(\d+)(?= |$)/g,
    )
  ) {
    ports[name as PortName] = Number(port);
  }
  ports.metrics = await metricsPort(process);
  const worker = await startProcess(Deno.execPath(), {
    args: [
      ...RUN,
      pathOf("../system/programs/fuzz_worker.ts"),
      String(ports.inner),
      ...(kind.lines ? ["lines"] : []),
    ],
    ready: /^maple worker ready /,
    ...(kind.proven && secretsIn({ worker: UNKNOWN_SECRETS.worker })),
  });
  stack.defer(() => endInOrder(worker));
  const watches = [
    new ProcessWatch("gateway", process),
    new ProcessWatch("worker", worker, TRIGGERS_GARBAGE),
  ];
  const counters = () => gatewayCounters(ports.metrics!, kind);
  const victims = kind.harmed
    ? stack.use(await Victims.start({ ...LOCAL, port: ports.outer! }))
    : undefined;
  return await ServerStage.start({
    ports,
    watches,
    honest: victims ? [] : await honestOf(kind, ports),
    ...(!kind.lines && !kind.harmed && {
      trigger: {
        port: ports.inner!,
        ...(kind.proven && { secret: `admin:${UNKNOWN_SECRETS.admin}` }),
      },
    }),
    counters,
    ...(kind.proven && { delivery: asKnower }),
    ...(victims && {
      delivery: () => asWorker(victims.seen),
      rest: () => victims.rest(),
      work: () => victims.work(),
    }),
    newcomers: [{
      name: "newcomer",
      ...(kind.lines && { lines: true }),
      connect: () => connect(kind, ports.outer!),
    }],
  }, stack);
}

function secretsIn(
  secrets: Readonly<Partial<Record<InnerRole, string | undefined>>>,
): Pick<ProcessOptions, "env"> {
  const all = Object.entries(secrets).map(([role, text]) => `${role}:${text}`);
  return { env: { [SECRET_ENV]: all.join(",") } };
}

async function startGateway(
  { lines, proxied, proven }: GatewayKind,
  io: string,
): Promise<RunningProcess> {
  const limits = { ...LIMITS, io };
  const ready = /^maple gateway ready .*$/;
  if (lines) {
    const { heartbeatCmd: _, ...options } = limits;
    const json = JSON.stringify({
      ...options,
      ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0 },
    });
    return await startProcess(Deno.execPath(), {
      args: [...RUN, pathOf("../system/programs/fuzz_line_gateway.ts"), json],
      ready,
    });
  }
  const flags = Object.entries({
    ...limits,
    ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0 },
    ...{ metrics: 0, wsPort: 0 },
    ...(proxied && { proxyProtocol: "127.0.0.0/8" }),
    ...(!proxied && canServeTls && await tls()),
  }).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
  return await startProcess(Deno.execPath(), {
    args: [...RUN, GATEWAY_MAIN, ...flags],
    ready,
    ...(proven && secretsIn({ ...KNOWN_SECRETS, ...UNKNOWN_SECRETS })),
  });
}

async function tls(): Promise<Record<string, string | number>> {
  const { cert, key } = await localCertificate();
  return { tlsPort: 0, tlsCert: cert, tlsKey: key };
}

async function metricsPort(process: RunningProcess): Promise<number> {
  let port: string | undefined;
  await eventually(() => {
    port = /dashboard at http:\/\/127\.0\.0\.1:(\d+)/.exec(process.stderr)?.[1];
    return port !== undefined;
  });
  return Number(port);
}

async function connect(
  { proxied }: GatewayKind,
  port: number,
): Promise<PeerConn> {
  const conn = await Deno.connect({ ...LOCAL, port });
  if (proxied) await conn.write(PROXY_HEADER);
  return conn;
}

function honestOf(
  kind: GatewayKind,
  { outer, ws, tls }: Partial<Record<PortName, number>>,
): HonestOptions[] {
  const overTcp = () => connect(kind, outer!);
  if (kind.lines) {
    return ["a", "b", "c"].map((name) => ({
      name,
      lines: true,
      connect: overTcp,
    }));
  }
  const overWs = async () => {
    const conn = await connect(kind, ws!) as Deno.TcpConn;
    return await WebSocketStream.over(conn);
  };
  const user = () => ({
    uid: crypto.getRandomValues(new Uint32Array(1))[0]! * 2 ** 20 + 2 ** 19,
  });
  return [
    { name: "tcp a", ...user(), connect: overTcp },
    { name: "tcp b", ...user(), connect: overTcp },
    { name: "tcp c", connect: overTcp },
    { name: "ws a", ...user(), connect: overWs },
    ...(tls === undefined ? [] : [{
      name: "tls a",
      connect: () => connectTls({ ...LOCAL, port: tls }),
    }]),
  ];
}

async function gatewayCounters(
  port: number,
  { harmed }: GatewayKind,
): Promise<ServerCounters> {
  const { stats } = JSON.parse(await httpGet(port, "/stats.json", BOUND_MS));
  await httpGet(port, "/healthz", BOUND_MS);
  const { clientsClosed, innerClosed, unhandledErrors, bufferBytes } = stats;
  const steady = {
    clients: stats.clients,
    handshakes: stats.handshakes,
    // Hostile workers may have logged victims in.
    ...(!harmed && { users: stats.users }),
    innerLinks: stats.innerLinks,
    workers: stats.workers,
    idleCredits: stats.idleCredits,
    queued: stats.queued,
    queuedBytes: stats.queuedBytes,
    queuedNews: stats.queuedNews,
    heldBack: stats.heldBack,
    inHand: stats.inHand,
    chains: stats.chains,
    bufferBytes,
    unhandledErrors,
    "clientsClosed.error": clientsClosed.error,
    "innerClosed.error": innerClosed.error,
  };
  const { clientFrames, heartbeats } = stats;
  return { steady, messages: clientFrames + heartbeats };
}

// Takes note of what a worker is given, and says it in what it sends.
function asWorker(seen: Readonly<Seen>): Delivery {
  const own = { delivery: 0 };
  return {
    fill: (frame) => fill(frame, { ...seen, ...own }),
    onBytes: ofFrames((frame) => {
      own.delivery = readInt32(frame, TaskOffset.ret) || own.delivery;
    }),
  };
}

// Answers the gateway's challenge as one who knows some of its secrets.
function asKnower(): Delivery {
  let challenge: Uint8Array | undefined;
  return {
    fill: (frame) => withCode(frame, challenge),
    isReady: () => challenge !== undefined,
    onBytes: ofFrames((frame) => challenge ??= challengeOf(frame)?.slice()),
  };
}

function ofFrames(
  onFrame: (frame: Uint8Array) => void,
): (bytes: Uint8Array) => void {
  const reader = new FrameReader(Task);
  return (bytes) => {
    reader.push(bytes);
    for (let frame; (frame = reader.take());) onFrame(frame);
  };
}
