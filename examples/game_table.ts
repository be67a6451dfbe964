// A game with state behind a gateway, and what becomes of it when workers are restarted.
//
//   deno run -A examples/game_table.ts [--port PORT] [--folder FOLDER]
//
// The game: two players in turn add 1, 2 or 3; who gets to 21 wins. cmd 1 {"table": 7, "uid": 5,
// "id": 1}  user 5 sits down at table 7 cmd 2 {"table": 7, "add": 3, "id": 2}  adds 3; "id" is a
// number of the player's own, another one for each move Both are answered with the table, or with
// ret 1 and why not; the players at the table get it as cmd 3 as well.
//
// A worker is killed or reloaded in the middle of a game. What you need not care about:
// - No player is disconnected, and who is logged in stays so: that is in the gateway, so
//   request.uid is right in a new process.
// - A move that comes in the meantime waits; a move that a killed worker had not answered is given
//   to another one.
// - Each player's moves are handled one after the other, in order.
//
// What you do have to care about, and how it is done here:
// - Variables of a worker are gone with its process, and every process has its own, while the next
//   move at the same table goes to any of them. With --folder, what has happened is in files; each
//   process makes the state out of it anew (table_store.ts). Without it the state is in memory
//   only, in one process: try a HUP.
// - Two players are two clients: their moves may be handled at the same moment, in two processes.
//   So a move is added only behind those that it was judged by; else it is judged again.
// - A move that was given to another worker may have been made before the first one died. So a move
//   that is there already, by its id, is answered and not made again.
// - What a handler does after its answer is not done again elsewhere. So the others are told first
//   and the answer comes last; at worst they are told twice.
// - A timer of a worker (10 s for each move, say) is gone as well: keep when it ends with the
//   table, and let a trigger remind the workers.

import { parseArgs } from "@std/cli/parse-args";
import { Box } from "@maple/box";
import { Worker, type WorkerRequest } from "@maple/worker";
import {
  FileStore,
  MemoryStore,
  type Move,
  type TableStore,
} from "./table_store.ts";

const Cmd = { SIT: 1, ADD: 2, TABLE: 3 } as const;
const GOAL = 21;

/** What clients get to see of a table. */
interface TableView {
  players: number[];
  total: number;
  /** Whose turn it is; 0 when the game has not begun or is over. */
  next: number;
  /** Who has won; 0 for nobody yet. */
  winner: number;
  /** Which process has answered. */
  pid: number;
}

const flags = parseArgs(Deno.args, {
  string: ["port", "folder"],
  default: { port: "28000" },
});
const store: TableStore = flags.folder === undefined
  ? new MemoryStore()
  : new FileStore(flags.folder);

function view(moves: readonly Move[]): TableView {
  const players = moves.slice(0, 2).map(({ uid }) => uid);
  const total = moves.reduce((sum, { add }) => sum + add, 0);
  const over = total === GOAL;
  return {
    players,
    total,
    next: players.length < 2 || over ? 0 : players[moves.length % 2]!,
    winner: over ? moves.at(-1)!.uid : 0,
    pid: Deno.pid,
  };
}

function whyNot(
  moves: readonly Move[],
  { uid, add }: Move,
): string | undefined {
  const { players, total, next, winner } = view(moves);
  if (add === 0) {
    if (players.includes(uid)) return "you sit here already";
    return players.length === 2 ? "the table is full" : undefined;
  }
  if (!players.includes(uid)) return "you do not sit at this table";
  if (winner !== 0) return "the game is over";
  if (next !== uid) return "it is not your turn";
  const fits = [1, 2, 3].includes(add) && total + add <= GOAL;
  return fits ? undefined : `you cannot add ${add} to ${total}`;
}

function isThere(moves: readonly Move[], { uid, id }: Move): boolean {
  return moves.some((move) => move.uid === uid && move.id === id);
}

async function make(request: WorkerRequest, move: Move): Promise<void> {
  const { table } = request.box.json<{ table: number }>();
  if (!Number.isSafeInteger(table)) {
    await request.writeToClient({ ret: 1, body: { why: "no such table" } });
    return;
  }
  for (;;) {
    const moves = await store.read(table);
    if (isThere(moves, move)) break;
    const why = whyNot(moves, move);
    if (why !== undefined) {
      await request.writeToClient({ ret: 1, body: { why } });
      return;
    }
    if (await store.append(table, moves.length, move)) break;
  }
  const body = { ...view(await store.read(table)) };
  request.writeToUsers([[body.players, { cmd: Cmd.TABLE, body }]]);
  await request.writeToClient({ ret: 0, body });
}

const app = new Worker(Box);

app.route(Cmd.SIT, (request) => {
  const { uid, id } = request.box.json<{ uid: number; id: number }>();
  request.loginClient(uid);
  return make(request, { uid, id, add: 0 });
}, "sit");

app.route(Cmd.ADD, (request) => {
  const { add, id } = request.box.json<{ add: number; id: number }>();
  return make(request, { uid: request.uid, id, add });
}, "add");

await app.run({
  port: Number(flags.port),
  // In memory, several processes would be several truths.
  workers: flags.folder === undefined ? 1 : 2,
});
