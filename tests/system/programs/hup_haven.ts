// A haven server whose code is changed while clients are connected, for tests.
//
// cmd 1 counts the client's requests in conn.state, and answers with the version of the code; 2
// does so after a while; 3 logs in, joins a group and keeps all kinds of things; 4 tells these;
// 5 keeps what cannot be cloned; 6 does not end until cmd 7 comes; 8 ends the process; 9 sends all
// who are in the group something; 10 tells the counters; 11 takes two seconds; 12 sits down at the
// one table, 13 plays a hand there.

import { Box, LineBox } from "@maple/box";
import { Haven, type HavenRunOptions } from "@maple/haven";
import { failAt, type Fault } from "./handover_fault.ts";

/** What is kept of a connection. */
interface ConnState {
  n?: number;
  seen?: Map<string, Date>;
  bytes?: Uint8Array;
  big?: bigint;
  timer?: { id: () => void };
  player?: Player;
  table?: { hands: number };
}

class Player {
  constructor(readonly name: string) {}
  greet(): string {
    return `I am ${this.name}`;
  }
}

/** What a version of the code is. */
export interface HupVersion {
  /** Its name. */
  readonly version: string;
  /** How it is run. */
  readonly options?: HavenRunOptions;
  /** What goes wrong in it. */
  readonly fault?: Fault;
  /** Whether a takeOver hook of it does not end. */
  readonly hangs?: boolean;
  /** Whether its handOver and takeOver hooks take a while. */
  readonly slow?: boolean;
  /** Whether its boxes are others. */
  readonly lines?: boolean;
}

/** Runs a version. */
export async function runHupHaven(
  { version, options, fault, hangs, slow, lines }: HupVersion,
): Promise<void> {
  // Not in the master.
  if (fault && Deno.env.has("MAPLE_WORKER")) failAt(fault);
  if (lines) return await new Haven(LineBox).run({ ...options, io: "epoll" });
  const app = new Haven<typeof Box.prototype, object, ConnState>(Box);
  let created = 0;
  let closed = 0;
  let ticks = 0;
  let table = { hands: 0 };
  // Ticks before all was taken over.
  let early = 0;
  const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300));
  let open: (() => void) | undefined;
  app.createConn(() => void created++);
  app.closeConn(() => void closed++);
  app.handOver((kept) =>
    Object.assign(kept, { created, closed, ticks, table })
  );
  if (slow) {
    app.handOver(() => {
      console.log("hands over");
      return aWhile();
    });
    app.takeOver(async () => {
      await aWhile();
      early = ticks;
    });
  }
  app.takeOver((kept) => {
    ({ created, closed, ticks, table } = kept as never);
    for (const conn of app.connections) conn.state.n ??= 0;
  });
  if (hangs) app.takeOver(() => new Promise(() => {}));
  app.repeatTimer(0.01, () => void ticks++);
  app.startWorker(() => console.log(`start ${version} ${Deno.pid}`));
  app.stopWorker(() => console.log(`stop ${version} ${Deno.pid}`));
  const count = (state: ConnState) => state.n = (state.n ?? 0) + 1;
  app.route(1, ({ conn }) => ({ body: `${version} ${count(conn.state)}` }));
  app.route(2, async ({ conn }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { body: `${version} ${count(conn.state)}` };
  });
  app.route(3, (request) => {
    request.loginClient(2n ** 60n, 5);
    request.joinGroup("table", "lobby");
    const { state } = request.conn;
    state.seen = new Map([["now", new Date(5)]]);
    state.bytes = new Uint8Array([1, 2, 3]);
    state.big = 2n ** 70n;
    return { ret: 0 };
  });
  app.route(4, ({ conn: { id, address, state }, uid64, userdata }) => ({
    body: [
      ...[id, address, uid64, userdata, state.seen?.get("now")?.getTime()],
      ...[state.bytes?.join(), state.big, state.timer, state.player?.name],
      state.player instanceof Player,
    ].join(" "),
  }));
  app.route(5, ({ conn }) => {
    conn.state.timer = { id: () => {} };
    conn.state.player = new Player("ann");
    return { body: conn.state.player.greet() };
  });
  app.route(6, async () => {
    await new Promise<void>((resolve) => open = resolve);
    return { body: version };
  });
  app.route(7, () => {
    open?.();
    return { ret: 0 };
  });
  app.route(8, () => Deno.exit(7));
  app.route(9, (request) => {
    request.writeToGroups([[["table"], { cmd: 99, body: version }]]);
    return { ret: 0 };
  });
  app.route(11, async () => {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return { body: version };
  });
  app.route(12, ({ conn }) => {
    conn.state.table = table;
    return { ret: 0 };
  });
  app.route(13, ({ conn: { state } }) => ({
    body: `${version} ${++state.table!.hands} ${state.table === table}`,
  }));
  app.route(10, () => {
    const { accepted, connections, users, groups, generation } = app.stats();
    const counters = { accepted, connections, users, groups, generation };
    return {
      body: { ...counters, created, closed, ticks, early, pid: Deno.pid },
    };
  });
  await app.run({ port: 0, ...options, io: options?.io ?? "epoll" });
  console.log(`left ${version} ${Deno.pid}`);
}
