/**
 * What it costs a gateway to refuse who cannot prove to be a worker: microseconds of its processor
 * for each, the system's part included, over a listener that closes whoever comes.
 *
 * deno run -A bench/refused.ts [COUNT]
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { FrameReader, Task, TaskCmd } from "@maple/box";
import {
  challengeOf,
  createLogger,
  type IoKind,
  proofFrame,
  randomPart,
} from "@maple/box/internal";
import { Gateway, type GatewayOptions } from "@maple/gateway";

const COUNT = 10_000;
const WARM_UP = 1000;
const AT_A_TIME = 16;
const TEXT = "the-secret-of-the-benchmark";

/** How whoever comes behaves. */
type Kind = "wrong secret" | "no proof" | "nothing";

const KINDS: readonly Kind[] = ["wrong secret", "no proof", "nothing"];

// The visitors, in a process of their own.
async function visit(port: number, kind: Kind, count: number): Promise<void> {
  // No proof of anything: what is right would cost the visitors as much as the gateway.
  const wrong = proofFrame({
    role: "worker",
    own: randomPart(),
    code: randomPart(),
  });
  const ask = new Task({ cmd: TaskCmd.WORKER_ASK_FOR_TASK }).pack();
  const one = async () => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const reader = new FrameReader(Task);
    for (;;) {
      const read = await conn.read(reader.space()).catch(() => null);
      if (read === null) return;
      reader.commit(read);
      const frame = reader.next();
      if (!frame || !challengeOf(frame)) continue;
      await conn.write(kind === "wrong secret" ? wrong : ask).catch(() => {});
    }
  };
  let left = count;
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    while (left-- > 0) await one();
  }));
}

async function visitors(port: number, kind: Kind, count: number) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", new URL(import.meta.url).pathname],
      ...[String(count), "--visit", String(port), kind],
    ],
  }).output();
  if (!success) throw new Error(`the visitors (${kind}) have failed`);
}

// Microseconds of this process for each visitor.
async function costOf(
  port: number,
  kind: Kind,
  count: number,
): Promise<number> {
  await visitors(port, kind, WARM_UP);
  const before = cpuUsage();
  await visitors(port, kind, count);
  const { user, system } = cpuUsage(before);
  return (user + system) / count;
}

async function gatewayCost(
  io: IoKind,
  kind: Kind,
  count: number,
  log: string,
): Promise<number> {
  const who: GatewayOptions = kind === "nothing"
    ? { innerOpen: "192.0.2.1" }
    : { innerSecrets: [`worker:${TEXT}`, `worker:${TEXT}-of-before`] };
  await using logger = createLogger({
    role: "bench",
    level: "WARN",
    file: log,
  });
  await using gateway = new Gateway({
    ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0, io, logger },
    ...who,
  });
  await gateway.listen();
  return await costOf(gateway.innerAddr!.port, kind, count);
}

async function run(count: number): Promise<void> {
  const log = await Deno.makeTempFile();
  for (const io of ["deno", "epoll"] as const) {
    const costs = new Map<Kind, number>();
    for (const kind of KINDS) {
      costs.set(kind, await gatewayCost(io, kind, count, log));
    }
    const base = costs.get("nothing")!;
    for (const [kind, cost] of costs) {
      const what = kind === "nothing"
        ? "closed for its address, unasked"
        : `refused: ${kind}`;
      console.log(
        `${io.padEnd(6)}${what.padEnd(34)}${cost.toFixed(0).padStart(5)} us${
          kind === "nothing"
            ? ""
            : `, of which ${
              (cost - base).toFixed(0)
            } us for the challenge and the proof`
        }`,
      );
    }
  }
  await Deno.remove(log);
}

if (import.meta.main) {
  const [count = String(COUNT), flag, port, kind] = Deno.args;
  if (flag === "--visit") {
    await visit(Number(port), kind as Kind, Number(count));
  } else await run(Number(count));
}
