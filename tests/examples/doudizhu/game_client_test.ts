// The player's side: what it does when an answer is missing, or a message, or the server.

import { assert, assertEquals } from "@std/assert";
import { RET } from "@maple/box";
import type { Haven } from "@maple/haven";
import { GameClient } from "../../../examples/doudizhu/game_client.ts";
import { Cmd, Ret, type SayBody } from "../../../examples/doudizhu/messages.ts";
import { type View, viewOf } from "../../../examples/doudizhu/view.ts";
import { HavenFixture } from "../../haven/haven_fixture.ts";
import { eventually } from "../../helpers/eventually.ts";
import { Random } from "../../helpers/random.ts";
import { playing, TestWorld } from "./world.ts";

/** A server that says what a test tells it to. */
interface Script {
  /** The view of the player at ENTER and LOOK. */
  view: View | null;
  /** What moves are answered with, one after the other. */
  rets: number[];
  /** Which process it says it is. */
  pid: number;
  /** What SIT is answered with, one after the other. */
  sits?: number[];
  /** What the player has heard of the chat. */
  readonly heard?: string[];
}

async function withServer(
  script: Script,
  work: (game: GameClient, server: HavenFixture, moves: unknown[]) => Promise<
    void
  >,
): Promise<void> {
  const moves: unknown[] = [];
  const line = () => ({ worker: 1, pid: script.pid });
  const register = (app: Haven) => {
    app.route(Cmd.ENTER, (request) => {
      request.loginClient(7);
      const body = { uid: 7, score: 5, view: script.view, ...line() };
      return { ret: 0, body: body as unknown as Record<string, never> };
    });
    app.route(Cmd.LOOK, () => {
      if (!script.view) return { ret: Ret.NO_TABLE };
      const body = { ...script.view, ...line() };
      return { ret: 0, body: body as unknown as Record<string, never> };
    });
    app.route(Cmd.SIT, () => {
      const body = { view: script.view, waiting: 1, ...line() };
      const ret = script.sits?.shift() ?? 0;
      const answer = ret === 0 ? body : { ...body, view: null };
      return { ret, body: answer as unknown as Record<string, never> };
    });
    app.route(Cmd.PLAY, (request) => {
      moves.push(request.box.json());
      return { ret: script.rets.shift() ?? 0, body: line() };
    });
    app.route(Cmd.SAY, (request) => {
      const body = { ...request.box.json<SayBody>(), seat: 0 };
      app.writeToUsers([[[7], { cmd: Cmd.CHAT, body }]]);
      return { ret: script.rets.shift() ?? 0 };
    });
  };
  await using server = await HavenFixture.start(register, { websocketPort: 0 });
  await using game = new GameClient({
    ...{ token: "the secret of ann", name: "ann" },
    onChat: ({ text }) => script.heard?.push(text),
  });
  const { port } = server.app.websocketAddr as Deno.NetAddr;
  await game.connect(`ws://127.0.0.1:${port}/`);
  await work(game, server, moves);
}

const WORLD = new TestWorld(new Random(6));
const TABLE = playing(WORLD);
// Nothing is left of the turn: something has to be heard soon.
const VIEW = { ...viewOf(TABLE, 0, WORLD.now), left: 0 };

Deno.test("a move that a worker could not make is sent again, the same with its number", async () => {
  const script: Script = {
    view: VIEW,
    rets: [RET.INTERNAL, RET.WORKER_LOST, RET.BUSY],
    pid: 1,
  };
  await withServer(script, async (game, _, moves) => {
    assertEquals(await game.move({ cards: [3] }), 0);
    const { table, n } = VIEW;
    assertEquals(moves, Array(4).fill({ table, n, cards: [3] }));
    script.rets.push(Ret.AGAINST_RULES);
    assertEquals(await game.move({ cards: [3] }), Ret.AGAINST_RULES);
    assertEquals(moves.length, 5);
  });
});

Deno.test("what a worker has told and not answered is told again, and heard once", async () => {
  const heard: string[] = [];
  const script: Script = { view: VIEW, rets: [RET.WORKER_LOST], pid: 1, heard };
  await withServer(script, async (game) => {
    await game.say("quick");
    await game.say("quick");
    await game.say("thanks");
    await eventually(() => heard.includes("thanks"));
    assertEquals(heard, ["quick", "quick", "thanks"]);
  });
});

Deno.test("a player who has come by another connection plays here again only when told to", async () => {
  const script: Script = { view: VIEW, rets: [Ret.ENTER_FIRST], pid: 1 };
  await withServer(script, async (game) => {
    assertEquals(game.replaced, false);
    assertEquals(await game.move({ cards: [3] }), Ret.ENTER_FIRST);
    assertEquals(game.replaced, true);
    await game.comeBack();
    assertEquals(game.replaced, false);
    assertEquals(game.view?.table, VIEW.table);
    assertEquals(game.server.reconnects, 0);
  });
});

Deno.test("who is not known any more when sitting down enters once more, and sits", async () => {
  const script: Script = {
    ...{ view: null, rets: [], pid: 1, sits: [Ret.NOT_KNOWN] },
  };
  await withServer(script, async (game) => {
    await game.sit();
    assertEquals(script.sits, []);
    assert(game.waiting);
    assertEquals(game.replaced, false);
    assertEquals(game.server.reconnects, 0);
  });
});

Deno.test("a move at a table that is not there any more gives the table up at once", async () => {
  const script: Script = { view: VIEW, rets: [Ret.NO_TABLE], pid: 1 };
  await withServer(script, async (game) => {
    assertEquals(await game.move({ cards: [3] }), Ret.NO_TABLE);
    assertEquals(game.view, null);
  });
});

Deno.test("a table of which nothing is heard is asked for; one that is not there any more is given up", async () => {
  const script: Script = { view: VIEW, rets: [], pid: 1 };
  await withServer(script, async (game) => {
    assertEquals(game.view?.n, VIEW.n);
    // It has gone on, and the message was lost.
    script.view = { ...VIEW, n: VIEW.n + 1 };
    await eventually(() => game.view?.n === VIEW.n + 1, { timeout: 30_000 });
    script.view = null;
    await eventually(() => game.view === null, { timeout: 30_000 });
  });
});

Deno.test("what is older than what was seen is passed over; other processes in a worker's place are counted", async () => {
  const script: Script = { view: VIEW, rets: [], pid: 1 };
  await withServer(script, async (game, { app }) => {
    const tell = (view: View, pid: number) => {
      const body = { ...view, worker: 1, pid };
      app.writeToUsers([[[7], {
        cmd: Cmd.TABLE,
        body: body as unknown as Record<string, never>,
      }]]);
    };
    assertEquals([game.server.reloads, game.server.reconnects], [0, 0]);
    tell({ ...VIEW, n: VIEW.n + 3 }, 1);
    tell({ ...VIEW, n: VIEW.n + 1 }, 2);
    tell({ ...VIEW, table: VIEW.table - 1, n: VIEW.n + 9 }, 3);
    await eventually(() => game.server.pid === 3);
    assertEquals([game.view?.table, game.view?.n], [VIEW.table, VIEW.n + 3]);
    assertEquals(game.server.reloads, 2);
  });
});

Deno.test("a connection that is lost is made again, and the table is there again", async () => {
  const script: Script = { view: VIEW, rets: [], pid: 1 };
  await withServer(script, async (game, { app }) => {
    script.view = { ...VIEW, n: VIEW.n + 2 };
    app.closeUsers([7]);
    await eventually(() => game.server.reconnects === 1, { timeout: 30_000 });
    assertEquals(game.view?.n, VIEW.n + 2);
    assert(game.connected);
    assertEquals(game.score, 5);
  });
});
