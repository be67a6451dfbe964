// A haven server in several processes whose code is changed while clients are connected, for tests.
//
// cmd 1 counts the client's requests in conn.state and answers with the version of the code, 2 does
// so after a while; 3 sends a text to a uid, or with uid 0 to the group "all", and tells the
// receipt; 4 does not wait for one; 5 logs in with the uid of the body and joins that group; 10
// tells the counters.

import { Box, type BoxFields } from "@maple/box";
import { GHaven, type HavenRunOptions } from "@maple/haven";
import { failAt, type Fault } from "./handover_fault.ts";

/** What a version of the code is. */
export interface GHupVersion {
  /** Its name. */
  readonly version: string;
  /** How it is run. */
  readonly options?: HavenRunOptions;
  /** What goes wrong in the process of that index. */
  readonly fault?: Fault & { readonly index: number };
  /** The process of which index does not come up. */
  readonly fails?: number;
}

/** Runs a version. */
export async function runHupGHaven(
  { version, options, fault, fails }: GHupVersion,
): Promise<void> {
  // Not in the master.
  const index = Number(Deno.env.get("MAPLE_WORKER") ?? 0);
  if (fault && index === fault.index) failAt(fault);
  if (index > 0 && index === fails) throw new Error("not today");
  const app = new GHaven<BoxFields, object, { n?: number }>(Box);
  let kept = 0;
  app.handOver((given) => void (given.kept = kept + 1));
  app.takeOver((given) => void (kept = given.kept as number));
  app.route(1, ({ conn: { state } }) => {
    state.n = (state.n ?? 0) + 1;
    return { body: `${version} ${state.n}` };
  });
  app.route(2, async ({ conn: { state } }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    state.n = (state.n ?? 0) + 1;
    return { body: `${version} ${state.n}` };
  });
  app.route(5, (request) => {
    request.loginClient(Number(request.box.text()));
    request.joinGroup("all");
    return { ret: 0 };
  });
  app.route(3, async (request) => {
    const { uid, body } = request.box.json<{ uid: number; body: string }>();
    const data = { cmd: 99, body };
    const receipt = uid === 0
      ? await request.writeToGroups([[["all"], data]], { receipt: true })
      : await request.writeToUsers([[[uid], data]], { receipt: true });
    return { body: receipt };
  });
  app.route(4, (request) => {
    const { uid, body } = request.box.json<{ uid: number; body: string }>();
    const data = { cmd: 99, body };
    const sent = uid === 0
      ? request.writeToGroups([[["all"], data]])
      : request.writeToUsers([[[uid], data]]);
    return { body: { sent } };
  });
  app.route(10, () => {
    const { generation, relayDropped, connections, users } = app.stats();
    const counters = { generation, relayDropped, connections, users };
    return { body: { ...counters, kept, index, pid: Deno.pid } };
  });
  await app.run({ port: 0, ...options, io: options?.io ?? "epoll" });
}
