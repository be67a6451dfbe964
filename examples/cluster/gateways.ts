// The gateways of the example: over a nats-server where one is installed, otherwise three processes
// of one gateway over a bus of its own.

import { Balancer } from "./balancer.ts";
import { Program } from "./program.ts";
import { pause, tell } from "./say.ts";
import { Cmd } from "./worker.ts";

/** How many there are. */
export const GATEWAYS = 3;

/** One gateway of the cluster. */
export interface Member {
  /** Where workers and triggers connect. */
  readonly inner: number;
  /** Its process. */
  readonly pid: number;
}

/** The cluster, whatever carries its messages. */
export interface Cluster extends AsyncDisposable {
  /** Its gateways by their nodes. */
  readonly members: Member[];
  /** Where clients connect: to any gateway. */
  readonly port: number;
  /** Resolves when a gateway has left. */
  left(node: number): Promise<void>;
}

const GATEWAY_ARGS = [
  ...["--outer-host", "127.0.0.1", "--outer-port", "0", "--inner-port", "0"],
  ...["--move-cmd", String(Cmd.MOVE_AWAY), "--lame-duck-notice", "0"],
];

/** Three gateways over a nats-server, and what stands for a load balancer. */
export async function overNats(stack: AsyncDisposableStack): Promise<Cluster> {
  const [nats, [, bus]] = await Program.start(
    "nats-server",
    ["-a", "127.0.0.1", "-p", "-1"],
    {
      says: /client connections on \S+:(\d+)[^]*Server is ready/,
      at: "stderr",
    },
  );
  stack.use(nats);
  tell("bus", `a nats-server at port ${bus}`);
  const gateways = await Promise.all(
    Array.from(
      { length: GATEWAYS },
      (_, node) =>
        Program.ours("../../gateway/mod.ts", [
          ...GATEWAY_ARGS,
          ...[
            "--cluster",
            `nats://127.0.0.1:${bus}`,
            "--node-id",
            String(node),
          ],
        ]),
    ),
  );
  const outers: number[] = [];
  const members = gateways.map(([program, [line]]): Member => {
    stack.use(program);
    const [outer, inner] = [...line.matchAll(/:(\d+)/g)].map((match) =>
      Number(match[1])
    );
    outers.push(outer!);
    return { inner: inner!, pid: program.process.pid };
  });
  const balancer = stack.use(new Balancer(outers));
  return Object.assign(stack, {
    members,
    port: balancer.port,
    left: (node: number) => gateways[node]![0].process.status.then(() => {}),
  });
}

/** One gateway of three processes, which are a cluster of their own. */
export async function overProcesses(
  stack: AsyncDisposableStack,
): Promise<Cluster> {
  tell("bus", "no nats-server is installed: one gateway of 3 processes");
  const metrics = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port: status } = metrics.addr;
  metrics.close();
  const [gateway, [line]] = await Program.ours("../../gateway/mod.ts", [
    ...GATEWAY_ARGS,
    ...["--processes", String(GATEWAYS), "--metrics", String(status)],
  ]);
  stack.use(gateway);
  const [outer, inner] = [...line.matchAll(/:(\d+)/g)].map((match) =>
    Number(match[1])
  ) as [number, number];
  // A process tells its id a moment after it serves.
  const pids = async (): Promise<number[]> => {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${status}/stats.json`);
      const { processes } = await answer.json() as {
        processes: { pid: number | null }[];
      };
      const told = processes.map(({ pid }) => pid).filter((pid) =>
        pid !== null
      );
      if (told.length === GATEWAYS) return told;
      await pause(0.1);
    }
  };
  const first = await pids();
  return Object.assign(stack, {
    members: first.map((pid) => ({ inner, pid })),
    port: outer,
    async left(node: number) {
      while ((await pids())[node] === first[node]) await pause(0.1);
    },
  });
}
