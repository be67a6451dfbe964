/**
 * What clients notice when another process takes the place of their gateway: the waits for answers
 * while it happens, and how long all stands still.
 *
 * deno task handover --clients 10000 --rate 5000
 *
 * @module
 */

import { Box } from "@maple/box";
import {
  DenoConn,
  describeFlags,
  type Flag,
  FrameSocket,
  HELP_FLAG,
  readFlags,
  runCommand,
} from "@maple/box/internal";
import type { GatewayStats } from "@maple/gateway";
import { endOnSignal } from "./run/children.ts";
import { Cmd, CONCURRENCY } from "./run/commands.ts";
import { Program } from "./run/program.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "clients",
    type: "integer",
    value: "N",
    min: 1,
    max: 100_000,
    help: "connections (10000)",
  },
  {
    name: "rate",
    type: "integer",
    value: "N",
    min: 1,
    max: 100_000,
    help: "requests a second of all together (5000)",
  },
  {
    name: "handovers",
    type: "integer",
    value: "N",
    min: 1,
    max: 1000,
    help: "how often the gateway is replaced (10)",
  },
  {
    name: "every",
    type: "number",
    value: "S",
    min: 0.1,
    max: 3600,
    help: "seconds between two of them (2)",
  },
  HELP_FLAG,
];

// Of the last process over the first: single processes differ by less.
const MEMORY_GROWTH_MAX = 0.3;

/** How the program is called. */
export const USAGE = `Usage: deno task handover [flags]

Clients that send requests on a schedule, all in turn, while another process takes the place of their gateway again and again. Prints how long
they waited for answers to what they sent within a second of it, beside all others, and how long the gateways stood still; then descriptors and
memory of the first process that has taken another one's place, and of the last. On Linux.

${describeFlags(FLAGS)}

Exit code: 0; 1 when a client was disconnected, an answer is missing, or the last process has more descriptors than the first, or
${MEMORY_GROWTH_MAX * 100} % more memory.
`;

const TICK_MS = 2;
const BETWEEN = 2;
const CONNECTING = 100;
const NEAR_MS = 500;

interface Wait {
  readonly sentAt: number;
  readonly ms: number;
}

/** Clients that send requests in turn. */
class Load {
  readonly waits: Wait[] = [];
  disconnected = 0;
  sent = 0;
  readonly #sockets: FrameSocket[] = [];
  readonly #sentAt: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  async connect(port: number, count: number): Promise<void> {
    while (this.#sockets.length < count) {
      const some = Math.min(CONNECTING, count - this.#sockets.length);
      const conns = await Promise.all(
        Array.from(
          { length: some },
          () => Deno.connect({ hostname: "127.0.0.1", port }),
        ),
      );
      for (const conn of conns) this.#take(conn);
    }
  }

  start(rate: number): void {
    const start = performance.now();
    this.#timer = setInterval(() => {
      const due = (performance.now() - start) * rate / 1000;
      while (this.sent < due) this.#send();
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (let i = 0; i < 100 && this.waits.length < this.sent; i++) {
      await pause(50);
    }
    const { disconnected } = this;
    for (const socket of this.#sockets) socket.destroy();
    this.disconnected = disconnected;
  }

  #take(conn: Deno.TcpConn): void {
    conn.setNoDelay(true);
    const socket = new FrameSocket(new DenoConn(conn), { framing: Box });
    socket.run({
      onFrame: (frame) => {
        const { sn } = Box.fromFrame(frame);
        const sentAt = this.#sentAt[sn]!;
        this.waits.push({ sentAt, ms: performance.now() - sentAt });
      },
      onClose: () => this.disconnected++,
    });
    this.#sockets.push(socket);
  }

  #send(): void {
    const sn = this.sent++;
    this.#sentAt[sn] = performance.now();
    const socket = this.#sockets[sn % this.#sockets.length]!;
    socket.send(new Box({ cmd: Cmd.ECHO, sn, body: "12345678" }).pack());
  }
}

function gateway(path: string, clients: number): Promise<Program> {
  return Program.deno("../gateway/mod.ts", [
    ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
    ...["--inner-port", "0", "--metrics", "0", "--log-level", "ERROR"],
    ...["--io", "epoll", "--handover", path, "--stat-file", `${path}.json`],
    ...["--conns-max", `${clients + 100}`],
  ], { ready: /^maple gateway ready / });
}

function share(waits: readonly Wait[], part: number): string {
  const sorted = waits.map(({ ms }) => ms).sort((a, b) => a - b);
  return (sorted[
    Math.min(
      sorted.length - 1,
      Math.floor(sorted.length * part),
    )
  ] ?? NaN).toFixed(1);
}

function row(name: string, waits: readonly Wait[]): string {
  return `${name.padEnd(28)}${
    [0.5, 0.99, 0.999, 1].map((part) => share(waits, part).padStart(9)).join("")
  }`;
}

/** What a process held when it had served for a while. */
interface Held {
  readonly descriptors: number;
  readonly rss: number;
}

function tell(which: string, { descriptors, rss }: Held): string {
  const mib = (rss / 2 ** 20).toFixed(0);
  return `${which} process: ${descriptors} descriptors, ${mib} MiB`;
}

function hasGrown(held: readonly Held[]): boolean {
  const first = held[0]!;
  const last = held.at(-1)!;
  return last.descriptors > first.descriptors ||
    last.rss > first.rss * (1 + MEMORY_GROWTH_MAX);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function run(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args, FLAGS, { usage: USAGE });
  if (!commandLine) return 0;
  const number = (name: string, standard: number) =>
    (commandLine.flags.get(name) ?? standard) as number;
  const clients = number("clients", 10_000);
  const rate = number("rate", 5000);
  const betweenMs = number("every", BETWEEN) * 1000;
  endOnSignal();
  const dir = await Deno.makeTempDir({ prefix: "maple_handover_" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const path = `${dir}/gateway.sock`;
  let current = await gateway(path, clients);
  const [, outer, inner] = / outer=\S+:(\d+) inner=\S+:(\d+)/.exec(
    current.ready,
  )!;
  stack.use(
    await Program.deno("programs/worker.ts", [inner!, `${CONCURRENCY}`]),
  );
  const load = new Load();
  await load.connect(Number(outer), clients);
  load.start(rate);
  await pause(BETWEEN * 1000);
  const times: number[] = [];
  const pauses: number[] = [];
  const held: Held[] = [];
  for (let i = 0; i < number("handovers", 10); i++) {
    const next = await gateway(path, clients);
    times.push(performance.now());
    await current[Symbol.asyncDispose]();
    current = next;
    await pause(betweenMs);
    held.push({
      descriptors: await current.descriptors(),
      rss: await current.rss(),
    });
    const { stats }: { stats: GatewayStats } = JSON.parse(
      await Deno.readTextFile(`${path}.json`),
    );
    pauses.push(stats.handoverPause * 1000);
  }
  await load.stop();
  await current[Symbol.asyncDispose]();
  const isNear = ({ sentAt }: Wait) =>
    times.some((time) => Math.abs(sentAt - time) < NEAR_MS);
  const missing = load.sent - load.waits.length;
  console.log(
    `${clients} clients, ${load.sent} requests, ${times.length} handovers; disconnected ${load.disconnected}, without an answer ${missing}
all stood still, ms: ${pauses.map((ms) => ms.toFixed(0)).join(" ")}
waits, ms                         p50      p99    p99.9  longest
${row("within 0.5 s of a handover", load.waits.filter(isNear))}
${row("else", load.waits.filter((wait) => !isNear(wait)))}
${tell("first", held[0]!)}
${tell("last", held.at(-1)!)}`,
  );
  const isWell = load.disconnected + missing === 0 && !hasGrown(held);
  return isWell ? 0 : 1;
}

if (import.meta.main) {
  Deno.exit(await runCommand("maple handover", () => run(Deno.args)));
}
