// The gateway as several processes: one to whoever starts it, looks at it and ends it.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Box, type BoxFields, TcpClient } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Worker } from "@maple/worker";
import type { GatewayReport } from "../../gateway/metrics/report.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { hasOpenssl, localCertificate } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { connectTls } from "../helpers/gateway_fixture.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_MAIN,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { runProcess } from "../helpers/process.ts";
import type { Address } from "../helpers/raw_peer.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";

const ignore = Deno.build.os !== "linux";
const METRICS = ["--metrics", "0"];

type Processes = NonNullable<GatewayReport["processes"]>;

/** A gateway of several processes. */
class Fixture implements AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly status: string;

  private constructor(gateway: GatewayProcess, status: string) {
    this.gateway = gateway;
    this.status = status;
  }

  static async start(...flags: string[]): Promise<Fixture> {
    const gateway = await startGatewayProcess(
      [...METRICS, ...["--drain-timeout", "0", "--processes", "2"], ...flags],
      GATEWAY_ALL_ARGS,
    );
    const { process } = gateway;
    let status: string | undefined;
    await eventually(() => {
      status = /dashboard at (http\S+)\//.exec(process.stderr)?.[1];
      return status !== undefined || flags.includes("--log-file");
    });
    return new Fixture(gateway, status ?? "");
  }

  get process() {
    return this.gateway.process;
  }

  async report(): Promise<GatewayReport> {
    return await (await fetch(`${this.status}/stats.json`)).json();
  }

  /** Waits until the report is as wanted. */
  async until(
    condition: (report: GatewayReport) => boolean,
  ): Promise<GatewayReport> {
    let report: GatewayReport | undefined;
    await eventually(async () => condition(report = await this.report()), {
      what: `${condition}`,
    }).catch((error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(report)}`);
    });
    return report!;
  }

  /** The processes, when both serve. */
  async processes(): Promise<Processes> {
    const { processes } = await this.until(({ processes }) =>
      processes!.length === 2 &&
      processes!.every(({ ready, pid }) => ready && pid !== null)
    );
    return processes!;
  }

  /** Clients, at least one at each process. */
  async clients(others = 0): Promise<Clients> {
    const clients = new Clients(this.gateway.outer);
    await clients.more(16);
    await this.until(({ stats, processes }) =>
      stats.clients === 16 + others &&
      processes!.every(({ clients }) => clients > 0)
    );
    return clients;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process } = this;
    // Killed, it would leave its children behind for as long as they have something to do.
    process.kill("SIGTERM");
    await process.finished();
    await this.gateway[Symbol.asyncDispose]();
  }
}

/** Clients of one address. */
class Clients implements Disposable {
  readonly all: TcpClient<BoxFields>[] = [];
  /** The serial number of the first one's requests, which the worker may take for its uid. */
  firstSn = 0;
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  async more(count: number): Promise<void> {
    const { hostname, port } = this.#address;
    for (let i = 0; i < count; i++) {
      const client = new TcpClient(Box, hostname, port, { timeout: 20 });
      await client.connect();
      this.all.push(client);
    }
  }

  /** Whether each gets its answer, or is cut. */
  async answers(): Promise<boolean[]> {
    return await Promise.all(this.all.map(async (client, i) => {
      const sn = this.firstSn + i;
      try {
        await client.write({ cmd: 1, sn });
        return (await client.read())?.sn === sn;
      } catch {
        return false;
      }
    }));
  }

  get uids(): number[] {
    return this.all.map((_, i) => this.firstSn + i);
  }

  [Symbol.dispose](): void {
    for (const client of this.all) client.close();
  }
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return !/^\d+ \(.*\) Z/.test(stat);
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  await eventually(
    async () => !(await Promise.all(pids.map(isAlive))).includes(true),
    { what: `the end of ${pids}` },
  );
}

// A worker that knows of no list: one at each process.
async function attachToAll(fixture: Fixture): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  for (const { inner } of await fixture.processes()) {
    const [hostname, port] = inner!.split(":");
    const address = { hostname: hostname!, port: Number(port) };
    stack.use(await EchoWorker.attach(address));
  }
  return stack;
}

Deno.test({
  name:
    "a gateway of two processes is one to clients, workers and whoever looks",
  ignore,
  async fn() {
    const statFile = await Deno.makeTempFile();
    await using fixture = await Fixture.start("--stat-file", statFile);
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
      stats.answers === 16
    );
    assertEquals(stats.clients, 16);
    assertEquals(stats.clientsPeak, 16);
    assertEquals(stats.clientsOver.tcp, 16);
    assertEquals(stats.clientFrames, 16);
    assertEquals(stats.pid, process.pid);
    assertEquals(stats.commands.map(({ cmd, count }) => [cmd, count]), [[
      1,
      16,
    ]]);
    assertEquals(stats.workTime.count, stats.acknowledged);
    assertEquals(limits.connsMax, 10_000);
    assertEquals(
      [outer, inner].map((text) => Number(text!.split(":")[1])),
      [gateway.outerPort, gateway.innerPort],
    );
    const text = await (await fetch(`${fixture.status}/metrics`)).text();
    assertMatch(text, /^maple_gateway_clients 16$/m);
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
    assertEquals([last.stats.clientFrames, last.stats.clients], [16, 0]);
  },
});

Deno.test({
  name:
    "a process of a gateway that dies is back at once, and the other goes on",
  ignore,
  async fn() {
    await using fixture = await Fixture.start();
    const before = await fixture.processes();
    using clients = await fixture.clients();
    await using _workers = await attachToAll(fixture);
    assertEquals(await clients.answers(), clients.all.map(() => true));
    await fixture.until(({ stats }) => stats.answers === 16);
    const [first, second] = await fixture.processes();
    Deno.kill(first!.pid!, "SIGKILL");
    const { stats } = await fixture.until(({ processes, stats }) =>
      processes![0]!.ready && processes![0]!.restarts === 1 &&
      processes![0]!.pid !== before[0]!.pid && stats.clients < 16
    );
    // What it had counted is not forgotten, and its clients are gone.
    assertEquals([stats.answers, stats.clients], [16, second!.clients]);
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
    "one worker of the original system serves the clients of all processes of a gateway",
  ignore,
  async fn() {
    await using fixture = await Fixture.start();
    await using worker = await EchoWorker.attach(fixture.gateway.inner);
    using clients = await fixture.clients();
    assertEquals(await clients.answers(), clients.all.map(() => true));
    const { stats } = await fixture.until(({ stats }) => stats.answers === 16);
    assertEquals([stats.workers, stats.clientFrames], [1, 16]);
    const nodes = worker.tasks.map(({ nodeId }) => nodeId);
    assertEquals(new Set(nodes), new Set([0, 1]));
  },
});

Deno.test({
  name:
    "users are those of all processes of a gateway, for a worker that knows one address, also after one has died",
  ignore,
  async fn() {
    await using fixture = await Fixture.start();
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
    using others = await fixture.clients(16 - first!.clients);
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
  fixture: Fixture,
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
  ignore: ignore || !hasOpenssl,
  async fn() {
    const { cert, key } = await localCertificate();
    await using fixture = await Fixture.start(
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
    await ask(16);
    await fixture.until(({ stats, processes }) =>
      stats.clientsOver.ws === 16 && stats.clientsOver.tls === 16 &&
      processes!.every(({ clients }) => clients > 0)
    );
    fixture.process.kill("SIGHUP");
    await eventually(() =>
      fixture.process.stderr.includes("the certificates are read again")
    );
    await ask(1);
    await fixture.until(({ stats }) => stats.clientsOver.tls === 17);
  },
});

Deno.test({
  name:
    "a process of a gateway that stands still is told, and the other goes on",
  ignore,
  async fn() {
    await using fixture = await Fixture.start();
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
        processes![0]!.ready && stats.answers === 16
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
    await using fixture = await Fixture.start("--drain-timeout", "3600");
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
    await using fixture = await Fixture.start();
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
    await using fixture = await Fixture.start();
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
    await using fixture = await Fixture.start(
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
          1,
          "Option innerOwnPort must be at most 65534 for 2 processes",
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
