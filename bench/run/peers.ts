// Peers: other systems at the same job as the gateway with one worker, beside it in one run.

import type { BenchContext } from "./context.ts";
import { measureInTurn } from "./echoes.ts";
import { GatewayWorker } from "./gatewayworker.ts";
import { atRate } from "./latency.ts";
import { NatsService } from "./nats_service.ts";
import type { Row } from "./rows.ts";
import { Servers } from "./servers.ts";
import { Skynet } from "./skynet.ts";

const LOADS = [[50, 1], [1000, 1], [50, 16], [1000, 16]] as const;
const BODY = 40;
// At which the response times at a rate are measured.
const CONNECTIONS = 1000;

/** Answers a second of all of them, and response times at a rate that none has trouble with. */
export async function peers(context: BenchContext): Promise<Row[]> {
  const { native, seconds, rounds, tell } = context;
  if (!native) {
    tell("peers are left out: only the load tool in C speaks as they do");
    return [];
  }
  await using servers = new Servers(context);
  tell("starting the servers");
  await servers.addEcho(native);
  await servers.addHaproxy();
  await servers.addOurs();
  await addPeers(servers, context);
  const rows: Row[] = [];
  for (const [connections, depth] of LOADS) {
    const load = { connections, depth, body: BODY, seconds, rounds };
    rows.push(...await measureInTurn(context, load, servers.all));
  }
  return [...rows, ...await atRate(context, CONNECTIONS, servers.all)];
}

async function addPeers(
  servers: Servers,
  { folder, peers, tell }: BenchContext,
): Promise<void> {
  const nats = await NatsService.start(folder);
  if (nats) await servers.add("NATS, 1 service", nats, NatsService.flags);
  else tell("NATS is left out: apt install nats-server");
  const gatewayWorker = await GatewayWorker.start(peers, folder);
  if (gatewayWorker) {
    await servers.add("GatewayWorker, 1 worker", gatewayWorker);
  } else {
    tell(
      `GatewayWorker is left out: PHP with the extension event, and ${peers}/gatewayworker with vendor/autoload.php (bench/README.md, "Peers")`,
    );
  }
  const skynet = await Skynet.start(peers, folder);
  if (skynet) await servers.add("skynet, 1 service", skynet, Skynet.flags);
  else {
    tell(
      `skynet is left out: ${peers}/skynet is to hold it, built (bench/README.md, "Peers")`,
    );
  }
}
