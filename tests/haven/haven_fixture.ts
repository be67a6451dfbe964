// HavenFixture: a haven server in this process on a free port, with what a test needs around it.

import {
  Box,
  type BoxClass,
  type BoxFields,
  type BoxOf,
  TcpClient,
} from "@maple/box";
import {
  Haven,
  type HavenListenOptions,
  type HavenOptions,
  type HavenStats,
} from "@maple/haven";
import { eventually } from "../helpers/eventually.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { TEST_IO } from "../helpers/test_io.ts";
import { PATIENCE_MS, within } from "../helpers/within.ts";

/** A haven server in this process, closed at the end of the test. */
export class HavenFixture<F extends object = BoxFields>
  implements AsyncDisposable {
  readonly app: Haven<F>;
  readonly log = new LogCollector();

  constructor(boxClass: BoxClass<F>, options: HavenOptions = {}) {
    this.app = new Haven(boxClass, { logger: this.log, ...options });
  }

  /** Starts a server that speaks {@linkcode Box}. */
  static async start(
    register: (app: Haven) => void,
    options: HavenListenOptions & HavenOptions = {},
  ): Promise<HavenFixture> {
    const fixture = new HavenFixture(Box, options);
    register(fixture.app);
    await fixture.app.listen({
      port: 0,
      ...(TEST_IO && { io: TEST_IO }),
      ...options,
    });
    return fixture;
  }

  get port(): number {
    return this.app.addr!.port;
  }

  /** Connects a client. */
  async connect(): Promise<TcpClient<F>> {
    const client = new TcpClient(this.app.boxClass, "127.0.0.1", this.port, {
      timeout: PATIENCE_MS / 1000,
    });
    await client.connect();
    return client;
  }

  /** Connects without speaking a box. */
  connectRaw(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.port });
  }

  /** Waits for a state of the counters. */
  async until(condition: (stats: HavenStats) => boolean): Promise<void> {
    await eventually(() => condition(this.app.stats()), {
      what: `${condition} of ${Deno.inspect(this.app.stats())}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.app.close(), "the end of the server");
  }
}

/** Starts one whose cmd 1 sends back what came. */
export function startEcho(
  options: HavenListenOptions & HavenOptions = {},
): Promise<HavenFixture> {
  return HavenFixture.start((app) => {
    app.route(1, (request) => request.write({ body: request.box.body }));
  }, options);
}

/** Sends a request and gives the answer. */
export async function call<F extends object>(
  client: TcpClient<F>,
  data: Parameters<TcpClient<F>["write"]>[0],
): Promise<BoxOf<F>> {
  await client.write(data);
  const answer = await client.read();
  if (!answer) throw new Error("the server has closed the connection");
  return answer;
}

/** Reads to the end of a connection; the bytes that came. A reset is an end too. */
export async function readToEnd(conn: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(65536);
  let bytes = 0;
  for (;;) {
    let count: number | null;
    try {
      count = await within(conn.read(buffer), "the end of a connection");
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return bytes;
      throw error;
    }
    if (count === null) return bytes;
    bytes += count;
  }
}
