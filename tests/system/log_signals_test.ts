// USR1 and USR2: log more, log less, while the program runs.

import { assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import type { RunningProcess } from "../helpers/process.ts";
import { Task } from "@maple/box";
import { HavenProcess } from "./haven_process.ts";
import { WorkerProcess } from "./worker_process.ts";

const UNIX = Deno.build.os !== "windows";
const LINUX = Deno.build.os === "linux";

/** The lines that tell a new level, without their times: `master log level DEBUG (SIGUSR1)`. */
function changes(stderr: string): string[] {
  return [...stderr.matchAll(/ INFO {2}(\S+)\[\d+\] (log level .*)/g)]
    .map(([, role, what]) => `${role} ${what}`);
}

async function changed(
  process: RunningProcess,
  expected: readonly string[],
): Promise<void> {
  const find = () => changes(process.stderr).toSorted();
  const wanted = expected.toSorted();
  await eventually(() => find().length >= wanted.length, {
    timeout: 30_000,
    what: `${wanted.length} changes of the level`,
  }).catch((error) => {
    throw new Error(`${error.message}; the log:\n${process.stderr}`);
  });
  assertEquals(find(), wanted);
}

Deno.test({
  name:
    "the gateway program logs more at USR1 and less at USR2, to the last level",
  ignore: !UNIX,
  async fn() {
    await using gateway = await startGatewayProcess();
    const { process } = gateway;
    const told: string[] = [];
    const send = async (signal: Deno.Signal, level: string) => {
      process.kill(signal);
      told.push(`gateway log level ${level} (${signal})`);
      await changed(process, told);
    };
    // What tells of a trigger that comes and goes is logged at DEBUG.
    const visit = async () => {
      await using peer = await RawPeer.connect(Task, gateway.inner);
      const name = peer.localAddress;
      await peer.endWriting();
      await peer.closedByPeer();
      return name;
    };
    const silent = await visit();
    await send("SIGUSR1", "DEBUG");
    const heard = await visit();
    await eventually(() =>
      process.stderr.includes(`worker or trigger at ${heard} connected`)
    );
    await send("SIGUSR1", "DEBUG");
    await send("SIGUSR2", "INFO");
    await send("SIGUSR2", "WARN");
    const silentAgain = await visit();
    await send("SIGUSR2", "ERROR");
    await send("SIGUSR2", "ERROR");
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    for (const name of [silent, silentAgain]) {
      assertEquals([name, process.stderr.includes(name)], [name, false]);
    }
    // At ERROR nothing tells of the end.
    assertMatch(process.stderr, /log level ERROR \(SIGUSR2\)\n$/);
  },
});

Deno.test({
  name:
    "a worker's master passes the level on to its children, later ones included",
  ignore: !UNIX,
  async fn() {
    await using gateway = await GatewayFixture.start();
    await using worker = await WorkerProcess.start(gateway.inner);
    worker.kill("SIGUSR1");
    const told = [
      "master log level DEBUG (SIGUSR1)",
      "worker-1 log level DEBUG (as the master)",
      "worker-2 log level DEBUG (as the master)",
    ];
    await changed(worker, told);
    // One child alone.
    Deno.kill(worker.started[1]!.pid, "SIGUSR2");
    told.push("worker-2 log level INFO (SIGUSR2)");
    await changed(worker, told);
    Deno.kill(worker.started[0]!.pid, "SIGKILL");
    told.push("worker-1 log level DEBUG (as the master)");
    await changed(worker, told);
    worker.kill("SIGUSR2");
    told.push(
      "master log level INFO (SIGUSR2)",
      "worker-1 log level INFO (as the master)",
    );
    await changed(worker, told);
    worker.kill("SIGTERM");
    assertEquals((await worker.finished()).code, 0);
  },
});

Deno.test({
  name: "a worker in one process changes its level",
  ignore: !UNIX,
  async fn() {
    await using gateway = await GatewayFixture.start();
    await using worker = await WorkerProcess.start(gateway.inner, {
      workers: 0,
    });
    worker.kill("SIGUSR2");
    await changed(worker, ["worker log level WARN (SIGUSR2)"]);
  },
});

Deno.test({
  name: "Haven.run() and GHaven.run() change their level",
  ignore: !LINUX,
  async fn() {
    await using one = await HavenProcess.start("Haven");
    one.kill("SIGUSR1");
    await changed(one, ["haven log level DEBUG (SIGUSR1)"]);
    await using several = await HavenProcess.start("GHaven", { workers: 2 });
    several.kill("SIGUSR1");
    await changed(several, [
      "master log level DEBUG (SIGUSR1)",
      "haven-1 log level DEBUG (as the master)",
      "haven-2 log level DEBUG (as the master)",
    ]);
  },
});

for (const flags of [[], ["--unstable-net"]]) {
  Deno.test({
    name: `THaven.run() changes the level of its threads, ${
      flags.length > 0 ? "with" : "without"
    } --unstable-net`,
    ignore: !LINUX,
    async fn() {
      await using server = await HavenProcess.start(
        "THaven",
        { workers: 2 },
        flags,
      );
      server.kill("SIGUSR1");
      await changed(server, [
        "haven-1 log level DEBUG (as the master)",
        "haven-2 log level DEBUG (as the master)",
        "haven log level DEBUG (as the master)",
        "master log level DEBUG (SIGUSR1)",
      ]);
    },
  });
}

// The ports at which a process of Linux listens.
function listeningPorts(pid: number): number[] {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const link = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      inodes.add(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? "");
    } catch {
      // It was closed just now.
    }
  }
  return Deno.readTextFileSync(`/proc/${pid}/net/tcp`).split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) =>
      state === "0A" && inodes.has(inode!)
    )
    .map(([, local]) => parseInt(local!.split(":")[1]!, 16));
}

Deno.test({
  name: "USR1 leaves no debugger open",
  ignore: !LINUX,
  async fn() {
    await using gateway = await startGatewayProcess();
    const { process } = gateway;
    // Deno takes the signal for a wish to debug only some time after its start; where it never
    // does, or has no port for it, there is nothing to close.
    for (let signals = 1; signals <= 5; signals++) {
      process.kill("SIGUSR1");
      await eventually(() => changes(process.stderr).length >= signals);
      const shown = await eventually(
        () => process.stderr.includes("Debugger listening"),
        { timeout: 300 },
      ).then(() => true, () => false);
      if (shown) break;
    }
    const own = [gateway.outerPort, gateway.innerPort].toSorted();
    await eventually(() =>
      listeningPorts(process.pid).toSorted().join() === own.join()
    );
  },
});
