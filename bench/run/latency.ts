// Latency: how long a request takes where there are many connections and a processor to spare.

import { Cmd } from "./commands.ts";
import type { BenchContext } from "./context.ts";
import { Haproxy } from "./haproxy.ts";
import type { Row } from "./rows.ts";
import { Servers } from "./servers.ts";

const HAPROXY = "HAProxy";
const CONNECTIONS = 10_000;
// Files that a process has open beside its connections; HAProxy has two for each of these.
const OTHER_FILES = 500;
const FILES_EACH = 2;
// Requests a second, all connections together.
const RATE = 5000;
const LEAST_S = 2;
// By then V8's collector has moved what the connections are made of twice, to where it stays: that
// is a part of their coming.
const WARM_UP_S = 4;
// It takes long.
const MOST_ROUNDS = 3;
// What a server needs to be done with the connections that have come or gone.
const REST_MS = 500;

/** Response times at a rate that is a part of what could be, on very many connections. */
export async function latency(context: BenchContext): Promise<Row[]> {
  const { generator, folder, tell, openFiles } = context;
  const rounds = Math.min(context.rounds, MOST_ROUNDS);
  const most = Math.floor((openFiles - OTHER_FILES) / FILES_EACH);
  const connections = Math.min(CONNECTIONS, most);
  if (connections < CONNECTIONS) {
    tell(
      `${connections} connections instead of ${CONNECTIONS}: a process may have only ${openFiles} files open (ulimit -n)`,
    );
  }
  await using servers = new Servers(context);
  await servers.addEchoes();
  const haproxy = await Haproxy.start(servers.all[0]!.port, folder);
  if (haproxy) await servers.add(HAPROXY, haproxy);
  else tell("HAProxy is not installed, and left out");
  await servers.addOurs();
  const p50 = servers.all.map((): number[] => []);
  const p99 = servers.all.map((): number[] => []);
  const longest = servers.all.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { name, port }] of servers.all.entries()) {
      tell(`${RATE}/s on ${connections}, ${name}, round ${round + 1}`);
      await using load = await generator.ready(port, {
        connections,
        cmd: Cmd.ECHO,
        rate: RATE,
        duration: Math.max(LEAST_S, context.seconds),
        "warm-up": WARM_UP_S,
      });
      await rest();
      const result = await load.run();
      p50[i]!.push(result.p50);
      p99[i]!.push(result.p99);
      longest[i]!.push(result.max);
    }
    await rest();
  }
  return servers.all.map(({ name }, i) => ({
    scenario: `${RATE}/s on ${connections}`,
    subject: name,
    unit: "ms p50",
    values: p50[i]!,
    p99: p99[i]!,
    note: `at most ${longest[i]!.map((ms) => ms.toFixed(1)).join(", ")} ms`,
  }));
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS));
}
