// The programs as single executables: maple and a worker together, without Deno.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { compile, PROGRAMS } from "../../tools/compile.ts";
import { COMPILE_DENO, whyNotCompiled } from "../helpers/compiled.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { GATEWAY_ALL_ARGS, GATEWAY_READY } from "../helpers/gateway_process.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { isRunning, WorkerProcess } from "./worker_process.ts";

class TempDir implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "maple_compiled_" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

const deno = COMPILE_DENO;
const reason = await whyNotCompiled();
if (reason !== undefined) {
  console.log(`compiled programs are not tested: ${reason}`);
}

Deno.test({
  name:
    "compiled programs: gateway, worker, trigger and load run together, HUP and TERM work",
  ignore: reason !== undefined,
  fn: async () => {
    await using dir = new TempDir();
    const executable = (name: string) => `${dir.path}/${name}`;
    for (const [name, entry] of Object.entries(PROGRAMS)) {
      await compile(entry, executable(name), { deno });
    }

    await using gateway = await startProcess(executable("maple"), {
      args: [
        "gateway",
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
      ],
      ready: GATEWAY_READY,
    });
    const [, , outerPort, , innerPort] = gateway.ready!;
    await using worker = new WorkerProcess(executable("maple-echo-worker"), {
      args: ["--port", innerPort!, "--workers", "2"],
    });
    await worker.line(/^maple worker ready workers=2 /);
    await using client = new TcpClient(Box, "127.0.0.1", Number(outerPort), {
      timeout: 30,
    });
    await client.connect();
    let sn = 0;
    const echo = async () => {
      await client.write({ cmd: 1, sn: ++sn, body: `body ${sn}` });
      const box = await client.read();
      assertEquals([box?.sn, box?.ret, box?.text()], [sn, 0, `body ${sn}`]);
    };
    await echo();

    assertEquals(worker.children.length, 2);
    if (Deno.build.os === "linux") {
      for (const pid of worker.children) {
        assertEquals(
          await Deno.readLink(`/proc/${pid}/exe`),
          await Deno.realPath(executable("maple-echo-worker")),
        );
      }
    }

    const { code, stderr } = await runProcess(executable("maple"), {
      args: [
        ...["trigger", "write-to-users"],
        ...["--port", innerPort!, "--uids", "-2", "--cmd", "5"],
        ...["--body", "to all"],
      ],
    });
    assertEquals([code, stderr], [0, ""]);
    assertEquals((await client.read())?.text(), "to all");

    // Its processes are the executable as well.
    const load = await runProcess(executable("maple"), {
      args: [
        ...["load", "-u", `127.0.0.1:${outerPort}`],
        ...["-c", "2", "-p", "2", "-r", "5"],
      ],
    });
    assertEquals([load.code, load.stderr], [0, ""]);

    const old = worker.children;
    worker.kill("SIGHUP");
    while (old.some(isRunning)) await echo();
    await worker.logged(/reloaded: the new processes are ready/);
    assertEquals(worker.started.length, 4);
    await echo();

    worker.kill("SIGTERM");
    assertEquals((await worker.finished()).code, 0);
    assertEquals(worker.children, []);
    gateway.kill("SIGTERM");
    assertEquals((await gateway.finished()).code, 0);

    // It holds what it loads only for a cluster: there is nowhere to have that from.
    await using alone = await startProcess(executable("maple"), {
      args: [
        "gateway",
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-port", "0", "--cluster", "nats://127.0.0.1:1"],
      ],
      env: {
        DENO_DIR: `${dir.path}/none`,
        NPM_CONFIG_REGISTRY: "http://127.0.0.1:1/",
      },
      ready: GATEWAY_READY,
    });
    assertStringIncludes(alone.stderr, "alone, the bus is away (127.0.0.1:1: ");
    alone.kill("SIGTERM");
    assertEquals((await alone.finished()).code, 0);

    if (Deno.build.os !== "linux") return;
    await using several = await startProcess(executable("maple"), {
      args: [
        "gateway",
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-port", "0", "--processes", "2"],
      ],
      ready: GATEWAY_READY,
    });
    const pids = several.stderr.matchAll(/gateway \d \(pid (\d+)\) started/g);
    for (const [, pid] of pids) {
      assertEquals(
        await Deno.readLink(`/proc/${pid}/exe`),
        await Deno.realPath(executable("maple")),
      );
    }
    several.kill("SIGTERM");
    assertEquals((await several.finished()).code, 0);
  },
});

Deno.test({
  name: "a compiled program around a gateway has NATS's client by its import",
  ignore: reason !== undefined,
  fn: async () => {
    await using dir = new TempDir();
    const file = `${dir.path}/clustered`;
    const entry = "tests/system/programs/clustered_gateway.ts";
    await compile(entry, file, { deno });
    const { code, stdout, stderr } = await runProcess(file, {});
    assertEquals([code, stdout], [0, ["listens"]], stderr);
    assertStringIncludes(stderr, "the bus is away");
  },
});

Deno.test({
  name:
    "compiled programs: a gateway takes the place of another with its clients, and one that Deno runs takes it from that",
  ignore: reason !== undefined || Deno.build.os !== "linux",
  fn: async () => {
    await using dir = new TempDir();
    const executable = `${dir.path}/maple`;
    await compile(PROGRAMS.maple!, executable, { deno });
    const flags = [
      ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
      ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
      ...["--io", "epoll", "--handover", `${dir.path}/gateway.sock`],
    ];
    const start = () =>
      startProcess(executable, {
        args: ["gateway", ...flags],
        ready: GATEWAY_READY,
      });
    await using first = await start();
    const [, , outerPort, , innerPort] = first.ready!;
    await using _worker = await EchoWorker.attach({
      hostname: "127.0.0.1",
      port: Number(innerPort),
    });
    await using client = new TcpClient(Box, "127.0.0.1", Number(outerPort), {
      timeout: 30,
    });
    await client.connect();
    let sn = 0;
    const echo = async () => {
      await client.write({ cmd: 1, sn: ++sn });
      assertEquals((await client.read())?.sn, sn);
    };
    await echo();
    await using second = await start();
    assertEquals((await first.finished()).code, 0, first.stderr);
    assertEquals(
      await Deno.readLink(`/proc/${second.pid}/exe`),
      await Deno.realPath(executable),
    );
    await echo();
    await using third = await startProcess(Deno.execPath(), {
      args: [...GATEWAY_ALL_ARGS, ...flags],
      ready: GATEWAY_READY,
    });
    assertEquals((await second.finished()).code, 0, second.stderr);
    await echo();
    assertEquals(third.stderr.match(/WARN|ERROR/), null);
  },
});
