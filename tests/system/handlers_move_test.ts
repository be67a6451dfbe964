// The handlers of examples/handlers.ts answer the same on a haven server and on workers behind a
// gateway.

import { assertEquals } from "@std/assert";
import { Box, type BoxFields, type BoxInit, TcpClient } from "@maple/box";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { startProcess } from "../helpers/process.ts";
import { PATIENCE_MS } from "../helpers/within.ts";
import { HavenProcess } from "./haven_process.ts";

const HAVEN = pathOf("../../examples/handlers_haven.ts");
const WORKER = pathOf("../../examples/handlers_worker.ts");

// A request without answer, cmd 5, is followed by one that has some: its absence is seen.
const SCRIPT: readonly BoxInit<BoxFields>[] = [
  { cmd: 1, sn: 1, body: "hello" },
  { cmd: 1, sn: 2 },
  { cmd: 1, sn: 3, flag: 7, version: 3, ret: 9, body: new Uint8Array(100_000) },
  { cmd: 2, sn: 4, body: [1, 2, 3] },
  { cmd: 2, sn: 5, body: "not JSON" },
  { cmd: 3, sn: 6, body: "slow" },
  { cmd: 1, sn: 7, body: "after slow" },
  { cmd: 4, sn: 8 },
  { cmd: 5, sn: 9 },
  { cmd: 1, sn: 10, version: -1, body: "too old" },
  { cmd: 404, sn: 11 },
  { cmd: -1, sn: 12 },
  { cmd: 5, sn: 13 },
  { cmd: 1, sn: -14, body: "ü € 🍁" },
];
const SILENT = 2;

interface Answer extends BoxFields {
  body: Uint8Array;
}

/** Sends the whole script at once, and each request by itself; gives all answers. */
async function play(port: number): Promise<Answer[]> {
  await using client = new TcpClient(Box, "127.0.0.1", port, {
    timeout: PATIENCE_MS / 1000,
  });
  await client.connect();
  const answers: Answer[] = [];
  const read = async () => {
    const box = await client.read();
    if (!box) throw new Error("the connection was closed");
    const { magic, version, flag, packetLen, cmd, ret, sn, body } = box;
    answers.push({ magic, version, flag, packetLen, cmd, ret, sn, body });
  };
  await Promise.all(SCRIPT.map((request) => client.write(request)));
  for (let i = 0; i < SCRIPT.length - SILENT; i++) await read();
  for (const request of SCRIPT) {
    await client.write(request);
    if (request.cmd !== 5) await read();
  }
  return answers;
}

Deno.test("handlers answer the same on Haven and on Worker behind a gateway", async () => {
  await using haven = await HavenProcess.run([HAVEN, "--port", "0"]);
  await using gateway = await startGatewayProcess();
  await using _worker = await startProcess(Deno.execPath(), {
    args: [...runArgs("worker"), WORKER, "--port", String(gateway.innerPort)],
    ready: /^maple worker ready /,
  });
  const fromHaven = await play(haven.port);
  const fromWorker = await play(gateway.outerPort);
  assertEquals(fromHaven.length, 2 * (SCRIPT.length - SILENT));
  assertEquals(
    fromHaven.slice(0, SCRIPT.length - SILENT).map(({ sn, ret }) => [sn, ret]),
    [
      ...[[1, 0], [2, 0], [3, 0], [4, 0], [5, -10004], [6, 0], [7, 0]],
      ...[[8, -10001], [10, 10], [11, -10000], [12, -10000], [-14, 0]],
    ],
  );
  assertEquals(fromWorker, fromHaven);
});
