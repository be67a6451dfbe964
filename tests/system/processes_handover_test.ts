// A gateway of several processes that are replaced, one after the other, by those of another
// command line: its users notice nothing, and write to each other across them meanwhile.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box } from "@maple/box";
import { Passing, SILENT, Taking } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import { Worker } from "@maple/worker";
import type {
  ParentOffer,
  RenewalState,
} from "../../gateway/processes/renewal.ts";
import { eventually } from "../helpers/eventually.ts";
import { handoverTest as test } from "../helpers/handover_test_case.ts";
import {
  Clients,
  ProcessesFixture,
  renewProcesses,
  untilGone,
} from "./processes_fixture.ts";

const TIMES = 5;
const USERS = 24;

function flagsOf(path: string): string[] {
  return ["--io", "epoll", "--handover", path];
}

/** Runs the program a second time, with the same flags and some more. */
function again(path: string, ...more: string[]) {
  return renewProcesses([...flagsOf(path), ...more]);
}

/** A worker that logs in whoever asks, as the user of the number of his request. */
async function attach(fixture: ProcessesFixture): Promise<Worker> {
  const app = new Worker(Box, { logger: SILENT });
  app.route(1, (request) => {
    request.loginClient(request.box.sn);
    return request.writeToClient({ ret: 0 });
  });
  app.route(2, (request) => request.writeToClient({ ret: 0 }));
  await app.attach({ host: "127.0.0.1", port: fixture.gateway.innerPort });
  await fixture.until(({ processes }) =>
    processes!.every(({ ready, workers }) => ready && workers > 0)
  );
  return app;
}

test("the processes of a gateway are replaced again and again: nobody is cut off, each user gets each message once and in order", async (path) => {
  await using fixture = await ProcessesFixture.start(...flagsOf(path));
  const first = await fixture.processes();
  let worker = await attach(fixture);
  using users = await fixture.clients();
  users.firstSn = 1;
  assertEquals(await users.answers(), users.all.map(() => true));
  using askers = new Clients(fixture.gateway.outer);
  await askers.more(10);
  let isOver = false;
  let answered = 0;
  const asking = Promise.all(askers.all.map(async (client) => {
    for (let sn = 1; !isOver; sn++) {
      await client.write({ cmd: 2, sn });
      assertEquals((await client.read())?.sn, sn);
      answered++;
    }
  }));
  await using trigger = new Trigger(
    Box,
    "127.0.0.1",
    fixture.gateway.innerPort,
  );
  let written = 0;
  const writing = (async () => {
    while (!isOver) {
      const sn = ++written;
      const receipt = await trigger.writeToUsers(
        [[users.uids, { cmd: 9, sn }]],
        { receipt: true },
      );
      assertEquals(receipt, { delivered: USERS, offline: [], complete: true });
    }
  })();
  try {
    for (let i = 0; i < TIMES; i++) {
      const { code, stdout, stderr } = await again(path);
      assertEquals(code, 0, `${stderr}\n${fixture.process.stderr}`);
      assertEquals(stdout.at(-1), "2 processes were replaced");
      if (i !== 2) continue;
      const next = await attach(fixture);
      await worker.close();
      worker = next;
    }
  } finally {
    isOver = true;
    await Promise.all([asking, writing]);
  }
  await worker[Symbol.asyncDispose]();
  for (const client of users.all) {
    for (let sn = 1; sn <= written; sn++) {
      assertEquals((await client.read())?.sn, sn);
    }
  }
  assert(answered > 100 && written > 20, `${answered}, ${written}`);
  const { stats, processes } = await fixture.until(({ stats }) =>
    stats.handovers === 2 * TIMES
  );
  assertEquals([stats.clients, stats.clientsAccepted], [34, 34]);
  assertEquals([stats.clusterLost, stats.clusterMoved], [0, 0]);
  assertEquals(Object.values(stats.clusterNotPassedOn), [0, 0, 0, 0]);
  assertEquals(processes!.map(({ restarts }) => restarts), [0, 0]);
  assertEquals(
    processes!.map(({ nodeId, inner }) => [nodeId, inner]),
    first.map(({ nodeId, inner }) => [nodeId, inner]),
  );
  await untilGone(first.map(({ pid }) => pid!));
});

test("processes are not replaced where their number, a port or a limit does not fit, and are told what would be", async (path) => {
  await using fixture = await ProcessesFixture.start(...flagsOf(path));
  using users = await fixture.clients();
  const before = (await fixture.processes()).map(({ pid }) => pid);
  const check = await again(path, "--check");
  assertEquals(check.code, 0, check.stderr);
  assertStringIncludes(check.stdout.join("\n"), "process 2: takes: ");
  for (
    const [flags, why] of [
      [["--processes", "3"], "its processes are 2, and those of this one 3"],
      [["--processes", "1"], "it is several processes, and this one is one"],
      [["--outer-port", "1"], "its outerPort is "],
      [["--conns-max", "2"], "clients, and connsMax is 1"],
    ] as const
  ) {
    const { code, stderr } = await again(path, ...flags);
    assertEquals(code, 1);
    assertStringIncludes(stderr, why);
  }
  assertEquals((await fixture.processes()).map(({ pid }) => pid), before);
  assertEquals(users.all.length, USERS);
});

test("new processes bring their settings, the parent keeps its own and tells which; HUP reads what they have brought", async (path) => {
  await using fixture = await ProcessesFixture.start(
    ...[...flagsOf(path), "--conns-max", "100"],
  );
  const { process } = fixture;
  // What somebody has set by a signal does not outlive the processes.
  process.kill("SIGUSR2");
  await eventually(() => process.stderr.includes("log level WARN (SIGUSR2)"));
  const config = `${path}.json`;
  await Deno.writeTextFile(config, '{"connsMax": 200}');
  const { code, stdout, stderr } = await again(
    path,
    ...["--config", config, "--log-level", "DEBUG"],
    ...["--log-format", "json", "--metrics", "1"],
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout[1],
    `process ${process.pid} stays: only a restart changes logFormat text -> json, metrics 0 -> 1`,
  );
  assertStringIncludes(
    process.stderr,
    "log level DEBUG (as the new processes)",
  );
  const hup = async (line: string) => {
    process.kill("SIGHUP");
    await eventually(() => process.stderr.includes(line));
  };
  await hup(
    "SIGHUP: the log is opened again; nothing changed; only a restart changes logFormat text -> json, metrics 0 -> 1",
  );
  await Deno.writeTextFile(config, '{"connsMax": 300}');
  await hup("changed: connsMax 200 -> 300; only a restart changes logFormat");
  // All lines are in the parent's format, whoever writes them.
  assert(!/^\{/m.test(process.stderr), process.stderr);
  const refused = await again(
    path,
    ...["--conns-max", "100", "--log-level", "ERROR", "--node-id", "50"],
  );
  assertEquals(refused.code, 1);
  await hup("nothing changed; only a restart changes logFormat");
  assert(!process.stderr.includes("log level ERROR"), process.stderr);
});

test("one that asks for new processes and dies half-way, or asks at the same time, does not stand in the way of others", async (path) => {
  await using fixture = await ProcessesFixture.start(...flagsOf(path));
  const before = (await fixture.processes()).map(({ pid }) => pid);
  using passing = Passing.open();
  const ask = () =>
    Taking.ask<ParentOffer>(passing, path, {
      ...{ whose: "the gateway", fail: (line: string) => new Error(line) },
      ...{ hello: { version: "0.0.0", pid: Deno.pid }, timeoutMs: 20_000 },
    });
  {
    using dying = await ask();
    await dying!.question({ pid: 1, at: 0, piece: '{"settings":' });
  }
  using other = await ask();
  await other!.question({ pid: 1, at: 0, piece: '{"settings":' });
  const { code, stderr } = await again(path);
  assertEquals(code, 0, stderr);
  const late = await other!.question<RenewalState>({ pid: 1, begin: true });
  assertEquals(late.why, "they are just being replaced");
  await fixture.until(({ processes }) =>
    processes!.every(({ pid }) => pid !== null && !before.includes(pid))
  );
});
