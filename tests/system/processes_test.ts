// The gateway as several processes: one to clients, workers and whoever looks at it.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Worker } from "@maple/worker";
import { canServeTls, localCertificate } from "../helpers/certificates.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { connectTls } from "../helpers/gateway_fixture.ts";
import { GATEWAY_MAIN, GATEWAY_READY } from "../helpers/gateway_process.ts";
import { PERMISSIONS } from "../helpers/permissions.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";
import {
  attachToAll,
  Clients,
  ignore,
  ProcessesFixture,
  untilGone,
} from "./processes_fixture.ts";

Deno.test({
  name:
    "a gateway of two processes is one to clients, workers and whoever looks",
  ignore,
  async fn() {
    const statFile = await Deno.makeTempFile();
    await using fixture = await ProcessesFixture.start("--stat-file", statFile);
    const { process, gateway } = fixture;
    const processes = await fixture.processes();
    const pids = processes.map(({ pid }) => pid!);
    assertEquals(new Set([...pids, process.pid]).size, 3);
    assertEquals(processes.map(({ nodeId }) => nodeId), [0, 1]);
    for (const [i, pid] of pids.entries()) {
      assertEquals(
        await Deno.readTextFile(`/proc/${pid}/comm`),
        `maple-gateway-${i + 1}\n`,
      );
    }
    using clients = await fixture.clients();
    await using _workers = await attachToAll(fixture);
    assertEquals(await clients.answers(), clients.all.map(() => true));
    const { stats, limits, outer, inner } = await fixture.until(({ stats }) =>
      stats.answers === 24
    );
    assertEquals(stats.clients, 24);
    assertEquals(stats.clientsPeak, 24);
    assertEquals(stats.clientsOver.tcp, 24);
    assertEquals(stats.clientFrames, 24);
    assertEquals(stats.pid, process.pid);
    assertEquals(stats.commands.map(({ cmd, count }) => [cmd, count]), [[
      1,
      24,
    ]]);
    assertEquals(stats.workTime.count, stats.acknowledged);
    assertEquals(limits.connsMax, 10_000);
    assertEquals(
      [outer, inner].map((text) => Number(text!.split(":")[1])),
      [gateway.outerPort, gateway.innerPort],
    );
    const text = await (await fetch(`${fixture.status}/metrics`)).text();
    assertMatch(text, /^maple_gateway_clients 24$/m);
    assertMatch(text, /^maple_gateway_process_ready\{process="2"\} 1$/m);
    const health = await fetch(`${fixture.status}/healthz?ready`);
    assertEquals([health.status, await health.text()], [200, "serving\n"]);
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    assertEquals(process.stdout.length, 1);
    assertMatch(process.stderr, / closed\n$/);
    await untilGone(pids);
    const last = JSON.parse(await Deno.readTextFile(statFile));
    await Deno.remove(statFile);
    assertEquals([last.stats.clientFrames, last.stats.clients], [24, 0]);
  },
});

Deno.test({
  name:
    "one worker of the original system serves the clients of all processes of a gateway",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start();
    await using worker = await EchoWorker.attach(fixture.gateway.inner);
    using clients = await fixture.clients();
    assertEquals(await clients.answers(), clients.all.map(() => true));
    const { stats } = await fixture.until(({ stats }) => stats.answers === 24);
    assertEquals([stats.workers, stats.clientFrames], [1, 24]);
    const nodes = worker.tasks.map(({ nodeId }) => nodeId);
    assertEquals(new Set(nodes), new Set([0, 1]));
  },
});

Deno.test({
  name:
    "users are those of all processes of a gateway, for a worker that knows one address, also after one has died",
  ignore,
  async fn() {
    await using fixture = await ProcessesFixture.start();
    await using app = new Worker(Box, { logger: SILENT });
    app.route(1, (request) => {
      request.loginClient(request.box.sn);
      return request.writeToClient({ ret: 0 });
    });
    await app.attach({ host: "127.0.0.1", port: fixture.gateway.innerPort });
    const attached = () =>
      fixture.until(({ processes, stats }) =>
        processes!.length === 2 && stats.workers === 1 &&
        processes!.every(({ ready, workers }) => ready && workers === 1)
      );
    await attached();
    using clients = await fixture.clients();
    // Nobody is 0.
    clients.firstSn = 1;
    await toldOnce(app, clients, fixture);
    const [first] = await fixture.processes();
    Deno.kill(first!.pid!, "SIGKILL");
    await fixture.until(({ processes }) =>
      processes![0]!.ready && processes![0]!.restarts === 1
    );
    await attached();
    using others = await fixture.clients(24 - first!.clients);
    others.firstSn = 101;
    await toldOnce(app, others, fixture);
    // A user who logs in again is moved, wherever he was.
    using again = new Clients(fixture.gateway.outer);
    await again.more(1);
    again.firstSn = 105;
    assertEquals(await again.answers(), [true]);
    assertEquals(
      app.writeToUsers([[[105], { cmd: 8 }], [[101], { cmd: 8 }]]),
      true,
    );
    assertEquals((await again.all[0]!.read())?.cmd, 8);
    assertEquals((await others.all[0]!.read())?.cmd, 8);
    assertEquals(app.writeToUsers([[others.uids, { cmd: 9 }]]), true);
    for (const [i, client] of others.all.entries()) {
      if (i !== 4) assertEquals((await client.read())?.cmd, 9);
    }
    assertEquals((await again.all[0]!.read())?.cmd, 9);
  },
});

// All log in, and each is told what is for all, once.
async function toldOnce(
  app: Worker,
  clients: Clients,
  fixture: ProcessesFixture,
): Promise<void> {
  assertEquals(await clients.answers(), clients.all.map(() => true));
  await fixture.until(({ stats }) => stats.users >= clients.all.length);
  for (const cmd of [7, 8]) {
    assertEquals(app.writeToUsers([[clients.uids, { cmd }]]), true);
    for (const client of clients.all) {
      assertEquals((await client.read())?.cmd, cmd);
    }
  }
}

Deno.test({
  name: "the processes of a gateway share its ports for WebSockets and TLS too",
  ignore: ignore || !canServeTls,
  async fn() {
    const { cert, key } = await localCertificate();
    await using fixture = await ProcessesFixture.start(
      ...["--ws-port", "0", "--tls-port", "0"],
      ...["--tls-cert", cert, "--tls-key", key],
    );
    const { ws, tls } = await fixture.until(({ ws, tls }) => !!ws && !!tls);
    const addressOf = (text: string) => {
      const [hostname, port] = text.split(":");
      return { hostname: hostname!, port: Number(port) };
    };
    using open = new DisposableStack();
    const ask = async (count: number) => {
      for (let i = 0; i < count; i++) {
        open.use(await WebSocketStream.open(addressOf(ws!)));
        open.use(await connectTls(addressOf(tls!)));
      }
    };
    await ask(24);
    await fixture.until(({ stats, processes }) =>
      stats.clientsOver.ws === 24 && stats.clientsOver.tls === 24 &&
      processes!.every(({ clients }) => clients > 0)
    );
    fixture.process.kill("SIGHUP");
    await eventually(() =>
      fixture.process.stderr.includes("the certificates are read again")
    );
    await ask(1);
    await fixture.until(({ stats }) => stats.clientsOver.tls === 25);
  },
});

Deno.test({
  name: "several processes serve with the permissions that the README names",
  ignore,
  async fn() {
    await using gateway = await startProcess(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt"],
        ...[...PERMISSIONS.gateway, "--allow-run", GATEWAY_MAIN],
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-port", "0", "--processes", "2"],
      ],
      ready: GATEWAY_READY,
    });
    gateway.kill("SIGTERM");
    assertEquals((await gateway.finished()).code, 0);
    assertEquals(gateway.stderr.match(/ended: exit code 0/g)?.length, 2);
  },
});

Deno.test({
  name:
    "what keeps a gateway from serving from several processes is told in one line",
  ignore,
  async fn() {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const local = [
      ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
      ...["--inner-port", "0", "--processes", "2", "--bind-timeout", "0"],
    ];
    const run = (permissions: readonly string[], ...flags: string[]) =>
      runProcess(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-prompt", ...permissions, GATEWAY_MAIN],
          ...[...local, ...flags],
        ],
      });
    const net = ["--allow-net", "--allow-read", "--allow-sys"];
    for (
      const [permissions, flags, code, words] of [
        [net, [], 1, "without --allow-env, by which they know what they are"],
        [[...net, "--allow-env"], [], 1, "without --allow-run, to start them"],
        [["-A"], ["--processes", "100"], 2, "a whole number from 0 to 99"],
        [
          ["-A"],
          ["--outer-port", `${taken.addr.port}`],
          1,
          `Cannot listen for clients at 127.0.0.1:${taken.addr.port}: the address is in use`,
        ],
        [
          ["-A"],
          ["--inner-own-port", `${taken.addr.port}`],
          1,
          `Cannot listen for workers of process 1 (innerOwnPort) at 127.0.0.1:${taken.addr.port}`,
        ],
        [
          ["-A"],
          ["--inner-own-port", "65535"],
          2,
          "Option innerOwnPort must be at most 65534 for 2 processes",
        ],
        [
          ["-A"],
          ["--node-id", "2147483647"],
          2,
          "Option nodeId must be at most 2147483646 for 2 processes",
        ],
        [
          ["-A"],
          ["--inner-advertise", "10.0.0.1:65535"],
          2,
          "Option innerAdvertise with its port must be at most 65534",
        ],
      ] as const
    ) {
      const finished = await run(permissions, ...flags);
      assertEquals([finished.code, finished.stdout], [code, []]);
      assertMatch(finished.stderr, /^maple gateway: [^\n]+\n$/);
      assertStringIncludes(finished.stderr, words);
    }
  },
});

Deno.test({
  name:
    "a process that cannot start ends the gateway, and none is said to be started in its place",
  ignore,
  async fn() {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt"],
        ...[...PERMISSIONS.gateway, "--allow-run", GATEWAY_MAIN],
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-port", "0", "--processes", "2", "--io", "epoll"],
      ],
    });
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "it needs --allow-ffi");
    assertMatch(stderr, /gateway \d \(pid \d+\) has not started/);
    assertEquals(/starting another/.test(stderr), false, stderr);
  },
});
