// HUP to a haven server of several processes: one after the other is replaced, and what users of
// all of them send each other arrives once and in order.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { BoxFields, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { at } from "./faulty_gateway.ts";
import { HupLoad } from "./hup_load.ts";
import { ask, HupProcess } from "./hup_process.ts";
import type { Fault } from "./programs/handover_fault.ts";

const WORKERS = 3;
const OPTIONS = { workers: WORKERS, websocketPort: 0 };
const RELOADED = /reloaded: the new processes are ready/g;
const FAILED = /reload failed, .*/g;

interface Counters {
  generation: number;
  relayDropped: number;
  connections: number;
  users: number;
  kept: number;
  index: number;
  pid: number;
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

async function countersOf(client: TcpClient<BoxFields>): Promise<Counters> {
  return JSON.parse(await ask(client, 10));
}

/** One client in each of the processes, by their indices. */
async function oneInEach(
  hup: HupProcess,
  stack: AsyncDisposableStack,
): Promise<TcpClient<BoxFields>[]> {
  const found: TcpClient<BoxFields>[] = [];
  await eventually(async () => {
    const client = stack.use(await hup.server.connect());
    const { index } = await countersOf(client);
    found[index - 1] ??= client;
    return Object.keys(found).length === WORKERS;
  }, { timeout: 30_000, what: "a client in each process" });
  return found;
}

/** A user that sends numbered texts to another one and to all, and checks what comes. */
class Talker {
  sent = 0;
  answered = 0;
  readonly got = new Map<string, number>();
  fault: Error | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(
    readonly client: TcpClient<BoxFields>,
    readonly uid: number,
    readonly to: readonly number[],
  ) {}

  async login(): Promise<void> {
    await this.client.write({ cmd: 5, body: `${this.uid}` });
    assertEquals((await this.client.read())?.ret, 0);
  }

  start(): void {
    this.#running = this.#read();
    this.#running.catch((error) => this.fault = error);
    for (let i = 0; i < 4; i++) void this.#send();
  }

  /** Sends no more; what is on its way arrives. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await eventually(
      () => this.fault !== undefined || this.answered === this.sent,
      {
        timeout: 30_000,
        what: "the last answers",
      },
    );
  }

  /** Ends, and tells what went wrong. */
  async end(): Promise<void> {
    this.client.close();
    await this.#running;
  }

  #send(): Promise<void> {
    const n = ++this.sent;
    const to = this.to[n % this.to.length]!;
    return this.client.write({
      // Some want to know what becomes of it.
      cmd: n % 5 === 0 ? 3 : 4,
      sn: n,
      body: JSON.stringify({ uid: to, body: `${this.uid}:${to} ${n}` }),
    });
  }

  async #read(): Promise<void> {
    for (;;) {
      const box = await this.client.read();
      if (!box) {
        if (this.#stopping) return;
        throw new Error(`user ${this.uid} was cut`);
      }
      if (box.cmd === 99) this.#onText(box.text());
      else {
        assertEquals(box.ret, 0);
        assertEquals(box.sn, ++this.answered);
        const { sent, complete, delivered } = box.json<
          Record<string, unknown>
        >();
        if (sent === undefined) {
          const to = this.to[box.sn % this.to.length]!;
          assertEquals([complete, delivered], [true, to === 0 ? WORKERS : 1]);
        } else assertEquals(sent, true);
        if (!this.#stopping) await this.#send();
      }
    }
  }

  // Each number is so many behind the one before, as its sender takes one after the other.
  #onText(text: string): void {
    const [way, n] = text.split(" ") as [string, string];
    if (way === "warm") return;
    const before = this.got.get(way);
    const step = this.to.length;
    if (before !== undefined) assertEquals(Number(n), before + step, text);
    else assert(Number(n) <= step, text);
    this.got.set(way, Number(n));
  }
}

test("10 HUPs to three processes: what users send each other arrives once and in order, nobody is cut", async () => {
  await using hup = await HupProcess.startProcesses(OPTIONS);
  const { server } = hup;
  await using stack = new AsyncDisposableStack();
  const clients = await oneInEach(hup, stack);
  const talkers = clients.map((client, at) =>
    // To the others, and to the group of all.
    new Talker(client, at + 1, [1, 2, 3, 0].filter((uid) => uid !== at + 1))
  );
  for (const talker of talkers) await talker.login();
  await using load = new HupLoad();
  for (let i = 0; i < 4; i++) await load.addTcp(server);
  for (let i = 0; i < 4; i++) await load.addWebSocket(server);
  // All know of all by now.
  await using watcher = await server.connect();
  await eventually(async () => {
    await watcher.write({ cmd: 3, body: '{"uid":0,"body":"warm 0"}' });
    const box = await watcher.read();
    return box?.json<{ delivered: number }>().delivered === WORKERS;
  });
  for (const talker of talkers) talker.start();
  for (let version = 2; version <= 11; version++) {
    const before = talkers.map(({ answered }) => answered);
    hup.changeProcesses(`${version}`);
    await hup.hup(RELOADED);
    await eventually(
      () =>
        talkers.every(({ answered, fault }, at) =>
          fault !== undefined || answered > before[at]! + 20
        ),
      { timeout: 30_000, what: "more answers" },
    );
  }
  for (const talker of talkers) await talker.stop();
  await load.stop();
  assertEquals(load.latest, "11");
  // The last texts are there: each has got all that was sent to it.
  await eventually(
    () =>
      talkers.every(({ uid: from, sent, to }) =>
        to.every((uid, at) => {
          const last = sent - (sent - at) % to.length;
          return talkers.every((talker) =>
            uid !== 0 && talker.uid !== uid ||
            talker.got.get(`${from}:${uid}`) === last
          );
        })
      ),
    { timeout: 30_000, what: "the last texts" },
  );
  for (const talker of talkers) await talker.end();
  const all = await oneInEach(hup, stack);
  for (const [at, client] of all.entries()) {
    const { generation, relayDropped, kept, index } = await countersOf(client);
    assertEquals(
      [generation, relayDropped, kept, index],
      [11, 0, 10, at + 1],
    );
  }
  await eventually(() => hup.children.length === WORKERS);
  assertEquals(server.stderr.match(/WARN|ERROR/), null, server.stderr);
  server.kill("SIGTERM");
  assertEquals((await server.finished()).code, 0);
});

test("a uid that logs in here and there while processes are replaced is logged in once at the end", async () => {
  await using hup = await HupProcess.startProcesses(OPTIONS);
  await using stack = new AsyncDisposableStack();
  const clients = await oneInEach(hup, stack);
  let stopping = false;
  let logins = 0;
  const running = clients.map(async (client) => {
    for (let n = 0; !stopping; n++) {
      await client.write({ cmd: 5, body: `${n % 7 + 1}` });
      assertEquals((await client.read())?.ret, 0);
      logins++;
    }
  });
  for (const version of ["2", "3", "4"]) {
    hup.changeProcesses(version);
    await hup.hup(RELOADED);
  }
  stopping = true;
  await Promise.all(running);
  assert(logins > 50);
  const uid = "5";
  for (const client of clients) {
    await client.write({ cmd: 5, body: uid });
    assertEquals((await client.read())?.ret, 0);
  }
  await eventually(async () => {
    const counters = await Promise.all(clients.map(countersOf));
    const users = counters.map(({ users }) => users);
    return users.reduce((sum, count) => sum + count) === 1;
  }, { timeout: 20_000, what: "one login" });
});

test("HUP to three processes with code that does not come up, in the first or in a later one", async () => {
  await using hup = await HupProcess.startProcesses(OPTIONS);
  const { server } = hup;
  await using stack = new AsyncDisposableStack();
  const clients = await oneInEach(hup, stack);
  const versions = async () => {
    const told = [];
    for (const client of clients) told.push((await ask(client, 1))[0]);
    return told.join("");
  };
  hup.changeProcesses("2", { fails: 1 });
  await hup.hup(FAILED);
  assertMatch(
    server.stderr,
    /reload failed, the old processes stay: new haven 1/,
  );
  assertEquals(await versions(), "111");
  hup.changeProcesses("3", { fails: 2 });
  await hup.hup(FAILED);
  assertMatch(
    server.stderr,
    /reload failed, haven 1 \(pid \d+\) has the new code, the others stay as they are until the next HUP: new haven 2/,
  );
  assertEquals(await versions(), "311");
  // Another one follows one that is under way.
  hup.changeProcesses("4");
  server.kill("SIGHUP");
  await server.logged(
    /reloading.*\n(?:.*\n)*.*reloading.*\n(?:.*\n)*.*reloading/,
  );
  hup.changeProcesses("5");
  await hup.hup(/another reload follows/g);
  await eventually(async () => await versions() === "555", {
    timeout: 60_000,
    what: "the last version",
  });
});

// The new process of place 2 dies; the old one goes on, also in what it is told.
const FAULTS: Fault[] = [
  at("send", "HELLO", "after"),
  at("send", "TAKE", "after"),
  at("receive", "STATE", "after"),
  at("receive", "END", "after"),
  at("send", "MINE", "after"),
  at("receive", "YOURS", "after"),
];

for (const fault of FAULTS) {
  const { call, message, when } = fault;
  test(`a new process of three that is killed ${when} ${call} of ${message} changes nothing for its users`, async () => {
    await using hup = await HupProcess.startProcesses({
      ...OPTIONS,
      handoverTimeout: 1,
    });
    await using stack = new AsyncDisposableStack();
    const clients = await oneInEach(hup, stack);
    const talkers = clients.map((client, at) =>
      new Talker(client, at + 1, [1, 2, 3, 0].filter((uid) => uid !== at + 1))
    );
    for (const talker of talkers) await talker.login();
    await using watcher = await hup.server.connect();
    await eventually(async () => {
      await watcher.write({ cmd: 3, body: '{"uid":0,"body":"warm 0"}' });
      const box = await watcher.read();
      return box?.json<{ delivered: number }>().delivered === WORKERS;
    });
    for (const talker of talkers) talker.start();
    hup.changeProcesses("2", { fault: { ...fault, index: 2 } });
    await hup.hup(FAILED);
    hup.changeProcesses("3");
    await hup.hup(RELOADED);
    for (const talker of talkers) await talker.stop();
    for (const talker of talkers) await talker.end();
    assertEquals((await ask(watcher, 1)).slice(0, 1), "3");
  });
}

test("a process that is killed while another is replaced is restarted, and the others go on", async () => {
  await using hup = await HupProcess.startProcesses(OPTIONS);
  await using stack = new AsyncDisposableStack();
  const clients = await oneInEach(hup, stack);
  const { pid } = await countersOf(clients[2]!);
  hup.changeProcesses("2");
  const reloaded = hup.hup(RELOADED);
  Deno.kill(pid, "SIGKILL");
  await reloaded;
  for (const client of clients.slice(0, 2)) {
    assertEquals((await ask(client, 1)).slice(0, 3), "2 1");
  }
  await oneInEach(hup, stack);
  await hup.server.logged(/haven 3 \(pid \d+\) ended: signal SIGKILL/);
});

test("TERM while three processes are replaced ends all in order", async () => {
  await using hup = await HupProcess.startProcesses(OPTIONS);
  const { server } = hup;
  await using stack = new AsyncDisposableStack();
  const clients = await oneInEach(hup, stack);
  await ask(clients[0]!, 1);
  hup.changeProcesses("2");
  server.kill("SIGHUP");
  await server.logged(/reloading[^]*haven 2 \(pid \d+\) started/);
  server.kill("SIGTERM");
  assertEquals((await server.finished()).code, 0, server.stderr);
  for (const client of clients) assertEquals(await client.read(), null);
});

test("code that says another number of processes serves with as many as run, and says so", async () => {
  await using hup = await HupProcess.startProcesses(OPTIONS);
  await using stack = new AsyncDisposableStack();
  const clients = await oneInEach(hup, stack);
  hup.changeProcesses("2", { options: { workers: 1 } });
  await hup.hup(RELOADED);
  await hup.server.logged(/Option workers is 1 now and 3 run: only a restart/);
  await clients[0]!.write({ cmd: 5, body: "7" });
  await clients[0]!.read();
  await clients[1]!.write({ cmd: 4, body: '{"uid":7,"body":"hi"}' });
  await clients[1]!.read();
  assertEquals((await clients[0]!.read())?.text(), "hi");
});
