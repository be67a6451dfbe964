// TLS: the gateway's own port for it, and HAProxy that ends it in front of the one for TCP, beside
// TCP; and the memory of idle connections.

import { certify } from "./certificate.ts";
import type { BenchContext } from "./context.ts";
import { measureInTurn } from "./echoes.ts";
import { Generator, type LoadFlags } from "./generator.ts";
import { Haproxy } from "./haproxy.ts";
import { measure } from "./memory.ts";
import type { Row } from "./rows.ts";
import { ONE_WORKER, type Server } from "./servers.ts";
import { System } from "./system.ts";

const LOADS = [[50, 1], [1000, 1], [50, 16]] as const;
const BODY = 40;
const IDLE = [2000];

/** Echoes over TLS as a share of those over TCP, and what an idle connection takes. */
export async function tls(context: BenchContext): Promise<Row[]> {
  const certificate = await certify(context.folder);
  if (!certificate) {
    context.tell("openssl is not installed: TLS is left out");
    return [];
  }
  // The C load tool speaks no TLS.
  const own = { ...context, generator: new Generator(undefined) };
  const flags: LoadFlags = { tls: true, "ca-file": certificate.authority };
  const rows: Row[] = [];
  {
    await using system = await System.start({ tls: certificate });
    const { port, tlsPort } = system;
    await using proxy = await Haproxy.start(port, context.folder, {
      pem: certificate.pem,
    });
    const servers: Server[] = [
      { name: ONE_WORKER, port },
      { name: `${ONE_WORKER}, TLS`, port: tlsPort, flags },
    ];
    if (proxy) {
      const name = `HAProxy ending TLS, ${ONE_WORKER}`;
      servers.push({ name, port: proxy.port, flags });
    }
    for (const { port, flags } of servers) {
      await own.generator.warmUp(port, flags);
    }
    for (const [connections, depth] of LOADS) {
      const { seconds, rounds } = context;
      const load = { connections, depth, body: BODY, seconds, rounds };
      rows.push(...await measureInTurn(own, load, servers));
    }
  }
  for (const isTls of [false, true]) {
    await using system = await System.start({ tls: certificate });
    const { gateway, port, tlsPort } = system;
    const name = `${ONE_WORKER}${isTls ? ", TLS" : ""}`;
    const options = { counts: IDLE, flags: isTls ? flags : {} };
    const chosen = isTls ? tlsPort : port;
    rows.push(...await measure(own, name, gateway, chosen, options));
  }
  return rows;
}
