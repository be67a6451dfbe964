// The life of a gateway of several processes: its parent and its children start, die and end.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { GATEWAY_ALL_ARGS } from "../helpers/gateway_process.ts";
import { runProcess } from "../helpers/process.ts";
import {
  attachToAll,
  Clients,
  ignore,
  ProcessesFixture,
  untilGone,
} from "./processes_fixture.ts";

Deno.test({
  name:
    "a process of a gateway that dies is back at once, and the other goes on",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start();
    const before = await fixture.processes();
    using clients = await fixture.clients();
    await using _workers = await attachToAll(fixture);
    assertEquals(await clients.answers(), clients.all.map(() => true));
    await fixture.until(({ stats }) => stats.answers === 24);
    const [first, second] = await fixture.processes();
    Deno.kill(first!.pid!, "SIGKILL");
    const { stats } = await fixture.until(({ processes, stats }) =>
      processes![0]!.ready && processes![0]!.restarts === 1 &&
      processes![0]!.pid !== before[0]!.pid && stats.clients < 24
    );
    // What it had counted is not forgotten, and its clients are gone.
    assertEquals([stats.answers, stats.clients], [24, second!.clients]);
    assertMatch(
      fixture.process.stderr,
      /WARN .* gateway 1 \(pid \d+\) ended: signal SIGKILL; starting another at once/,
    );
    assertMatch(
      fixture.process.stderr,
      /WARN .* process 1 has ended with its \d+ clients/,
    );
    const answers = await clients.answers();
    assertEquals(answers.filter((one) => one).length, second!.clients);
    // Clients that come find it again, at the same address for those that know it.
    using others = await fixture.clients(stats.clients);
    await using _worker = await attachToAll(fixture);
    assertEquals(await others.answers(), others.all.map(() => true));
    assertEquals((await fixture.processes())[0]!.inner, first!.inner);
    assertEquals((await fixture.processes())[0]!.nodeId, 0);
  },
});

Deno.test({
  name:
    "a process of a gateway that stands still is told, and the other goes on",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start();
    await using _workers = await attachToAll(fixture);
    using clients = await fixture.clients();
    const [first, second] = await fixture.processes();
    Deno.kill(first!.pid!, "SIGSTOP");
    try {
      const answers = clients.answers();
      const { trouble } = await fixture.until(({ processes, stats }) =>
        !processes![0]!.ready && stats.answers === second!.clients
      );
      assertEquals(
        trouble.find(({ what }) => what === "processes that do not serve"),
        { what: "processes that do not serve", count: 1, now: true },
      );
      Deno.kill(first!.pid!, "SIGCONT");
      assertEquals(await answers, clients.all.map(() => true));
      await fixture.until(({ processes, stats }) =>
        processes![0]!.ready && stats.answers === 24
      );
    } finally {
      Deno.kill(first!.pid!, "SIGCONT");
    }
  },
});

Deno.test({
  name: "a second TERM closes all processes of a gateway at once, exit code 0",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start(
      "--drain-timeout",
      "3600",
    );
    const { process } = fixture;
    const processes = await fixture.processes();
    // The news of them wait, since there is no worker.
    using clients = await fixture.clients();
    process.kill("SIGTERM");
    await eventually(() => process.stderr.includes("SIGTERM: leaving"));
    await fixture.until(({ stats }) => stats.state === "draining");
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    assertStringIncludes(process.stderr, "SIGTERM: closing at once");
    assertMatch(process.stderr, /gateway-2.* leaves with \d+ tasks/);
    assertEquals(await clients.answers(), clients.all.map(() => false));
    await untilGone(processes.map(({ pid }) => pid!));
  },
});

Deno.test({
  name:
    "Ctrl-C and a TERM to all processes of a gateway are one request to leave",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start();
    const { process } = fixture;
    const pids = (await fixture.processes()).map(({ pid }) => pid!);
    for (const pid of pids) Deno.kill(pid, "SIGHUP");
    for (const pid of pids) Deno.kill(pid, "SIGINT");
    for (const pid of [process.pid, ...pids]) Deno.kill(pid, "SIGTERM");
    assertEquals((await process.finished()).code, 0);
    await untilGone(pids);
  },
});

Deno.test({
  name: "the processes of a gateway end when their parent is killed",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start();
    const { process } = fixture;
    const pids = (await fixture.processes()).map(({ pid }) => pid!);
    process.kill("SIGKILL");
    await process.finished();
    await untilGone(pids);
    assertMatch(process.stderr, /gateway-1.* the parent is gone: leaving/);
  },
});

Deno.test({
  name:
    "HUP to the parent changes what can be changed in all processes, and a log file is one",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const config = `${folder}/gateway.json`;
    const log = `${folder}/gateway.log`;
    const write = (values: unknown) =>
      Deno.writeTextFile(config, JSON.stringify(values));
    await write({ connsMax: 101 });
    await using fixture = await ProcessesFixture.start(
      ...["--config", config, "--log-file", log, "--log-level", "DEBUG"],
    );
    const { process } = fixture;
    const text = () => Deno.readTextFile(log);
    const logged = (pattern: RegExp) =>
      eventually(async () => pattern.test(await text().catch(() => "")), {
        what: `${pattern}`,
      });
    await logged(/gateway-1\[\d+\] listening/);
    await logged(/gateway-2\[\d+\] listening/);
    await Deno.rename(log, `${log}.old`);
    await write({ connsMax: 51, queueMax: 5000 });
    process.kill("SIGHUP");
    await logged(
      /gateway\[\d+\] SIGHUP: the log is opened again; changed: connsMax 101 -> 51; only a restart changes queueMax/,
    );
    await logged(/gateway-1\[\d+\] SIGHUP: .*connsMax 51 -> 26/);
    await logged(/gateway-2\[\d+\] SIGHUP: .*connsMax 50 -> 25/);
    await write("no settings");
    process.kill("SIGHUP");
    await logged(/ERROR gateway\[\d+\] SIGHUP: .* stay as they are/);
    process.kill("SIGUSR2");
    await logged(/gateway-2\[\d+\] log level INFO \(as the master\)/);
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    assertEquals(process.stderr, "");
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name:
    "a gateway of several processes starts beside another one on the same ports where it is told to",
  ignore,
  async fn() {
    await using old = await ProcessesFixture.start();
    const { outerPort, innerPort } = old.gateway;
    const ports = [
      ...["--outer-port", `${outerPort}`, "--inner-port", `${innerPort}`],
    ];
    const beside = await runProcess(Deno.execPath(), {
      args: [
        ...GATEWAY_ALL_ARGS,
        ...["--outer-host", "127.0.0.1", "--processes", "2"],
        ...["--bind-timeout", "0", ...ports],
      ],
    });
    assertEquals(beside.code, 1);
    assertStringIncludes(beside.stderr, "the address is in use");
    await using next = await ProcessesFixture.start("--reuse-port", ...ports);
    using clients = new Clients(old.gateway.outer);
    await clients.more(32);
    const at = async (fixture: ProcessesFixture) =>
      (await fixture.report()).stats.clients;
    await eventually(async () => await at(old) + await at(next) === 32);
    const left = await at(next);
    assertEquals([left > 0, left < 32], [true, true]);
    old.process.kill("SIGTERM");
    assertEquals((await old.process.finished()).code, 0);
    using others = new Clients(next.gateway.outer);
    await others.more(8);
    await next.until(({ stats }) => stats.clients === left + 8);
  },
});
