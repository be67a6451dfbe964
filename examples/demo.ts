// The demo: a gateway, a worker app with two processes, clients and a trigger, and what happens
// when workers are reloaded and killed and, on Linux, the gateway is replaced.
//
//   deno task demo
//
// It uses free ports of this machine only and ends by itself after about 15 seconds.

import { Box, type BoxFields, TcpClient } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { Cmd } from "./demo_worker.ts";
import { startProgram } from "./start_program.ts";

const PLAYERS = 20;
const GATEWAY = new URL("../gateway/mod.ts", import.meta.url);
const WORKER = new URL("./demo_worker.ts", import.meta.url);

const started = performance.now();

const COLOURS: Readonly<Record<string, string>> = {
  demo: "yellow",
  gateway: "blue",
  worker: "green",
  trigger: "magenta",
};

/** One line for each thing that happens; coloured in a terminal. */
function tell(who: string, what: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `%c${seconds.padStart(5)} s%c  ${who.padEnd(9)}%c${what}`,
    "color: gray",
    `color: ${COLOURS[who] ?? "cyan"}`,
    "",
  );
}

function figure(value: number): string {
  return value.toLocaleString("en");
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** A client that sends one move after the other and counts what becomes of them. */
class Player {
  sent = 0;
  answered = 0;
  again = 0;
  longest = 0;
  closed = false;
  readonly pids = new Set<number>();

  constructor(readonly port: number) {}

  async play(signal: AbortSignal): Promise<void> {
    await using client = new TcpClient(Box, "127.0.0.1", this.port);
    await client.connect();
    while (!signal.aborted && !this.closed) {
      const since = performance.now();
      const sn = ++this.sent;
      await client.write({ cmd: Cmd.MOVE, sn });
      const answer = await client.read();
      if (!answer) this.closed = true;
      else if (answer.sn === sn && answer.ret === 0) {
        const { pid, again } = answer.json<{ pid: number; again: boolean }>();
        this.answered++;
        if (again) this.again++;
        this.pids.add(pid);
        this.longest = Math.max(this.longest, performance.now() - since);
      }
    }
  }
}

/** A client that logs in and tells what it gets. */
async function person(
  port: number,
  uid: number,
): Promise<TcpClient<BoxFields>> {
  const client = new TcpClient(Box, "127.0.0.1", port);
  await client.connect();
  await client.write({ cmd: Cmd.LOGIN, sn: 1, body: { uid } });
  await client.read();
  tell(`user ${uid}`, "is logged in");
  return client;
}

async function listen(
  client: TcpClient<BoxFields>,
  uid: number,
): Promise<void> {
  for await (const box of client) {
    if (box.cmd === Cmd.SAY && box.body.length > 0) {
      tell(`user ${uid}`, `gets "${box.text()}"`);
    }
  }
  tell(`user ${uid}`, "is disconnected");
}

function sum(players: Player[], of: (player: Player) => number): number {
  return players.reduce((total, player) => total + of(player), 0);
}

async function main(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "maple_demo_" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const canHandOver = Deno.build.os === "linux";
  const gatewayArgs = [
    ...["--outer-host", "127.0.0.1", "--outer-port", "0", "--inner-port", "0"],
    ...(canHandOver
      ? ["--io", "epoll", "--handover", `${folder}/gateway.sock`]
      : []),
  ];
  await using gateway = await startProgram(GATEWAY, gatewayArgs);
  const [outer, inner] = [...gateway.ready.matchAll(/:(\d+)/g)].map((match) =>
    Number(match[1])
  ) as [number, number];
  tell("gateway", "is there: it holds the clients, workers ask it for tasks");

  const players = Array.from({ length: PLAYERS }, () => new Player(outer));
  const stop = new AbortController();
  const playing = players.map((player) => player.play(stop.signal));
  tell(
    "players",
    `${PLAYERS} clients send moves; no worker is there yet: they wait`,
  );
  await pause(1);

  await using worker = await startProgram(WORKER, [String(inner)]);
  tell("worker", "2 processes have come and ask for tasks");
  await pause(1);
  const answeredNow = () => sum(players, (one) => one.answered);
  const cutOff = () => `${sum(players, (one) => Number(one.closed))} clients`;
  tell("players", `${figure(answeredNow())} moves answered`);

  await using one = await person(outer, 1);
  await using two = await person(outer, 2);
  const listening = [listen(one, 1), listen(two, 2)];
  await one.write({ cmd: Cmd.SAY, sn: 2, body: "hello, everybody" });
  await pause(1);

  await using trigger = new Trigger(Box, "127.0.0.1", inner);
  tell("trigger", "writes to users 1 and 2, from outside");
  await trigger.writeToUsers([
    [[1, 2], { cmd: Cmd.SAY, body: "the server wishes you a good day" }],
  ]);
  await pause(0.5);
  tell("trigger", "gives the workers a task about user 1");
  await trigger.writeToWorker({ cmd: Cmd.BONUS }, { uid: 1, custom: 100 });
  await pause(1);

  const workers = new WorkerNumbers();
  const before = workers.namesOf(pids(players));
  tell("demo", "reloads the code of the worker: kill -HUP");
  worker.process.kill("SIGHUP");
  await pause(2);
  forget(players);
  await pause(1);
  tell(
    "worker",
    `processes ${
      workers.namesOf(pids(players))
    } answer instead of ${before}; ${cutOff()} cut off`,
  );
  const victim = [...pids(players)][0]!;
  tell(
    "demo",
    `kills process ${
      workers.namesOf([victim])
    } of the worker in the middle of its work: kill -9`,
  );
  Deno.kill(victim, "SIGKILL");
  await pause(2);
  forget(players);
  await pause(1);
  tell(
    "worker",
    `processes ${
      workers.namesOf(pids(players))
    } answer; moves in its hands, given to others: ${
      sum(players, (one) => one.again)
    }`,
  );

  if (canHandOver) {
    tell("demo", "starts a new gateway, with all clients connected to the old");
    const answered = answeredNow();
    stack.use(await startProgram(GATEWAY, gatewayArgs));
    const { code } = await gateway.process.status;
    if (code !== 0) throw new Error(`the old gateway ended with ${code}`);
    tell(
      "gateway",
      `has taken over the ${
        PLAYERS + 2
      } connections; the old process has ended`,
    );
    await pause(1);
    tell(
      "players",
      `${
        figure(answeredNow() - answered)
      } moves answered since; ${cutOff()} cut off`,
    );
  }

  tell("trigger", "closes user 2");
  await trigger.closeUsers([2]);
  await pause(1);

  stop.abort();
  await Promise.all(playing);
  one.close();
  await Promise.all(listening);
  const sent = sum(players, (one) => one.sent);
  const answered = sum(players, (one) => one.answered);
  const longest = Math.max(...players.map((one) => one.longest));
  console.log(`
requests sent      ${figure(sent)}
answered           ${figure(answered)}
lost               ${figure(sent - answered)}
clients cut off    ${players.filter((one) => one.closed).length}
longest wait       ${
    figure(Math.round(longest))
  } ms (for the first second there was no worker)`);
  return sent === answered ? 0 : 1;
}

/** Calls the worker's processes 1, 2 and so on, in the order in which they are asked for. */
class WorkerNumbers {
  readonly #numbers = new Map<number, number>();

  namesOf(pids: Iterable<number>): string {
    const names = [...pids].sort((a, b) => a - b).map((pid) => {
      if (!this.#numbers.has(pid)) {
        this.#numbers.set(pid, this.#numbers.size + 1);
      }
      return this.#numbers.get(pid)!;
    });
    return names.join(" and ");
  }
}

function pids(players: Player[]): Set<number> {
  return new Set(players.flatMap((player) => [...player.pids]));
}

function forget(players: Player[]): void {
  for (const player of players) player.pids.clear();
}

Deno.exit(await main());
