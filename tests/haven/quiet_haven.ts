// QuietHaven: a haven server for clients in memory, whose log a test can read.

import { Box, type BoxClass, type BoxFields, type BoxInit } from "@maple/box";
import { type AppOptions, Haven, type HavenRequest } from "@maple/haven";
import { type TestClient, testClient } from "@maple/haven/testing";
import { LogCollector } from "../helpers/log_collector.ts";

/** A haven server whose log can be read. */
export class QuietHaven<F extends object = BoxFields> extends Haven<F> {
  /** What it logged. */
  readonly log: LogCollector;

  /** Makes one. */
  constructor(boxClass: BoxClass<F>, options: AppOptions = {}) {
    const log = new LogCollector();
    super(boxClass, { logger: log, ...options });
    this.log = log;
  }
}

/** A request that is finished for its server and that the test may still answer; and its client. */
export async function held(
  app: Haven,
  init: BoxInit<BoxFields> = {},
): Promise<{ request: HavenRequest; client: TestClient<BoxFields> }> {
  const requests: HavenRequest[] = [];
  app.route(init.cmd ?? 1, (one) => void requests.push(one), {
    endpoint: "held",
    answers: false,
  });
  const client = testClient(app);
  await client.write({ cmd: 1, ...init });
  return { request: requests[0]!, client };
}

/** A server that speaks {@linkcode Box}. */
export function quietHaven(options: AppOptions = {}): QuietHaven {
  return new QuietHaven(Box, options);
}
