// A gateway on the system's own sockets, as the program that users run.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_MAIN,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { runArgs } from "../helpers/permissions.ts";
import { runProcess } from "../helpers/process.ts";
import { within } from "../helpers/within.ts";
import { HAVEN_SERVER, HavenProcess } from "./haven_process.ts";
import { RequestLoad } from "./request_load.ts";
import { WorkerProcess } from "./worker_process.ts";

const ignore = Deno.build.os !== "linux";
const IO = ["--io", "epoll"];

/** Milliseconds of processor time that a process has taken so far. */
function cpuTime(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

Deno.test({
  name:
    "a gateway with --io epoll takes next to no time while nobody wants anything",
  ignore,
  async fn() {
    await using gateway = await startGatewayProcess(IO);
    await using _worker = await EchoWorker.attach(gateway.inner);
    const { pid } = gateway.process;
    // Until it has started for good.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const before = cpuTime(pid);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const used = cpuTime(pid) - before;
    assert(used <= 60, `${used} ms in 3 s`);
  },
});

Deno.test({
  name: "a gateway with --io epoll that is stopped and goes on loses nothing",
  ignore,
  async fn() {
    await using gateway = await startGatewayProcess([
      ...IO,
      ...["--metrics", "0", "--worker-timeout", "60"],
    ]);
    await using _worker = await WorkerProcess.start(gateway.inner);
    await using load = await RequestLoad.start(gateway.outer, 20);
    for (let stop = 0; stop < 5; stop++) {
      const answered = load.answered;
      await eventually(() => load.answered > answered + 50);
      gateway.process.kill("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 50));
      gateway.process.kill("SIGCONT");
    }
    await within(load.stop(), "the last answers");
  },
});

Deno.test({
  name:
    "a gateway with --io epoll under full load serves its metrics and obeys signals",
  ignore,
  async fn() {
    await using gateway = await startGatewayProcess([
      ...IO,
      ...["--metrics", "0"],
    ]);
    await using _worker = await WorkerProcess.start(gateway.inner);
    await using load = await RequestLoad.start(gateway.outer, 100);
    await eventually(() => load.answered > 1000);
    const [, url] = await eventuallyMatch(
      () => gateway.process.stderr,
      /dashboard at (\S+)/,
    );
    const report = await (await fetch(`${url}stats.json`)).json();
    assertEquals(report.stats.io, "epoll");
    assert(report.stats.loopDelay < 2, `${report.stats.loopDelay} s`);
    const metrics = await (await fetch(`${url}metrics`)).text();
    assertMatch(metrics, /maple_gateway_build_info\{[^}]*io="epoll"/);
    await load.stop();
    gateway.process.kill("SIGTERM");
    const status = await gateway.process.finished();
    assertEquals(status.code, 0, gateway.process.stderr);
  },
});

Deno.test({
  name: "a gateway with --io epoll says in one line what it lacks",
  ignore,
  async fn() {
    const { code, stderr, stdout } = await runProcess(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--allow-net", "--allow-read"],
        ...["--allow-env", "--allow-sys", GATEWAY_MAIN, ...IO],
        ...["--outer-port", "0", "--inner-port", "0", "--log-level", "ERROR"],
      ],
    });
    assertEquals([code, stdout], [1, []]);
    assertEquals(
      stderr,
      "maple gateway: Cannot use io epoll: it needs --allow-ffi, to call the system's library\n",
    );
  },
});

Deno.test({
  name: "a gateway with --io epoll is reached over IPv4 and IPv6",
  ignore,
  async fn() {
    await using gateway = await startGatewayProcess([
      ...IO,
      ...["--outer-host", "::"],
    ]);
    await using _worker = await EchoWorker.attach(gateway.inner);
    for (const host of ["127.0.0.1", "::1"]) {
      await using client = new TcpClient(Box, host, gateway.outerPort, {
        timeout: 20,
      });
      await client.connect();
      await client.write({ cmd: 1, body: host });
      assertEquals((await client.read())?.text(), host);
    }
  },
});

Deno.test({
  name: "a GHaven with io epoll shares its port without a flag of Deno's",
  ignore,
  async fn() {
    await using server = await HavenProcess.start("GHaven", {
      workers: 2,
      io: "epoll",
    });
    const pids = new Set<number>();
    await eventually(async () => {
      const answerer = await server.ask();
      if (answerer) pids.add(answerer.pid);
      return pids.size === 2;
    });
    for (const pid of pids) {
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
      assert(!command.includes("--unstable-net"), command);
    }
    server.kill("SIGTERM");
    assertEquals((await server.finished()).code, 0);
  },
});

Deno.test({
  name: "a THaven refuses io epoll in one line",
  ignore,
  async fn() {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...[...runArgs("ghaven"), HAVEN_SERVER, "THaven"],
        JSON.stringify({ port: 0, workers: 2, io: "epoll" }),
      ],
    });
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /Option io must be deno in the threads of a THaven, got epoll/,
    );
  },
});

async function eventuallyMatch(
  text: () => string,
  pattern: RegExp,
): Promise<RegExpMatchArray> {
  await eventually(() => pattern.test(text()));
  return text().match(pattern)!;
}
