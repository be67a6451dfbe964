// HUP to a haven server with io epoll: a process starts from the code on disk and takes the clients
// over; if it does not come up, all is as before.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { compile } from "../../tools/compile.ts";
import { COMPILE_DENO, whyNotCompiled } from "../helpers/compiled.ts";
import { pathOf } from "../helpers/paths.ts";
import { startProcess } from "../helpers/process.ts";
import { eventually } from "../helpers/eventually.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { freePort } from "../helpers/free_port.ts";
import { type Answerer, HAVEN_SERVER, HavenProcess } from "./haven_process.ts";
import { HupLoad } from "./hup_load.ts";
import { ask, countersOf, HupProcess } from "./hup_process.ts";

const FAILED = /reload failed, the old processes stay/g;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

test("HUP hands a client over with its number, user, groups, state and half a frame", async () => {
  await using hup = await HupProcess.start();
  const { server } = hup;
  await using client = await server.connect();
  await using other = await server.connect();
  await ask(client, 3);
  assertEquals(await ask(client, 1), "1 1");
  const told = await ask(client, 4);
  assertMatch(
    told,
    /^1 127\.0\.0\.1:\d+ 1152921504606846976 5 5 1,2,3 1180591620717411303424/,
  );
  await using half = new RawPeer(
    await Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    Box,
  );
  const frame = new Box({ cmd: 1, sn: 3 }).pack();
  await half.sendBytes(frame.subarray(0, 7));
  await eventually(async () => (await countersOf(other)).connections === 3);
  const before = await countersOf(other);

  await hup.reload("2");
  assertEquals(await ask(client, 1), "2 2");
  assertEquals(await ask(client, 4), told);
  await half.sendBytes(frame.subarray(7));
  assertEquals((await half.nextFrame())?.length! > 0, true);
  await other.write({ cmd: 9 });
  assertEquals((await client.read())?.text(), "2");
  assertEquals((await other.read())?.ret, 0);
  const after = await countersOf(other);
  assert(after.ticks >= before.ticks);
  assertEquals({ ...after, ticks: 0, pid: 0 }, {
    ...{ ...before, ticks: 0, pid: 0 },
    generation: 2,
    created: 3,
  });
  // Who comes now is the next one.
  await using late = await server.connect();
  assertMatch(await ask(late, 4), /^4 /);
  await eventually(() => hup.children.length === 1);
  await eventually(() => server.stderr.includes("took the place of process"));
  assertEquals(server.stderr.match(/WARN|ERROR/), null, server.stderr);
  server.kill("SIGTERM");
  assertEquals((await server.finished()).code, 0);
  assertEquals(await client.read(), null);
});

test("HUP lets requests end that run, in their order; with some that do not end the old process stays", async () => {
  await using hup = await HupProcess.start({ handoverTimeout: 1 });
  const { server } = hup;
  await using client = await server.connect();
  await using other = await server.connect();
  hup.change("2");
  for (let i = 0; i < 100; i++) await client.write({ cmd: 2, sn: i });
  await hup.hup(/reloaded/g);
  const versions = new Set<string>();
  for (let sn = 0; sn < 100; sn++) {
    const box = await client.read();
    const [version, n] = box!.text().split(" ");
    versions.add(version!);
    assertEquals([box!.sn, Number(n)], [sn, sn + 1]);
  }
  assertEquals([...versions], ["1", "2"]);

  await client.write({ cmd: 6 });
  hup.change("3");
  await hup.hup(FAILED);
  assertMatch(
    server.stderr,
    /not done within 1 s \(handoverTimeout\): requests or hooks of 1 client$/m,
  );
  assertEquals(await ask(other, 1), "2 1");
  await ask(other, 7);
  assertEquals((await client.read())?.text(), "2");
  await hup.hup(/reloaded/g);
  assertEquals(await ask(other, 1), "3 2");
  assertEquals(await ask(client, 1), "3 101");
});

test("TERM while a HUP waits for requests ends all in order", async () => {
  await using hup = await HupProcess.start({ stopTimeout: 20 });
  const { server } = hup;
  await using client = await server.connect();
  // One that runs, and one behind it.
  await client.write({ cmd: 11 });
  await client.write({ cmd: 1 });
  hup.change("2");
  server.kill("SIGHUP");
  await server.line(/^start 2 /);
  server.kill("SIGTERM");
  assertEquals((await client.read())?.text(), "1");
  assertEquals((await client.read())?.text(), "1 1");
  assertEquals((await server.finished()).code, 0, server.stderr);
});

test("a takeOver hook that does not end has no client wait for ever", async () => {
  await using hup = await HupProcess.start({ handoverTimeout: 1 });
  await using client = await hup.server.connect();
  assertEquals(await ask(client, 1), "1 1");
  await hup.reload("2", { hangs: true });
  assertEquals(await ask(client, 1), "2 2");
  await hup.server.logged(/a takeOver hook has not ended within 1 s/);
});

test("who comes and goes while a handOver hook runs is in what is handed over; timers begin behind the takeOver hooks", async () => {
  await using hup = await HupProcess.start({}, { slow: true });
  const { server } = hup;
  await using watcher = await server.connect();
  const leaving = await server.connect();
  await ask(leaving, 1);
  hup.change("2", { slow: true });
  const reloaded = hup.hup(/reloaded/g);
  await server.line(/^hands over$/);
  leaving.close();
  await using late = await server.connect();
  await late.write({ cmd: 1 });
  await reloaded;
  assertEquals((await late.read())?.text(), "2 1");
  const { accepted, created, closed, connections, early } = await countersOf(
    watcher,
  );
  assertEquals([accepted, created, closed, connections], [3, 3, 1, 2]);
  assertEquals(early, 0);
});

test("HUP leaves clients at one table that were at one table", async () => {
  await using hup = await HupProcess.start();
  await using client = await hup.server.connect();
  await using other = await hup.server.connect();
  for (const one of [client, other]) {
    await ask(one, 12);
    // What cannot be cloned changes nothing of that.
    await ask(one, 5);
  }
  assertEquals(await ask(client, 13), "1 1 true");
  await hup.reload("2");
  assertEquals(await ask(client, 13), "2 2 true");
  assertEquals(await ask(other, 13), "2 3 true");
});

test("HUP names in one warning what of conn.state cannot go along; its client stays", async () => {
  await using hup = await HupProcess.start();
  await using client = await hup.server.connect();
  await using second = await hup.server.connect();
  for (const one of [client, second]) {
    await ask(one, 3);
    assertEquals(await ask(one, 5), "I am ann");
    assertMatch(await ask(one, 4), /ann true$/);
  }
  await hup.reload("2");
  assertMatch(
    await ask(client, 4),
    /1,2,3 1180591620717411303424 .* ann false$/,
  );
  const warnings = () =>
    hup.server.stderr.split("\n").filter((line) => line.includes("WARN"));
  // The old process has its own log.
  await eventually(() => warnings().length > 0);
  assertEquals(warnings().length, 1, hup.server.stderr);
  assertStringIncludes(
    warnings()[0]!,
    "cannot be handed over and is left out: conn.state.timer.id (function, 2 times); is handed over without its class: conn.state.player (Player, 2 times)",
  );
});

test("HUP with code that does not come up leaves all as it is, and says why", async () => {
  await using hup = await HupProcess.start({ bindTimeout: 0 });
  const { server } = hup;
  await using client = await server.connect();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const cases: [() => void, string][] = [
    [() => hup.changeTo("const = 1;"), "SyntaxError"],
    [() => hup.changeTo("throw new Error('not today');"), "not today"],
    [() => hup.change("x", { lines: true }), "only a restart changes that"],
    [
      () => hup.change("x", { options: { io: "deno" } }),
      'clients are handed over with io: "epoll" only',
    ],
    [
      () => hup.change("x", { options: { port: taken.addr.port } }),
      "Cannot listen for clients",
    ],
    [
      () => hup.change("x", { options: { connsMax: 0 } }),
      "Option connsMax must be",
    ],
  ];
  let n = 0;
  for (const [change, why] of cases) {
    change();
    await hup.hup(FAILED);
    await eventually(() => server.stderr.includes(why), {
      what: `${why} in\n${server.stderr}`,
    });
    assertEquals(await ask(client, 1), `1 ${++n}`);
  }
  await hup.reload("2");
  assertEquals(await ask(client, 1), `2 ${++n}`);
});

test("HUP with another port in the code: clients stay, others connect there", async () => {
  await using hup = await HupProcess.start();
  await using client = await hup.server.connect();
  const port = freePort();
  await hup.reload("2", { options: { port } });
  assertEquals(await ask(client, 1), "2 1");
  await using late = new RawPeer(
    await Deno.connect({ hostname: "127.0.0.1", port }),
    Box,
  );
  await late.sendBytes(new Box({ cmd: 1 }).pack());
  assert(await late.nextFrame());
  await eventually(() => hup.children.length === 1);
  assertEquals(await hup.server.ask(), undefined);
});

test("20 HUPs in a row under load: nobody is cut, nothing is lost, repeated or out of order", async () => {
  await using hup = await HupProcess.start({
    websocketPort: 0,
  });
  const { server } = hup;
  await using load = new HupLoad();
  for (let i = 0; i < 6; i++) await load.addTcp(server);
  for (let i = 0; i < 6; i++) await load.addWebSocket(server);
  await using watcher = await server.connect();
  await eventually(() => load.answered > 200);
  const first = (await countersOf(watcher)).pid;
  const before = {
    master: hup.descriptors(server.pid),
    child: hup.descriptors(first),
    memory: memoryOf(first),
  };
  for (let version = 2; version <= 21; version++) {
    await hup.reload(`${version}`);
    const { answered } = load;
    await eventually(() => load.answered > answered + 50);
  }
  await load.stop();
  assertEquals(load.latest, "21");
  const counters = await countersOf(watcher);
  assertEquals(
    [counters.generation, counters.created, counters.closed],
    [21, 13, 0],
  );
  assertEquals(counters.accepted, 13);
  await eventually(() => hup.children.length === 1);
  assertEquals(hup.children, [counters.pid]);
  assertEquals(hup.descriptors(server.pid), before.master);
  const child = hup.descriptors(counters.pid);
  assert(Math.abs(child - before.child) <= 2, `${child}, ${before.child}`);
  const memory = memoryOf(counters.pid);
  assert(memory < before.memory * 1.5, `${memory}, ${before.memory}`);
  assertEquals(server.stderr.match(/WARN|ERROR/), null, server.stderr);
});

test("a Haven with io epoll ends as its child does; HUP to the child is harmless", async () => {
  const ended = async (
    end: (hup: HupProcess, child: number) => Promise<void> | void,
  ) => {
    await using hup = await HupProcess.start();
    await using client = await hup.server.connect();
    const { pid } = await countersOf(client);
    Deno.kill(pid, "SIGHUP");
    assertEquals(await ask(client, 1), "1 1");
    await end(hup, pid);
    return (await hup.server.finished()).code;
  };
  assertEquals(await ended((_, child) => Deno.kill(child, "SIGKILL")), 137);
  assertEquals(
    await ended(async ({ server }) => {
      await using client = await server.connect();
      await client.write({ cmd: 8 });
      await client.read();
    }),
    7,
  );
  assertEquals(await ended(({ server }) => server.kill("SIGINT")), 0);
});

test("HUP needs the permission to start this executable, and no other", async () => {
  await using server = await HavenProcess.run([
    ...["--quiet", HAVEN_SERVER, "Haven"],
    JSON.stringify({ port: 0, io: "epoll" }),
  ], {
    permissions: [
      ...["--allow-net", "--allow-read", "--allow-env", "--allow-sys"],
      ...["--allow-ffi", `--allow-run=${Deno.execPath()}`],
    ],
  });
  await using client = await server.connect();
  const who = async () => {
    await client.write({ cmd: 1 });
    return (await client.read())?.json<Answerer>().pid;
  };
  const pids = [await who()];
  for (const count of [1, 2]) {
    server.kill("SIGHUP");
    await server.logged(new RegExp(`(?:reloaded: [^]*){${count}}`));
    pids.push(await who());
  }
  assertEquals(new Set(pids).size, 3);
  assertEquals(server.stderr.match(/WARN|ERROR/), null, server.stderr);
});

test("HUP where clients cannot be handed over says so in one line, and nobody notices", async () => {
  const [options, permissions, why] = [
    { workers: 0 },
    ["-A"],
    "clients are handed over with workers: 1 or more",
  ] as const;
  const cases: [object, readonly string[], string][] = [
    [options, permissions, why],
    [{ io: "deno" }, ["-A"], 'clients are handed over with io: "epoll" only'],
    [
      {},
      [
        ...["--allow-net", "--allow-read", "--allow-env", "--allow-sys"],
        "--allow-ffi",
      ],
      "clients are handed over with --allow-run only",
    ],
  ];
  for (const [options, permissions, why] of cases) {
    await using hup = await HupProcess.start(options, {}, permissions);
    await using client = await hup.server.connect();
    await hup.hup(/SIGHUP: the log is opened again, nothing else changes/g);
    assertStringIncludes(hup.server.stderr, why);
    assertEquals(await ask(client, 1), "1 1");
    assertEquals(hup.children, []);
    hup.server.kill("SIGTERM");
    assertEquals((await hup.server.finished()).code, 0);
  }
});

Deno.test({
  name:
    "HUP to a compiled haven server starts the executable that is at its path now",
  ignore: Deno.build.os !== "linux" || await whyNotCompiled() !== undefined,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "maple_hup_" });
    try {
      const compiled = async (version: string) => {
        const entry = pathOf(`../system/programs/hup_haven_${version}.ts`);
        await compile(entry, `${dir}/${version}`, { deno: COMPILE_DENO });
      };
      await compiled("1");
      await compiled("2");
      const use = (version: string) => {
        Deno.copyFileSync(`${dir}/${version}`, `${dir}/next`);
        Deno.renameSync(`${dir}/next`, `${dir}/server`);
      };
      use("1");
      await using server = await startProcess(`${dir}/server`, {
        ready: /^maple haven ready 127\.0\.0\.1:(\d+)$/,
      });
      await using client = new TcpClient(
        Box,
        "127.0.0.1",
        Number(server.ready![1]),
        { timeout: 30 },
      );
      await client.connect();
      assertEquals(await ask(client, 1), "1 1");
      use("2");
      server.kill("SIGHUP");
      await eventually(
        () => server.stderr.includes("reloaded"),
        { timeout: 30_000, what: "reloaded" },
      );
      assertEquals(await ask(client, 1), "2 2");
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

/** Kilobytes of memory that a process takes. */
function memoryOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]);
}
