// Peers: other systems at the same job as the gateway with one worker or as haven, beside them.

import { COLYSEUS } from "./colyseus.ts";
import type { BenchContext } from "./context.ts";
import { measureInTurn } from "./echoes.ts";
import { GATEWAY_WORKER } from "./gatewayworker.ts";
import { atRate } from "./latency.ts";
import { NATS } from "./nats_service.ts";
import type { PeerKind } from "./peer.ts";
import { PINUS } from "./pinus.ts";
import type { Row } from "./rows.ts";
import { Servers } from "./servers.ts";
import { SKYNET } from "./skynet.ts";

/** The other systems. */
export const PEERS: readonly PeerKind[] = [
  NATS,
  GATEWAY_WORKER,
  SKYNET,
  PINUS,
  COLYSEUS,
];

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
  for (const { name, flags, needs, start } of PEERS) {
    const peer = await start(peers, folder);
    if (peer) await servers.add(name, peer, flags);
    else {
      tell(`${name}, is left out: ${needs(peers)} (bench/README.md, "Peers")`);
    }
  }
}
