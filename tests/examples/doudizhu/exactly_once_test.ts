// A game in which every move is sent twice, and every worker that makes one is killed before it has
// answered: what the gateway delivers again is not made again, and nobody waits for what was made.

import { assert, assertEquals } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { Cmd, type SitAnswer } from "../../../examples/doudizhu/messages.ts";
import { violations } from "../../../examples/doudizhu/rules/judge.ts";
import { startGatewayProcess } from "../../helpers/gateway_process.ts";
import { pathOf } from "../../helpers/paths.ts";
import { RunningProcess } from "../../helpers/process.ts";
import { PlayerAt, type PlayerClient } from "./player.ts";
import { overStores } from "./stores.ts";

const WORKER = pathOf("../examples/doudizhu/doomed_worker.ts");
const POOL = 2;

/** Workers of which there are always as many. */
class DoomedWorkers implements AsyncDisposable {
  /** How many were killed. */
  killed = 0;
  /** The logs of those that have ended otherwise. */
  readonly faults: string[] = [];
  readonly #args: string[];
  readonly #running = new Set<RunningProcess>();
  readonly #watching: Promise<void>[] = [];
  #over = false;

  constructor(port: number, place: string) {
    this.#args = ["run", "-A", WORKER, String(port), place];
    for (let i = 0; i < POOL; i++) this.#watching.push(this.#keepOne());
  }

  async #keepOne(): Promise<void> {
    while (!this.#over) {
      // It may be killed by its first task, before it has said that it is ready.
      await using worker = new RunningProcess(Deno.execPath(), {
        args: this.#args,
      });
      this.#running.add(worker);
      const { signal } = await worker.status;
      this.#running.delete(worker);
      if (this.#over) return;
      if (signal === "SIGKILL") this.killed++;
      else this.faults.push(worker.stderr);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    for (const worker of this.#running) worker.kill("SIGKILL");
    await Promise.all(this.#watching);
  }
}

overStores(
  "every move is sent twice, the worker that makes it is killed before its answer, and it is made once",
  async (place) => {
    await using gateway = await startGatewayProcess();
    await using workers = new DoomedWorkers(gateway.innerPort, place);
    await using stack = new AsyncDisposableStack();
    const players: PlayerAt[] = [];
    for (const name of ["ann", "bob", "cai"]) {
      const client = stack.use(
        new TcpClient(Box, "127.0.0.1", gateway.outerPort, { timeout: 60 }),
      );
      await client.connect();
      const player = new PlayerAt(name, client as unknown as PlayerClient);
      // Reads what comes until it is disconnected.
      client.read().catch(() => {});
      players.push(player);
      assertEquals((await player.enter()).ret, 0);
      const { ret } = await player.ask<SitAnswer>(Cmd.SIT);
      assertEquals(ret, 0);
    }
    for (const player of players) await player.sees("a table", () => true);
    const made: string[] = [];
    for (;;) {
      const { n, phase, turn } = players[0]!.view;
      if (phase === "over") break;
      const player = players.find(({ view }) => view.you === turn)!;
      const rets = await player.move(2);
      made.push(`${n} ${turn} ${rets}`);
      assertEquals(rets, [0, 0], made.join("\n"));
      for (const one of players) {
        const { n: seen } = await one.sees(`move ${n}`, (view) => view.n > n);
        assertEquals(seen, n + 1);
      }
    }
    const ends = players.map(({ view }) => view.end!);
    for (const end of ends) assertEquals(violations(end), []);
    for (const player of players) {
      const { score } = await player.enter();
      assertEquals(score, ends[0]!.scores[player.view.you]);
    }
    assert(
      workers.killed >= made.length,
      `${workers.killed} workers were killed`,
    );
  },
);
