// Haven.run(): servers of each kind as processes, their signals and their end.

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { pathOf } from "../helpers/paths.ts";
import { PERMISSIONS, runArgs } from "../helpers/permissions.ts";
import { eventually } from "../helpers/eventually.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { type Answerer, HAVEN_SERVER, HavenProcess } from "./haven_process.ts";

const THROWING_THREAD = pathOf("../system/programs/throwing_thread.ts");
const TWO_HAVENS = pathOf("../system/programs/two_havens.ts");
const LINUX = Deno.build.os === "linux";
const UNIX = Deno.build.os !== "windows";

// Which processes or threads they are, and whether they take themselves for the first.
function numbers(answerers: readonly Answerer[]): [number, boolean][] {
  return answerers
    .map(({ workerIndex, isFirst }): [number, boolean] => [
      workerIndex,
      isFirst,
    ])
    .sort(([a], [b]) => a - b);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test({
    name:
      `Haven.run() finishes a running request on ${signal} and exits with 0`,
    ignore: !UNIX,
    async fn() {
      await using server = await HavenProcess.start("Haven");
      await using client = await server.connect();
      await client.write({ cmd: 2 });
      assertEquals((await client.read())?.ret, 1);
      server.kill("SIGHUP");
      await server.logged(/INFO .* SIGHUP: the log is opened again/);
      server.kill(signal);
      assertEquals((await client.read())?.ret, 2);
      assertEquals(await client.read(), null);
      client.close();
      assertEquals((await server.finished()).code, 0);
      assertMatch(server.stdout.join("\n"), /stopWorker.*\nleft /);
    },
  });
}

Deno.test({
  name: "Haven.run() gives up a request that never ends, and exits with 0",
  ignore: !UNIX,
  async fn() {
    await using server = await HavenProcess.start("Haven", {
      stopTimeout: 0.05,
    });
    await using client = await server.connect();
    await client.write({ cmd: 5 });
    assertEquals((await client.read())?.ret, 1);
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
    assertMatch(server.stderr, /leaves while requests of 1 connections/);
  },
});

Deno.test({
  name: "Haven.run() ends at once on a second signal",
  ignore: !UNIX,
  async fn() {
    await using server = await HavenProcess.start("Haven", {
      stopTimeout: 1000,
    });
    await using client = await server.connect();
    await client.write({ cmd: 5 });
    assertEquals((await client.read())?.ret, 1);
    server.kill("SIGTERM");
    // The server has begun to leave as soon as nobody can connect.
    while (await server.ask());
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 143);
  },
});

Deno.test({
  name: "Haven.run() lets in no more clients than there may be open files",
  ignore: !LINUX,
  async fn() {
    for (const [kind, fits] of [["Haven", 100], ["THaven", 50]] as const) {
      await using server = await startProcess("bash", {
        args: [
          "-c",
          'ulimit -n 200; exec "$0" "$@"',
          Deno.execPath(),
          ...["run", "-A", "--unstable-net", HAVEN_SERVER, kind],
          JSON.stringify({ port: 0, workers: kind === "Haven" ? 1 : 2 }),
        ],
        ready: /^maple haven ready /,
      });
      const line =
        `this process open 200 files: connsMax is ${fits} instead of 10000; `;
      await eventually(() => server.stderr.includes(line), { what: line });
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    }
  },
});

Deno.test({
  name:
    "two servers of one program that both start processes are refused, not started over and over",
  ignore: !LINUX,
  async fn() {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: ["run", "-A", TWO_HAVENS],
    });
    assertEquals(code, 1);
    assertMatch(stderr, /Cannot start processes: another app of this program/);
    assertEquals(stderr.match(/\(pid \d+\) started/g)?.length, 1, stderr);
  },
});

Deno.test("Haven.run() says in one line that a port is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  for (const kind of LINUX ? ["Haven", "GHaven", "THaven"] : ["Haven"]) {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...runArgs(kind === "Haven" ? "haven" : "ghaven"),
        ...[HAVEN_SERVER, kind],
        JSON.stringify({
          ...{ port, bindTimeout: 0 },
          workers: kind === "Haven" ? 1 : 2,
        }),
      ],
    });
    assertNotEquals(code, 0);
    assertMatch(
      stderr,
      new RegExp(`Cannot listen for clients at 127.0.0.1:${port}: the address`),
    );
  }
});

Deno.test({
  name:
    "GHaven.run() serves from two processes and replaces one that is killed",
  ignore: !LINUX,
  async fn() {
    await using server = await HavenProcess.start("GHaven", { workers: 2 });
    const first = await server.answerers(2);
    assertNotEquals(first[0]!.pid, first[1]!.pid);
    assertNotEquals(first[0]!.pid, server.pid);
    assertEquals(numbers(first), [[1, true], [2, false]]);
    Deno.kill(first[0]!.pid, "SIGKILL");
    const [fresh] = await server.answerers(1, first);
    assertNotEquals(fresh!.pid, first[0]!.pid);
    assertMatch(
      server.stderr,
      /ended: signal SIGKILL; starting another at once/,
    );
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
    const stopped = server.stdout.filter((line) =>
      line.startsWith("stopWorker")
    );
    assertEquals(stopped.length, 2);
  },
});

Deno.test({
  name:
    "GHaven.run() finishes running requests on INT, opens its log again on HUP, and exits with 0",
  ignore: !LINUX,
  async fn() {
    await using server = await HavenProcess.start("GHaven", {
      workers: 2,
      // Over the system's own sockets HUP replaces the processes.
      io: "deno",
    });
    await using client = await server.connect();
    await client.write({ cmd: 2 });
    assertEquals((await client.read())?.ret, 1);
    server.kill("SIGHUP");
    await server.logged(/INFO .* SIGHUP: the log is opened again/);
    server.kill("SIGINT");
    assertEquals((await client.read())?.ret, 2);
    client.close();
    assertEquals((await server.finished()).code, 0);
  },
});

Deno.test({
  name: "GHaven.run() serves from one process without a shared port",
  ignore: !UNIX,
  async fn() {
    await using server = await HavenProcess.start("GHaven");
    const [only] = await server.answerers(1);
    assertNotEquals(only!.pid, server.pid);
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
  },
});

for (const flags of [[], ["--unstable-net"]]) {
  Deno.test({
    name: `THaven.run() serves from two threads, started ${
      flags.length ? "with" : "without"
    } the flag that it needs`,
    ignore: !LINUX,
    async fn() {
      await using server = await HavenProcess.start(
        "THaven",
        { workers: 2 },
        flags,
      );
      const first = await server.answerers(2);
      assertEquals(first[0]!.pid, first[1]!.pid);
      // In a process of their own, which can be replaced.
      assertNotEquals(first[0]!.pid, server.pid);
      assertEquals(numbers(first), [[1, true], [2, false]]);
      server.kill("SIGHUP");
      await server.logged(/INFO .* SIGHUP: the log is opened again/);
      await using client = await server.connect();
      await client.write({ cmd: 2 });
      assertEquals((await client.read())?.ret, 1);
      server.kill("SIGTERM");
      assertEquals((await client.read())?.ret, 2);
      client.close();
      assertEquals((await server.finished()).code, 0);
      const stopped = server.stdout.filter((line) =>
        line.startsWith("stopWorker")
      );
      assertEquals(
        stopped.map((line) => line.split(" ")[2]).sort(),
        first.map(({ id }) => id).sort(),
      );
      // What stands behind run() is done in the master and its child, not in the threads.
      const left = server.stdout.filter((line) => line.startsWith("left"));
      assertEquals(left.length, 2);
    },
  });
}

for (
  const [cmd, what, logged] of [
    [
      3,
      "throws",
      /thread \d ended: .*thrown outside of a handler .*haven_server\.ts:\d+\); starting another/,
    ],
    [4, "ends itself", /thread \d ended: it left by itself; starting another/],
  ] as const
) {
  Deno.test({
    name: `THaven.run() replaces a thread that ${what}`,
    ignore: !LINUX,
    async fn() {
      await using server = await HavenProcess.start("THaven", {
        workers: 2,
        onUnhandled: "exit",
      });
      const first = await server.answerers(2);
      await using client = await server.connect();
      await client.write({ cmd });
      assertEquals(await client.read().catch(() => null), null);
      const [fresh] = await server.answerers(1, first);
      assertEquals(fresh!.pid, first[0]!.pid);
      await server.logged(logged);
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    },
  });
}

for (const kind of ["GHaven", "THaven"] as const) {
  Deno.test({
    name: `${kind}.run() replaces what is blocked for longer than workTimeout`,
    ignore: !LINUX,
    async fn() {
      await using server = await HavenProcess.start(kind, {
        workers: 2,
        workTimeout: 2,
      });
      const first = await server.answerers(2);
      await using client = await server.connect();
      await client.write({ cmd: 6 });
      assertEquals(await client.read().catch(() => null), null);
      // A blocked thread goes with its process, or it would keep its listener for ever.
      const fresh = await server.answerers(kind === "GHaven" ? 1 : 2, first);
      await server.logged(
        kind === "GHaven"
          ? /haven \d.* ended: killed: its event loop was blocked for more than 2 s \(workTimeout\); starting another at once/
          : /ERROR .*thread \d: its event loop was blocked for more than 2 s \(workTimeout\); a thread that blocks cannot be ended alone/,
      );
      for (let i = 0; i < 20; i++) {
        const answerer = await server.ask();
        const isAlive = [...first, ...fresh].some(({ id }) =>
          id === answerer?.id
        );
        assert(isAlive, "a newcomer waits for what is blocked");
      }
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    },
  });
}

Deno.test({
  name: "THaven.run() reports and replaces a thread that throws at top level",
  ignore: !LINUX,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "maple_haven_" });
    try {
      await using server = await HavenProcess.run([
        THROWING_THREAD,
        `${folder}/thrown`,
      ], { permissions: [...PERMISSIONS.ghaven, "--allow-write"] });
      assertMatch(
        server.stderr,
        /thread \d ended: .*thrown at top level .*throwing_thread\.ts:\d+\); starting another/,
      );
      assertEquals((await server.ask())?.pid !== undefined, true);
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "THaven.run() serves from one thread without the flag",
  ignore: !UNIX,
  async fn() {
    await using server = await HavenProcess.start("THaven");
    const [only] = await server.answerers(1);
    assertNotEquals(only!.pid, server.pid);
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
  },
});

Deno.test({
  name: "GHaven and THaven serve in the process itself with workers: 0",
  ignore: !UNIX,
  async fn() {
    for (const kind of ["GHaven", "THaven"] as const) {
      await using server = await HavenProcess.start(kind, { workers: 0 });
      const only = await server.ask();
      assertEquals(only?.pid, server.pid);
      assertEquals(numbers([only!]), [[1, true]]);
      server.kill("SIGTERM");
      assertEquals((await server.finished()).code, 0);
    }
  },
});
