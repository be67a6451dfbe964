// The stage with a haven server: one process that answers by itself.

import { pathOf } from "../../helpers/paths.ts";
import { startProcess } from "../../helpers/process.ts";
import { WebSocketStream } from "../../helpers/web_socket_stream.ts";
import { BOUND_MS } from "./honest_client.ts";
import { ProcessWatch } from "./process_watch.ts";
import { endInOrder, ServerStage } from "./server_stage.ts";
import type { Stage, StageOptions } from "./stage.ts";

const CONFIG = pathOf("../../deno.json");

/** Starts it. */
export async function startHavenStage({ io }: StageOptions): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const options = {
    ...{ host: "127.0.0.1", port: 0, websocketPort: 0, io, heartbeatCmd: 77 },
    ...{ frameTimeout: 3, writeTimeout: 3, linger: 2, websocketPing: 5 },
  };
  const process = await startProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", "--config", CONFIG],
      ...[pathOf("../system/programs/fuzz_haven.ts"), JSON.stringify(options)],
    ],
    ready: /^maple haven ready \S+:(\d+).*?:(\d+)$/,
  });
  stack.defer(() => endInOrder(process));
  const [outer, ws] = process.ready!.slice(1).map(Number) as [number, number];
  const overTcp = () => Deno.connect({ hostname: "127.0.0.1", port: outer });
  const overWs = () =>
    WebSocketStream.open({ hostname: "127.0.0.1", port: ws });
  return await ServerStage.start({
    ports: { outer, ws },
    watches: [new ProcessWatch("haven", process)],
    honest: [
      { name: "tcp a", connect: overTcp },
      { name: "tcp b", connect: overTcp },
      { name: "ws a", connect: overWs },
    ],
    newcomers: [
      { name: "tcp", connect: overTcp },
      { name: "ws", connect: overWs },
    ],
    counters: async () => {
      await process.write("");
      const [, json] = await process.line(/^stats (.*)$/, BOUND_MS);
      const stats = JSON.parse(json!);
      const { connections, users, bufferBytes, unhandled, closed } = stats;
      return {
        steady: {
          ...{ connections, users, bufferBytes, unhandled },
          "closed.error": closed.error,
        },
        messages: stats.requests + stats.heartbeats,
      };
    },
  }, stack);
}
