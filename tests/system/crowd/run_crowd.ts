// runCrowd: a gateway, workers, a store and a crowd that plays, while workers are reloaded and
// killed; and what came of it.

import { LoopDelay } from "@maple/box/internal";
import { openStore } from "../../../examples/doudizhu/store/open_store.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  type GatewayProcess,
  startGatewayProcess,
} from "../../helpers/gateway_process.ts";
import { pathOf } from "../../helpers/paths.ts";
import { signalProcess, WorkerGroup } from "../chaos/worker_group.ts";
import { type CrowdContext, CrowdPlayer } from "./crowd_player.ts";
import { ProcessorTime } from "./processor_time.ts";
import { CrowdTotals } from "./totals.ts";

/** What is run. */
export interface CrowdOptions {
  /** How many play. */
  readonly players: number;
  /** For how long, once all sit. */
  readonly seconds: number;
  /** And until so many games are finished, but for two minutes at most. @default {0} */
  readonly leastGames?: number;
  /** Seconds between two reloads; 0 = none. @default {10} */
  readonly reloadEvery?: number;
  /** Seconds between two kills; 0 = none. @default {15} */
  readonly killEvery?: number;
  /**
   * Seconds between two times that a further master with one worker comes, and leaves again; 0 =
   * none. @default {20}
   */
  readonly scaleEvery?: number;
  /** Worker processes. @default {2} */
  readonly workers?: number;
  /** The address of a Redis. @default a file of SQLite */
  readonly store?: string;
  /** Milliseconds that each thinks, from and to. @default {[500, 2000]} */
  readonly thinkMs?: readonly [number, number];
  /** Seconds that each may take for a move. @default {20} */
  readonly turn?: number;
  /** Is told how it goes. */
  readonly onProgress?: (line: string) => void;
}

/** What came of it. */
export interface CrowdResult {
  /** How many played. */
  readonly players: number;
  /** What they have seen. */
  readonly totals: CrowdTotals;
  /** Seconds that were counted. */
  readonly seconds: number;
  /** How often the workers were reloaded, and one of them killed. */
  readonly reloads: number;
  /** See above. */
  readonly kills: number;
  /** How often there were more workers, or fewer, than before. */
  readonly scalings: number;
  /** Of one processor, by kind of process. */
  readonly processors: ReadonlyMap<string, number>;
  /** How late this process itself was at most, in milliseconds: so exact are the times. */
  readonly lateMs: number;
  /** Lines of level ERROR in the logs of the gateway and the workers. */
  readonly errors: readonly string[];
  /** Those who were without a table in the end, who should have one. */
  readonly stranded: number;
}

const WORKER = pathOf("../../examples/doudizhu/worker.ts");
const CONNECTING_AT_A_TIME = 100;
const PATIENCE_MS = 60_000;
const LEAST_GAMES_MS = 120_000;

/** A crowd at its tables, with all that serves it. */
export class Crowd implements AsyncDisposable {
  /** What the players have seen. */
  readonly totals: CrowdTotals;
  readonly #stack: AsyncDisposableStack;
  readonly #gateway: GatewayProcess;
  readonly #workers: WorkerGroup;
  readonly #startMore: () => Promise<WorkerGroup>;
  #more: WorkerGroup | undefined;
  readonly #processors: ProcessorTime;
  readonly #context: CrowdContext;
  readonly #players: CrowdPlayer[] = [];
  readonly #loop = new LoopDelay();
  #lateMs = 0;

  private constructor(
    stack: AsyncDisposableStack,
    gateway: GatewayProcess,
    { workers, startMore, thinkMs }: {
      workers: WorkerGroup;
      startMore: () => Promise<WorkerGroup>;
      thinkMs: readonly [number, number];
    },
  ) {
    this.#stack = stack;
    this.#gateway = gateway;
    this.#workers = workers;
    this.#startMore = startMore;
    this.totals = new CrowdTotals();
    this.#context = {
      url: `ws://127.0.0.1:${gateway.wsPort}/`,
      ...{ totals: this.totals, thinkMs, over: false },
    };
    this.#processors = stack.use(
      new ProcessorTime(() => ({
        gateway: [gateway.process.pid],
        workers: [workers, this.#more].flatMap((group) =>
          group ? [group.process.pid, ...group.children] : []
        ),
        crowd: [Deno.pid],
      })),
    );
    this.#loop.start();
    stack.defer(() => this.#loop.stop());
    const timer = setInterval(() => this.#noteDelay(), 500);
    stack.defer(() => clearInterval(timer));
  }

  /** Starts all but the players. */
  static async start(options: Partial<CrowdOptions> = {}): Promise<Crowd> {
    const { workers = 2, turn = 20, thinkMs = [500, 2000] } = options;
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "maple_crowd_" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const place = options.store ?? `${folder}/tables.db`;
    // So that it is there before many open it at once.
    await (await openStore(place))[Symbol.asyncDispose]();
    const gateway = stack.use(
      await startGatewayProcess([
        ...["--ws-port", "0", "--conns-max", "100000"],
        ...["--max-deliveries", "10"],
      ]),
    );
    const startWorkers = (workers: number) =>
      WorkerGroup.run(WORKER, [
        ...["--port", String(gateway.innerPort), "--store", place],
        ...["--workers", String(workers), "--turn", String(turn)],
      ]);
    const group = stack.use(await startWorkers(workers));
    const own = new AsyncDisposableStack();
    own.use(stack.move());
    return new Crowd(own, gateway, {
      ...{ workers: group, thinkMs, startMore: () => startWorkers(1) },
    });
  }

  /** How many play. */
  get size(): number {
    return this.#players.length;
  }

  /** More players come, sit down, and play. */
  async grow(to: number): Promise<void> {
    while (this.size < to) {
      const count = Math.min(CONNECTING_AT_A_TIME, to - this.size);
      const more = Array.from(
        { length: count },
        (_, i) => new CrowdPlayer(this.#context, this.size + i + 1),
      );
      this.#players.push(...more);
      await Promise.all(more.map((player) => player.connect()));
      await Promise.all(more.map((player) => player.sit()));
    }
    await this.#allSit();
  }

  /** Counts times and processors anew from now on. */
  reset(): void {
    this.totals.resetWaits();
    this.#processors.reset();
    this.#noteDelay();
    this.#lateMs = 0;
  }

  /** Lets them play for some seconds, while workers are reloaded and killed. */
  async play(options: CrowdOptions): Promise<CrowdResult> {
    const { seconds, reloadEvery = 10, killEvery = 15, onProgress } = options;
    const { scaleEvery = 20, leastGames = 0 } = options;
    this.reset();
    const start = performance.now();
    let [reloads, kills, scalings] = [0, 0, 0];
    const stops = [
      every(reloadEvery, () => {
        reloads++;
        this.#workers.signal("SIGHUP");
      }),
      every(killEvery, () => {
        const { children } = this.#workers;
        const pid = children[Math.floor(Math.random() * children.length)];
        if (pid === undefined) return;
        kills++;
        signalProcess(pid, "SIGKILL");
      }),
      every(scaleEvery, async () => {
        scalings++;
        if (!this.#more) this.#more = await this.#startMore();
        else await this.#endMore("SIGTERM");
      }),
      every(1, () => this.#oneComesBack()),
      every(5, () => {
        const { made, waits } = this.totals;
        const p99 = waits.percentile(0.99).toFixed(0);
        onProgress?.(`${made} moves, p99 ${p99} ms so far`);
      }),
    ];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await eventually(() => this.totals.finished.size >= leastGames, {
      timeout: LEAST_GAMES_MS,
    }).catch(() => {});
    for (const stop of stops) await stop();
    const processors = this.#processors.shares();
    const counted = (performance.now() - start) / 1000;
    this.#noteDelay();
    const lateMs = this.#lateMs;
    const stranded = await this.#allSit().then(
      () => 0,
      () => this.#players.filter(({ waiting }) => waiting).length,
    );
    return {
      ...{ players: this.size, totals: this.totals, seconds: counted },
      ...{ reloads, kills, scalings, processors, lateMs, stranded },
      errors: this.#errors(),
    };
  }

  /** All go home, and what served them ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.over = true;
    await Promise.all(
      this.#players.map((player) => player[Symbol.asyncDispose]()),
    );
    await this.#endMore("SIGKILL");
    await this.#stack.disposeAsync();
  }

  async #endMore(signal: Deno.Signal): Promise<void> {
    const more = this.#more;
    if (!more) return;
    this.#more = undefined;
    more.signal(signal);
    await more.process.finished(PATIENCE_MS);
    await more[Symbol.asyncDispose]();
  }

  // Between two games a player waits for others, so now and then somebody does.
  #allSit(): Promise<void> {
    const served = new Set<CrowdPlayer>();
    return eventually(() => {
      for (const player of this.#players) {
        if (!player.waiting) served.add(player);
      }
      return served.size === this.size;
    }, { timeout: PATIENCE_MS, what: "a table for everybody" });
  }

  async #oneComesBack(): Promise<void> {
    const idle = this.#players.filter((player) => player.idle);
    const player = idle[Math.floor(Math.random() * idle.length)];
    await player?.comeBack();
  }

  #errors(): string[] {
    return [this.#gateway.process, this.#workers.process].flatMap((process) =>
      // One that is killed may be one of a reload, which has failed then, and rightly says so.
      process.stderr.split("\n").filter((line) =>
        / ERROR (?!.* reload failed, )/.test(line)
      )
    );
  }

  #noteDelay(): void {
    this.#lateMs = Math.max(this.#lateMs, this.#loop.seconds * 1000);
  }
}

// Calls a function every so many seconds; gives what ends that, when its last call is done.
function every(
  seconds: number,
  fn: () => void | Promise<void>,
): () => Promise<void> {
  if (seconds === 0) return () => Promise.resolve();
  let running = Promise.resolve();
  const timer = setInterval(
    () => running = running.then(fn),
    seconds * 1000,
  );
  return () => {
    clearInterval(timer);
    return running;
  };
}

/** Runs a crowd from its coming to its going. */
export async function runCrowd(options: CrowdOptions): Promise<CrowdResult> {
  await using crowd = await Crowd.start(options);
  await crowd.grow(options.players);
  options.onProgress?.(`${options.players} players sit`);
  return await crowd.play(options);
}
