// The game of examples/game_table.ts goes on when its workers are restarted; in memory only, it
// does not.

import { assert, assertEquals } from "@std/assert";
import type { BoxFields, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { pathOf } from "../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../helpers/process.ts";

interface Table {
  players: number[];
  total: number;
  next: number;
  winner: number;
  pid: number;
  why?: string;
}

// A player who reads the answer to each request and keeps what came unasked.
class Player implements AsyncDisposable {
  readonly told: Table[] = [];
  #lastId = 0;

  constructor(
    readonly uid: number,
    readonly client: TcpClient<BoxFields>,
  ) {}

  async sit(): Promise<Table> {
    return await this.#call(1, { table: 7, uid: this.uid });
  }

  async add(add: number, id?: number): Promise<Table> {
    return await this.#call(2, { table: 7, add }, id);
  }

  async #call(
    cmd: number,
    body: Record<string, number>,
    id = ++this.#lastId,
  ): Promise<Table> {
    await this.client.write({ cmd, body: { ...body, id } });
    for (;;) {
      const box = await this.client.read();
      if (!box) throw new Error("disconnected");
      const table = box.json<Table>();
      if (box.cmd === cmd) {
        assertEquals(box.ret, table.why === undefined ? 0 : 1);
        return table;
      }
      this.told.push(table);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}

function startGame(
  gateway: GatewayFixture,
  ...args: string[]
): Promise<RunningProcess> {
  return startProcess(Deno.execPath(), {
    args: [
      ...["run", "-A", pathOf("../../examples/game_table.ts")],
      ...["--port", String(gateway.inner.port), ...args],
    ],
    ready: /^maple worker ready /,
  });
}

async function seat(gateway: GatewayFixture, uid: number): Promise<Player> {
  const player = new Player(uid, await gateway.connect());
  await player.sit();
  return player;
}

// The old processes are gone when this resolves.
async function reload(game: RunningProcess, workers: number): Promise<void> {
  game.kill("SIGHUP");
  await eventually(
    () => game.stderr.split("ended: exit code 0").length > workers,
    { timeout: 30_000 },
  );
}

Deno.test("examples/game_table.ts goes on where it was when its workers are reloaded and killed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "maple_tables_" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const gateway = stack.use(await GatewayFixture.start());
  const game = stack.use(await startGame(gateway, "--folder", folder));
  const ann = stack.use(await seat(gateway, 1));
  const bob = stack.use(await seat(gateway, 2));
  const before = await ann.add(3);
  assertEquals([before.total, before.next], [3, 2]);
  assertEquals((await ann.add(3)).why, "it is not your turn");

  await reload(game, 2);
  const after = await bob.add(2);
  assertEquals([after.total, after.next], [5, 1]);
  assert(after.pid !== before.pid);
  // A move that comes once more is not made once more.
  assertEquals((await bob.add(2, 2)).total, 5);

  Deno.kill(after.pid, "SIGKILL");
  const players = [ann, bob];
  let table = after;
  for (let turn = 0; table.winner === 0; turn++) {
    table = await players[turn % 2]!.add(Math.min(3, 21 - table.total));
  }
  assertEquals([table.total, table.winner], [21, 2]);
  // Bob's last answer was his first word of 21; ann is told it by the worker.
  assertEquals((await ann.add(1)).why, "the game is over");
  assertEquals(ann.told.at(-1)!.winner, 2);
  game.kill("SIGTERM");
  assertEquals((await game.finished()).code, 0);
});

Deno.test("examples/game_table.ts forgets its tables with its process when they are in memory only", async () => {
  await using gateway = await GatewayFixture.start();
  await using game = await startGame(gateway);
  await using ann = await seat(gateway, 1);
  await using _bob = await seat(gateway, 2);
  assertEquals((await ann.add(3)).total, 3);
  await reload(game, 1);
  // The connection and the login are as before, the table is not.
  assertEquals((await ann.add(3)).why, "you do not sit at this table");
  game.kill("SIGTERM");
  assertEquals((await game.finished()).code, 0);
});
