// The worker: what players ask is put to the games, and what came of it told to the table.
//
//   deno run -A examples/doudizhu/worker.ts --store PLACE [--host HOST] [--port PORT] [--workers N]
//     [--metrics [HOST:]PORT] [--turn SECONDS] [--wait SECONDS]
//
// PLACE is the path of a file, or the address of a Redis (`redis://...`), by default REDIS_URL.
// Start several, on several machines with Redis; reload or kill any of them at any time.

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Reply } from "@maple/haven";
import { Worker, type WorkerRequest } from "@maple/worker";
import { tableOf } from "./documents.ts";
import { DEFAULT_TIMES, Games, type GamesOptions } from "./games.ts";
import {
  type ChatBody,
  Cmd,
  type EnterAnswer,
  type EnterBody,
  type MoveBody,
  Ret,
  type SayBody,
  type ServerLine,
  type SitAnswer,
  type TableBody,
} from "./messages.ts";
import { areCards } from "./rules/cards.ts";
import { openStore } from "./store/open_store.ts";
import type { TableStore } from "./store/table_store.ts";
import type { Message, Table } from "./table.ts";
import { type View, viewOf } from "./view.ts";

const NAME_MAX = 20;
const TEXT_MAX = 200;

/** Settings of {@linkcode registerTables}. */
export interface TablesOptions extends Partial<GamesOptions> {
  /** Opens the store; called when a process begins to work. */
  readonly open: () => Promise<TableStore>;
  /** How often each process looks for tables whose time has come. @default {0.25} */
  readonly sweepSeconds?: number;
}

/** Registers the card table on a worker. */
export function registerTables(
  app: Worker,
  { open, sweepSeconds = 0.25, ...options }: TablesOptions,
): void {
  let store: TableStore;
  let games: Games;
  app.startWorker(async () => {
    store = await open();
    games = new Games(store, options);
  });
  app.stopWorker(() => store[Symbol.asyncDispose]());

  const line = (): ServerLine => ({ worker: app.workerIndex, pid: Deno.pid });
  const viewFor = (table: Table, uid: number): View =>
    viewOf(
      table,
      table.seats.findIndex((seat) => seat.uid === uid),
      Date.now(),
    );

  // Each of the people at a table is told how it looks from their place. Always the whole: so it
  // does no harm to be told twice, and who has missed one message has missed nothing.
  function tell(table: Table, isNew = false): void {
    const uids = people(table);
    if (isNew) app.joinGroup(groupOf(table.id), uids);
    app.writeToUsers(
      uids.map((uid) => [[uid], {
        cmd: Cmd.TABLE,
        body: { ...viewFor(table, uid), ...line() },
      }]),
    );
  }

  app.beforeRequest((request) => {
    const { cmd, inner, uid } = request;
    const allowed = cmd === Cmd.TIME ? inner : cmd === Cmd.ENTER || uid > 0;
    if (!allowed) return request.interrupt({ ret: Ret.ENTER_FIRST });
  });

  app.route(Cmd.ENTER, async (request) => {
    const { token, name } = request.box.json<EnterBody>();
    const uid = await uidOf(token);
    const { player, table } = await games.enter(
      ...[uid, cleaned(name, NAME_MAX) || "?", connectionOf(request)] as const,
    );
    request.loginClient(uid);
    if (table) {
      request.joinGroup(groupOf(table.id));
      tell(table);
    }
    const view = table ? viewFor(table, uid) : null;
    const body: EnterAnswer = { uid, score: player.score, view, ...line() };
    return { ret: 0, body: { ...body } };
  }, "enter");

  app.route(Cmd.SIT, async ({ uid }) => {
    const { ret, table, waiting } = await games.sit(uid);
    // Also when it is there already: who made it may have died before the others were told.
    if (table) tell(table, true);
    const view = table ? viewFor(table, uid) : null;
    const body: SitAnswer = { view, waiting, ...line() };
    return { ret, body: { ...body } };
  }, "sit");

  // The others are told first and the answer comes last: a worker that dies in between has not
  // answered, so the gateway gives the move to another one. There the move is found to be made, by
  // its number, and all that is left to do is done: to tell, and to answer.
  async function move(
    request: WorkerRequest,
    id: number,
    make: (seat: number) => Message,
  ) {
    const { ret, table } = await games.play(request.uid, id, make);
    if (table && ret === 0) tell(table);
    return { ret, body: { ...line(), again: request.redelivered } };
  }

  app.route(Cmd.BID, (request) => {
    const { table, n, bid } = request.box.json<MoveBody>();
    if (typeof bid !== "number") throw new Reply({ ret: Ret.AGAINST_RULES });
    return move(request, table, (seat) => ({ type: "bid", seat, n, bid }));
  }, "bid");

  app.route(Cmd.PLAY, (request) => {
    const { table, n, cards } = request.box.json<MoveBody>();
    if (!areCards(cards)) throw new Reply({ ret: Ret.AGAINST_RULES });
    return move(request, table, (seat) => ({ type: "play", seat, n, cards }));
  }, "play");

  app.route(Cmd.LEAVE, async (request) => {
    const { table } = request.box.json<TableBody>();
    request.leaveGroup(groupOf(table));
    await move(request, table, (seat) => ({ type: "leave", seat }));
    // Who has left before has left.
    return { ret: 0, body: { ...line() } };
  }, "leave");

  app.route(Cmd.LOOK, async ({ uid, box }) => {
    const table = await games.look(box.json<TableBody>().table);
    if (!table) return { ret: Ret.NO_TABLE };
    if (!people(table).includes(uid)) return { ret: Ret.NOT_YOURS };
    return { ret: 0, body: { ...viewFor(table, uid), ...line() } };
  }, "look");

  app.route(Cmd.SAY, async (request) => {
    const { table: id, n, text } = request.box.json<SayBody>();
    const table = await games.look(id);
    const seat = table?.seats.findIndex(({ uid, left }) =>
      uid === request.uid && !left
    ) ?? -1;
    if (seat < 0) return { ret: Ret.NOT_YOURS };
    if (!Number.isSafeInteger(n)) return { ret: Ret.AGAINST_RULES };
    // A worker that dies now has told the table and not answered: another one tells it again, by
    // the same number, of which a table shows one.
    const said = cleaned(text, TEXT_MAX);
    const body: ChatBody = { table: id, seat, n, text: said };
    request.writeToGroups([[[groupOf(id)], {
      cmd: Cmd.CHAT,
      body: { ...body },
    }]]);
    return { ret: 0 };
  }, "say");

  // A timer in a worker's memory would die with it. So the time is part of the table in the store,
  // every process looks for those whose time has come, and who finds one makes a task of it: that
  // is given to another worker if the one that has it dies.
  app.repeatTimer(sweepSeconds, async () => {
    for (const key of await games.due()) {
      app.writeToWorker({ cmd: Cmd.TIME, body: { key } });
    }
  });

  app.route(Cmd.TIME, async (request) => {
    const { key } = request.box.json<{ key: string }>();
    const outcome = await games.time(key);
    if (outcome.kind === "table") tell(outcome.table, outcome.isNew);
    if (outcome.kind === "forgotten") {
      const { id } = outcome.table;
      app.leaveGroup(groupOf(id), people(outcome.table));
    }
    // Who had it before may have died before the others were told.
    if (outcome.kind === "nothing" && request.redelivered) {
      const table = await games.look(tableOf(key));
      if (table) tell(table);
    }
  }, { endpoint: "time", answers: false });

  app.closeClient(async (request) => {
    if (request.uid === 0) return;
    const table = await games.gone(request.uid, connectionOf(request));
    if (table) tell(table);
  });
}

function groupOf(id: number): string {
  return `table ${id}`;
}

function people({ seats }: Table): number[] {
  return seats.filter(({ uid, left }) => uid > 0 && !left).map(({ uid }) =>
    uid
  );
}

// Which connection it is, over all gateways and their lives.
function connectionOf({ task }: WorkerRequest): string {
  return `${task.nodeId}.${task.tag}.${task.connId}`;
}

// The player's number is made of the secret, so no list of players is needed, and who knows the
// number knows no secret.
async function uidOf(token: unknown): Promise<number> {
  if (typeof token !== "string" || !/^.{16,64}$/.test(token)) {
    throw new Reply({ ret: Ret.ENTER_FIRST });
  }
  const bytes = new TextEncoder().encode(token);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return Number(new DataView(hash).getBigUint64(0) >> 12n) + 1;
}

function cleaned(text: unknown, max: number): string {
  return [...String(text ?? "").replace(/\s+/g, " ").trim()].slice(0, max)
    .join("");
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["host", "port", "store", "workers", "metrics", "turn", "wait"],
    default: { host: "127.0.0.1", port: "28000", workers: "2" },
    unknown(flag) {
      console.error(
        `worker: there is no flag ${flag}; see examples/doudizhu/worker.ts`,
      );
      Deno.exit(2);
    },
  });
  const place = flags.store ?? Deno.env.get("REDIS_URL");
  if (place === undefined) {
    console.error("worker: --store FILE or REDIS_URL is needed");
    Deno.exit(2);
  }
  for (const name of ["port", "workers", "turn", "wait"] as const) {
    const value = flags[name];
    if (value !== undefined && !/^\d+(\.\d+)?$/.test(value)) {
      console.error(`worker: --${name} takes a number, got "${value}"`);
      Deno.exit(2);
    }
  }
  const ms = (seconds: string | undefined, otherwise: number) =>
    seconds === undefined ? otherwise : Number(seconds) * 1000;
  const app = new Worker(Box);
  registerTables(app, {
    open: () => openStore(place, (error) => app.logger.warn(`store: ${error}`)),
    turnMs: ms(flags.turn, DEFAULT_TIMES.turnMs),
    waitMs: ms(flags.wait, DEFAULT_TIMES.waitMs),
  });
  await app.run(flags.host, Number(flags.port), {
    workers: Number(flags.workers),
    ...(flags.metrics === undefined ? {} : { metrics: flags.metrics }),
  });
}
