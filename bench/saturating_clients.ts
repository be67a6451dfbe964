// Clients that saturate a server: each sends its next request as soon as it has the answer. Prints one JSON object.
//
//   deno run -A bench/saturating_clients.ts PORT CONNECTIONS SECONDS

import { Box } from "@maple/box";
import { FrameSocket } from "@maple/box/internal";

/** How the connections were served. */
export interface Served {
  /** Answers a second, all connections together. */
  rate: number;
  /** Answers that the worst served connection got. */
  worst: number;
  /** Answers that a connection got on average. */
  mean: number;
  /** Answers that the best served connection got. */
  best: number;
}

const WARM_UP_MS = 500;

async function measure(
  port: number,
  connections: number,
  seconds: number,
): Promise<Served> {
  const request = new Box({ cmd: 1, body: new Uint8Array(40) }).pack();
  const answers = new Array<number>(connections).fill(0);
  const sockets: FrameSocket[] = [];
  const running: Promise<void>[] = [];
  let closed = 0;
  for (let i = 0; i < connections; i++) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const socket: FrameSocket = new FrameSocket(conn, {
      onFrame: () => {
        answers[i]!++;
        socket.send(request);
      },
      onClose: () => closed++,
    }, { framing: Box });
    sockets.push(socket);
    running.push(socket.run());
  }
  for (const socket of sockets) socket.send(request);
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  if (closed > 0) throw new Error(`the server closed ${closed} connections`);
  const before = answers.slice();
  const since = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const elapsed = (performance.now() - since) / 1000;
  const got = answers.map((count, i) => count - before[i]!);
  for (const socket of sockets) socket.destroy();
  await Promise.all(running);
  const total = got.reduce((sum, count) => sum + count, 0);
  return {
    rate: total / elapsed,
    worst: Math.min(...got),
    mean: total / connections,
    best: Math.max(...got),
  };
}

if (import.meta.main) {
  const [port, connections, seconds] = Deno.args.map(Number);
  console.log(JSON.stringify(await measure(port!, connections!, seconds!)));
}
