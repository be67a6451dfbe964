// The demo: a gateway, a worker app with two processes, clients and a trigger, and what happens
// when workers are reloaded and killed and, on Linux, the gateway is replaced.
//
//   deno task demo
//
// It uses free ports of this machine only and ends by itself after about 17 seconds.

import { Box, type BoxFields, TcpClient } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { Cmd } from "./demo_worker.ts";
import { startProgram } from "./start_program.ts";

const PLAYERS = 20;
const GATEWAY = new URL("../gateway/mod.ts", import.meta.url);
const WORKER = new URL("./demo_worker.ts", import.meta.url);

const started = performance.now();

function tell(who: string, what: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${seconds.padStart(5)} s  ${who.padEnd(9)}${what}`);
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
  const { pid } = (await client.read())!.json<{ pid: number }>();
  tell(`user ${uid}`, `is logged in; worker ${pid} has answered`);
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
  tell(
    "gateway",
    `holds clients at port ${outer}, workers pull tasks at ${inner}`,
  );

  const players = Array.from({ length: PLAYERS }, () => new Player(outer));
  const stop = new AbortController();
  const playing = players.map((player) => player.play(stop.signal));
  tell(
    "players",
    `${PLAYERS} clients send moves; no worker is there: they wait`,
  );
  await pause(1);

  await using worker = await startProgram(WORKER, [String(inner)]);
  tell("worker", "2 processes have attached and ask for tasks");
  await pause(1);
  tell("players", `${sum(players, (one) => one.answered)} moves answered`);

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

  const before = pids(players);
  tell("worker", `HUP: new processes instead of ${[...before].join(" and ")}`);
  worker.process.kill("SIGHUP");
  await pause(2);
  forget(players);
  await pause(1);
  const victim = [...pids(players)][0]!;
  tell(
    "worker",
    `now ${[...pids(players)].join(" and ")} answer; no client noticed`,
  );
  tell("demo", `kills worker ${victim} with -9, in the middle of its work`);
  Deno.kill(victim, "SIGKILL");
  await pause(2);
  forget(players);
  await pause(1);
  tell(
    "worker",
    `now ${[...pids(players)].join(" and ")} answer; ${
      sum(players, (one) => one.again)
    } moves that were in its hands went to others`,
  );

  if (canHandOver) {
    tell("demo", "starts the gateway once more, with all clients connected");
    const answered = sum(players, (one) => one.answered);
    const next = stack.use(await startProgram(GATEWAY, gatewayArgs));
    const { code } = await gateway.process.status;
    tell(
      "gateway",
      `process ${gateway.process.pid} has ended with ${code}: process ${next.process.pid} has its place and its ${
        PLAYERS + 2
      } clients`,
    );
    await pause(1);
    tell(
      "players",
      `${
        sum(players, (one) => one.answered) - answered
      } moves answered since; no client was disconnected`,
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
requests sent      ${sent}
answered           ${answered}
lost               ${sent - answered}
clients cut off    ${players.filter((one) => one.closed).length}
longest wait       ${
    longest.toFixed(0)
  } ms (the first second there was no worker)`);
  return sent === answered ? 0 : 1;
}

function pids(players: Player[]): Set<number> {
  return new Set(players.flatMap((player) => [...player.pids]));
}

function forget(players: Player[]): void {
  for (const player of players) player.pids.clear();
}

Deno.exit(await main());
