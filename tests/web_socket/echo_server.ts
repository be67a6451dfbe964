// EchoServer: a gateway with a worker, or a haven server, that answers each box with the same one.

import { TaskOffset } from "@maple/box";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { eventually } from "../helpers/eventually.ts";
import { HavenFixture } from "../haven/haven_fixture.ts";

/** What is served. */
export type ServerName = "gateway" | "haven";

/** Both. */
export const SERVERS: readonly ServerName[] = ["gateway", "haven"];

/** The longest frame that they take: with the header of its task it is 16 MiB. */
export const FRAME_MAX = 16 * 1024 * 1024 - TaskOffset.body;

/** A server that answers each box with the same one. */
export interface EchoServer extends AsyncDisposable {
  /** Where WebSockets connect. */
  readonly addr: Deno.NetAddr;
  /** `ws://HOST:PORT/`. */
  readonly url: string;
  /** What it logged that is no good news. */
  readonly complaints: readonly string[];
  /** Waits until so many clients are connected. */
  clients(count: number): Promise<void>;
  /** Leaves. */
  leave(): Promise<void>;
}

/** Starts one. */
export async function startEcho(name: ServerName): Promise<EchoServer> {
  return name === "gateway" ? await startGateway() : await startHaven();
}

async function startGateway(): Promise<EchoServer> {
  const fixture = await GatewayFixture.start({
    frameBytes: FRAME_MAX,
    outboxBytes: 4 * FRAME_MAX,
    innerFrameBytes: 2 * FRAME_MAX,
  }, "ws");
  const worker = await fixture.attachEcho();
  const { gateway, log } = fixture;
  return {
    ...placeOf(gateway.wsAddr!),
    get complaints() {
      return log.complaints;
    },
    clients: (count) => fixture.until(({ clients }) => clients === count),
    leave: () => gateway.close(),
    [Symbol.asyncDispose]: async () => {
      await fixture[Symbol.asyncDispose]();
      await worker[Symbol.asyncDispose]();
    },
  };
}

async function startHaven(): Promise<EchoServer> {
  const fixture = await HavenFixture.start((app) => {
    app.route(1, (request) => request.write({ body: request.box.body }));
  }, { websocketPort: 0, frameBytes: FRAME_MAX, outboxBytes: 4 * FRAME_MAX });
  const { app, log } = fixture;
  return {
    ...placeOf(app.websocketAddr!),
    get complaints() {
      return log.complaints;
    },
    clients: (count) =>
      eventually(() => app.stats().connections === count, {
        what: `${count} connections`,
      }),
    leave: () => app.close(),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

function placeOf(addr: Deno.NetAddr): Pick<EchoServer, "addr" | "url"> {
  return { addr, url: `ws://${addr.hostname}:${addr.port}/` };
}
