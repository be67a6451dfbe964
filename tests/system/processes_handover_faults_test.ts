// Handovers of several processes in which one of those that take part is killed, and such ones in a
// cluster.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Trigger } from "@maple/trigger";
import { Worker } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { handoverTest as test } from "../helpers/handover_test_case.ts";
import { hasNatsServer, NatsServer } from "../helpers/nats_server.ts";
import { pathOf } from "../helpers/paths.ts";
import { RunningProcess } from "../helpers/process.ts";
import { at, momentOf } from "./faulty_gateway.ts";
import {
  attachToAll,
  ProcessesFixture,
  renewalArgs,
  renewProcesses,
  untilGone,
} from "./processes_fixture.ts";
import type { Fault } from "./programs/handover_fault.ts";

function flagsOf(path: string): string[] {
  return ["--io", "epoll", "--handover", path, "--linger", "0.5"];
}

/** The second command, of a program of which process `index` fails. */
function startFaulty(index: number, fault: Fault, flags: string[]) {
  return new RunningProcess(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", "--config", pathOf("../../deno.json")],
      pathOf("../system/programs/faulty_processes.ts"),
      // Behind Deno's own arguments.
      ...[`${index}`, JSON.stringify(fault), ...renewalArgs(flags).slice(5)],
    ],
  });
}

function startRenewal(flags: string[]): RunningProcess {
  return new RunningProcess(Deno.execPath(), { args: renewalArgs(flags) });
}

/** All processes that the parent has told of. */
function started({ stderr }: RunningProcess): number[] {
  return [...stderr.matchAll(/gateway \d+ \(pid (\d+)\) started/g)]
    .map(([, pid]) => Number(pid));
}

{
  const fault = at("receive", "YOURS", "after");
  test(`a new one of several processes is killed ${momentOf(fault)}: all clients stay, and the next try replaces all`, async (path) => {
    const flags = flagsOf(path);
    await using fixture = await ProcessesFixture.start(...flags);
    await using _workers = await attachToAll(fixture);
    const first = await fixture.processes();
    using users = await fixture.clients();
    await using asks = startFaulty(2, fault, flags);
    assertEquals((await asks.finished()).code, 1);
    assertStringIncludes(
      asks.stderr,
      "1 of 2 processes were replaced: new gateway 2",
    );
    assertStringIncludes(
      asks.stderr,
      "ended with signal SIGKILL before it was ready",
    );
    assertEquals(await users.answers(), users.all.map(() => true));
    const between = await fixture.processes();
    assertEquals(between[1]!.pid, first[1]!.pid);
    const { code, stderr } = await renewProcesses(flags);
    assertEquals(code, 0, stderr);
    assertEquals(await users.answers(), users.all.map(() => true));
    const { stats, processes } = await fixture.until(({ stats }) =>
      stats.clients === users.all.length
    );
    assertEquals(stats.clientsAccepted, users.all.length);
    assertEquals(processes!.map(({ restarts }) => restarts), [0, 0]);
    await untilGone([...first, ...between].map(({ pid }) => pid!));
  });
}

test("the second command is killed in the middle: the parent replaces all without it, and the next one can ask", async (path) => {
  const flags = flagsOf(path);
  await using fixture = await ProcessesFixture.start(...flags);
  await using _workers = await attachToAll(fixture);
  using users = await fixture.clients();
  const { process } = fixture;
  await using asks = startRenewal(flags);
  await eventually(() => started(process).length === 3);
  asks.kill("SIGKILL");
  await eventually(() => process.stderr.includes("2 processes were replaced"));
  assertEquals(await users.answers(), users.all.map(() => true));
  const { code, stderr } = await renewProcesses(flags);
  assertEquals(code, 0, stderr);
  assertEquals(await users.answers(), users.all.map(() => true));
  await untilGone(started(process).slice(0, 4));
});

test("the parent is killed in the middle: the second command says so, nothing is left running, and the next gateway starts", async (path) => {
  const flags = flagsOf(path);
  const fixture = await ProcessesFixture.start(...flags);
  const { process } = fixture;
  await using asks = startRenewal(flags);
  await eventually(() => started(process).length === 3);
  process.kill("SIGKILL");
  assertEquals((await asks.finished()).code, 1, asks.stderr);
  assertEquals(asks.stderr.trim().split("\n").length, 1, asks.stderr);
  await untilGone(started(process));
  await fixture[Symbol.asyncDispose]();
  await using next = await ProcessesFixture.start(...flags);
  const { code, stderr } = await renewProcesses(flags);
  assertEquals(code, 0, stderr);
  await next.processes();
});

if (hasNatsServer) {
  test("several processes that are nodes of a cluster are replaced: the others reach their users all the time, and see the same nodes", async (path) => {
    await using nats = await NatsServer.start();
    const cluster = ["--cluster", nats.url];
    const flags = [...flagsOf(path), ...cluster];
    await using far = await startGatewayProcess(
      [...cluster, "--drain-timeout", "0"],
      GATEWAY_ALL_ARGS,
    );
    await using fixture = await ProcessesFixture.start(...flags);
    const first = await fixture.processes();
    await using app = new Worker(Box, { logger: SILENT });
    app.route(1, (request) => {
      request.loginClient(request.box.sn);
      return request.writeToClient({ ret: 0 });
    });
    await app.attach({ host: "127.0.0.1", port: fixture.gateway.innerPort });
    await fixture.until(({ processes }) =>
      processes!.every(({ ready, workers }) => ready && workers > 0)
    );
    using users = await fixture.clients();
    users.firstSn = 1;
    assertEquals(await users.answers(), users.all.map(() => true));
    await using trigger = new Trigger(Box, "127.0.0.1", far.innerPort);
    await eventually(async () =>
      (await trigger.online(users.uids)).length === users.all.length
    );
    let [isOver, written] = [false, 0];
    const writing = (async () => {
      while (!isOver) {
        const sn = ++written;
        const receipt = await trigger.writeToUsers(
          [[users.uids, { cmd: 9, sn }]],
          { receipt: true },
        );
        assertEquals(receipt, {
          ...{ delivered: users.all.length, offline: [], complete: true },
        });
      }
    })();
    try {
      const { code, stderr } = await renewProcesses(flags);
      assertEquals(code, 0, `${stderr}\n${fixture.process.stderr}`);
    } finally {
      isOver = true;
      await writing;
    }
    for (const client of users.all) {
      for (let sn = 1; sn <= written; sn++) {
        assertEquals((await client.read())?.sn, sn);
      }
    }
    assert(written > 3);
    const { stats, processes } = await fixture.until(({ stats }) =>
      stats.handovers === 2
    );
    assertEquals(stats.clusterLost, 0);
    assertEquals(
      processes!.map(({ nodeId, restarts }) => [nodeId, restarts]),
      first.map(({ nodeId }) => [nodeId, 0]),
    );
    await untilGone(first.map(({ pid }) => pid!));
    // It is another gateway without the cluster, or with another name of it.
    for (
      const other of [flagsOf(path), [...flags, "--cluster-name", "other"]]
    ) {
      const { code, stderr } = await renewProcesses(other);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "only a restart changes that");
    }
  });
}
