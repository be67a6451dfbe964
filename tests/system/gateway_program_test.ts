// The gateway as the program that users run: its command line, config file, log, signals and exit
// codes.

import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Box, TaskCmd, TcpClient } from "@maple/box";
import config from "../../gateway/deno.json" with { type: "json" };
import { FLAGS } from "../../gateway/setting_table.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_ARGS,
  GATEWAY_MAIN,
  GATEWAY_READY,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { type Address, RawPeer } from "../helpers/raw_peer.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";
import { type Finished, runProcess, startProcess } from "../helpers/process.ts";

// A run that should end by itself.
function run(...flags: string[]): Promise<Finished> {
  return runProcess(Deno.execPath(), { args: [...GATEWAY_ARGS, ...flags] });
}

function assertOneLine(text: string, includes: string): void {
  assertMatch(text, /^maple gateway: [^\n]+\n$/);
  assertStringIncludes(text, includes);
}

function connect({ outer }: GatewayProcess) {
  return connectTo(outer);
}

async function connectTo({ hostname, port }: Address) {
  const client = new TcpClient(Box, hostname, port, { timeout: 10 });
  await client.connect();
  return client;
}

async function withTempDir(
  work: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "maple-test-" });
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the gateway program serves WebSockets where it is told to, and says where", async () => {
  await using gateway = await startGatewayProcess([
    ...["--ws-port", "0", "--ws-path", "/play", "--ws-origins", "http://a.b"],
  ]);
  await using _worker = await EchoWorker.attach(gateway.inner);
  const frame = new Box({ cmd: 1, body: "hello" }).pack();
  using stream = await WebSocketStream.open({
    hostname: "127.0.0.1",
    port: gateway.wsPort,
  }, {
    path: "/play",
    headers: { Origin: "http://a.b" },
  });
  await stream.write(frame);
  assertEquals((await stream.nextFrame())?.payload, frame);
  for (
    const [flags, words] of [
      [["--ws-origins", "a.b"], "--ws-origins takes origins such as https://"],
      [["--ws-path", "play"], "--ws-path takes a path such as /play, or *"],
      [["--ws-port", "65536"], "--ws-port takes a whole number from 0 to"],
      [["--outer-port", "5", "--ws-port", "5"], "must differ, got 5 for both"],
    ] as const
  ) {
    const { code, stderr } = await run(...flags);
    assertEquals(code, 2);
    assertOneLine(stderr, words);
  }
});

Deno.test("the gateway program serves, and prints nothing but the ready line to stdout", async () => {
  await using gateway = await startGatewayProcess(["--node-id", "7"]);
  await using worker = await EchoWorker.attach(gateway.inner);
  await using client = await connect(gateway);
  await client.write({ cmd: 1, sn: 2, body: "through a process" });
  const reply = await client.read();
  assertEquals([reply?.sn, reply?.text()], [2, "through a process"]);
  assertEquals(worker.tasks.map((task) => task.nodeId), [7, 7]);
  client.close();
  gateway.process.kill("SIGTERM");
  assertEquals((await gateway.process.finished()).code, 0);
  assertEquals(gateway.process.stdout.length, 1);
  assertMatch(gateway.process.stdout[0]!, GATEWAY_READY);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`the gateway program stops in order at ${signal}, exit code 0`, async () => {
    await using gateway = await startGatewayProcess();
    await using worker = await EchoWorker.attach(gateway.inner);
    await using client = await connect(gateway);
    await client.write({ cmd: 1 });
    assert(await client.read());
    gateway.process.kill(signal);
    assertEquals(await client.read(), null);
    assertEquals((await gateway.process.finished()).code, 0);
    assertStringIncludes(gateway.process.stderr, `${signal}: leaving`);
    assertMatch(gateway.process.stderr, / closed\n$/);
    assertEquals(worker.tasks.length >= 2, true);
  });
}

Deno.test("the gateway program closes at once at a second signal, exit code 0", async () => {
  await using gateway = await startGatewayProcess([
    ...["--drain-timeout", "3600", "--log-level", "DEBUG"],
  ]);
  const { process } = gateway;
  await using client = await connect(gateway);
  // The news of it waits, since there is no worker.
  await eventually(() => process.stderr.includes("connected over tcp"));
  process.kill("SIGTERM");
  await eventually(() => process.stderr.includes("SIGTERM: leaving"));
  process.kill("SIGTERM");
  assertEquals(await client.read(), null);
  client.close();
  assertEquals((await process.finished()).code, 0);
  assertStringIncludes(process.stderr, "SIGTERM: closing at once");
  assertMatch(process.stderr, /leaves with \d tasks that were not finished/);
});

Deno.test("the gateway program leaves after --drain-timeout though nobody works", async () => {
  await using gateway = await startGatewayProcess(["--drain-timeout", "0.05"]);
  await using client = await connect(gateway);
  await client.write({ cmd: 1 });
  gateway.process.kill("SIGTERM");
  assertEquals(await client.read(), null);
  client.close();
  assertEquals((await gateway.process.finished()).code, 0);
});

Deno.test("the gateway program with --help tells every flag", async () => {
  const { code, stdout, stderr } = await run("--help");
  assertEquals([code, stderr], [0, ""]);
  const text = stdout.join("\n");
  for (const { name } of FLAGS) assertStringIncludes(text, ` --${name} `);
  // It fits a terminal, and no value is missing.
  for (const line of stdout) assert(line.length <= 100, line);
  assertFalse(text.includes("undefined"));
});

Deno.test("the gateway program knows -h", async () => {
  assertEquals(await run("-h"), await run("--help"));
});

Deno.test("the gateway program with --version prints the version", async () => {
  assertEquals(await run("--version"), {
    code: 0,
    stdout: [config.version],
    stderr: "",
  });
});

const MISTAKES: [string, string[], string][] = [
  ["an unknown flag", ["--port", "1"], "Unknown flag --port; see --help"],
  ["an argument", ["29000"], 'Unexpected argument "29000"; see --help'],
  [
    "a value out of range",
    ["--conns-max", "0"],
    '--conns-max takes a whole number from 1 to 2147483647, got "0"',
  ],
  ["a missing value", ["--config"], "--config needs a value"],
  [
    "a config file that is not there",
    ["--config", "/nowhere/maple.json"],
    'Cannot read the config file "/nowhere/maple.json"',
  ],
];

for (const [what, flags, message] of MISTAKES) {
  Deno.test(`the gateway program refuses ${what} in one line, exit code 2`, async () => {
    const { code, stdout, stderr } = await run(...flags);
    assertEquals([code, stdout], [2, []]);
    assertOneLine(stderr, message);
  });
}

Deno.test("the gateway program takes flags from the environment, and tells of one that is none", async () => {
  await withTempDir(async (directory) => {
    const file = `${directory}/gateway.json`;
    await Deno.writeTextFile(file, '{"nodeId": 1, "connsMax": 7}');
    await using process = await startProcess(Deno.execPath(), {
      args: [...GATEWAY_ALL_ARGS, "--outer-port", "0", "--node-id", "5"],
      env: {
        MAPLE_GATEWAY_CONFIG: file,
        MAPLE_GATEWAY_OUTER_HOST: "127.0.0.1",
        MAPLE_GATEWAY_OUTER_PORT: "1",
        MAPLE_GATEWAY_INNER_PORT: "0",
        MAPLE_GATEWAY_NODE_ID: "4",
        MAPLE_GATEWAY_LOG_LEVEL: "debug",
        MAPLE_GATEWAY_CON_TIMEOUT: "5m",
      },
      ready: GATEWAY_READY,
    });
    const [, outerHost, outerPort, hostname, innerPort] = process.ready!;
    const at = { hostname: hostname!, port: Number(innerPort) };
    await using worker = await EchoWorker.attach(at);
    await using client = await connectTo({
      hostname: outerHost!,
      port: Number(outerPort),
    });
    await client.write({ cmd: 1 });
    assert(await client.read());
    assertEquals(worker.tasks[0]?.nodeId, 5);
    process.kill("SIGHUP");
    await eventually(() => process.stderr.includes("nothing changed"));
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    assertMatch(process.stderr, / DEBUG /);
    const remarks = process.stderr.match(
      /WARN .* MAPLE_GATEWAY_CON_TIMEOUT .*/g,
    );
    assertEquals(remarks?.length, 1, process.stderr);
    assertStringIncludes(
      remarks![0],
      "is MAPLE_GATEWAY_CONN_TIMEOUT meant?",
    );
  });
});

Deno.test("the gateway program with --check-config tells what is set, and listens nowhere", async () => {
  await withTempDir(async (directory) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const file = `${directory}/gateway.json`;
    const logFile = `${directory}/gateway.log`;
    const text = JSON.stringify(
      {
        outerPort: port,
        outerHost: "127.0.0.1",
        frameBytes: "2MiB",
        connsMax: 10_000,
        cluster: "nats://user:word@127.0.0.1:4222",
        logFile,
      },
      null,
      2,
    );
    await Deno.writeTextFile(file, text);
    const { code, stdout, stderr } = await run(
      ...["--config", file, "--linger", "1m", "--io", "deno"],
      "--check-config",
    );
    assertEquals([code, stderr], [0, ""]);
    const place = (line: number) =>
      `(line ${line} of the config file "${file}")`;
    assertEquals(stdout, [
      `outerHost = 127.0.0.1 ${place(3)}`,
      `outerPort = ${port} ${place(2)}`,
      `frameBytes = 2097152 ${place(4)}`,
      "linger = 60 (--linger)",
      `cluster = nats://***@127.0.0.1:4222 ${place(6)}`,
      `logFile = ${logFile} ${place(7)}`,
      "who may come to the inner port: all of 127.0.0.1",
      "all can be used; 6 differ from their defaults",
    ]);
    await assertRejects(() => Deno.stat(logFile), Deno.errors.NotFound);

    await Deno.writeTextFile(file, text.replace('"2MiB"', '"2MB"'));
    const wrong = await run("--config", file, "--check-config");
    assertEquals([wrong.code, wrong.stdout], [2, []]);
    assertOneLine(
      wrong.stderr,
      `"frameBytes" in line 4 of the config file "${file}" takes a whole number`,
    );
    const missing = `${directory}/none`;
    const noFile = await run("--inner-secret-file", missing, "--check-config");
    assertEquals([noFile.code, noFile.stdout], [2, []]);
    assertOneLine(noFile.stderr, missing);
  });
});

Deno.test("the gateway program tells a port in use in one line, exit code 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);
  const { code, stdout, stderr } = await run(
    ...["--inner-port", "0", "--outer-host", "127.0.0.1"],
    ...["--outer-port", port, "--bind-timeout", "0"],
  );
  assertEquals([code, stdout], [1, []]);
  assertOneLine(
    stderr,
    `Cannot listen for clients at 127.0.0.1:${port}: the address is in use`,
  );
});

Deno.test("the gateway program tells a log file that cannot be written, exit code 1", async () => {
  const { code, stdout, stderr } = await run("--log-file", "/dev/null/x.log");
  assertEquals([code, stdout], [1, []]);
  assertOneLine(stderr, "/dev/null/x.log");
});

Deno.test("the gateway program reads a JSON file, and flags beat it", async () => {
  await withTempDir(async (directory) => {
    const file = `${directory}/gateway.json`;
    await Deno.writeTextFile(
      file,
      JSON.stringify({ outerPort: 1, nodeId: 5, connsMax: 1 }),
    );
    await using gateway = await startGatewayProcess(["--config", file]);
    await using worker = await EchoWorker.attach(gateway.inner);
    await using client = await connect(gateway);
    await client.write({ cmd: 1 });
    assert(await client.read());
    assertEquals(worker.tasks[0]?.nodeId, 5);
    await using refused = await connect(gateway);
    assertEquals(await refused.read(), null);
  });
});

Deno.test("the gateway program reads the original's ini file and says what it ignores", async () => {
  await withTempDir(async (directory) => {
    const file = `${directory}/gateway.ini`;
    await Deno.writeTextFile(
      file,
      [
        "[outer]",
        "host = 127.0.0.1",
        "port = 0",
        "recv_buf_init_size = 1024",
        "recv_buf_max_size = 100",
        "[inner]",
        "port = 0",
        "[log]",
        `log_dir = ${directory}`,
        "file_prefix = gate",
        "log_level = debug",
        "",
      ].join("\n"),
    );
    await using process = await startProcess(Deno.execPath(), {
      args: [...GATEWAY_ARGS, "--config", file],
      ready: GATEWAY_READY,
    });
    const [, hostname, port] = process.ready!;
    await using client = await RawPeer.connect(Box, {
      hostname: hostname!,
      port: Number(port),
    });
    await client.sendBytes(new Box({ body: new Uint8Array(77) }).pack());
    assertEquals(await client.nextFrame(), null);
    process.kill("SIGTERM");
    await process.finished();
    const log = await Deno.readTextFile(`${directory}/gate.log`);
    assertMatch(
      log,
      /WARN .* sets what has no meaning here: outer.recv_buf_init_size \(line 4\)\n/,
    );
    assertMatch(log, /WARN .* 101 bytes are above the limit of 100 bytes/);
    assertMatch(
      log,
      /DEBUG .* client 1 at 127\.0\.0\.1:\d+ connected over tcp\n/,
    );
    assertEquals(process.stderr, "");
  });
});

// As a push service had it in 2015, but for the names.
const DEPLOYED = `[outer]
host=0.0.0.0
port=29100
backlog=512

recv_buf_init_size=1024
recv_buf_max_size=-1

conn_timeout_check_interval=10
conn_timeout=180
conns_maxsize=500000

[inner]
host=0.0.0.0
port=28100
backlog=512

recv_buf_init_size=1024
recv_buf_max_size=-1

conns_maxsize=-1

[log]
log_level=error
log_dir=logs
file_prefix=push_gw
file_max_size=1024
file_max_num=20

[stat]
file_name=push_stat
`;

Deno.test("the gateway program starts with the file of a deployment of the original", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(`${directory}/gw.ini`, DEPLOYED);
    await using process = await startProcess(Deno.execPath(), {
      args: [
        ...GATEWAY_ARGS,
        ...["-c", "gw.ini"],
        // So that tests can run beside each other.
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
      ],
      cwd: directory,
      ready: GATEWAY_READY,
    });
    const [, hostname, outer, , inner] = process.ready!;
    await using _worker = await EchoWorker.attach({
      hostname: hostname!,
      port: Number(inner),
    });
    await using client = new TcpClient(Box, hostname!, Number(outer), {
      timeout: 30,
    });
    await client.connect();
    // Above the default of a frame: there is no limit.
    await client.write({ cmd: 1, body: new Uint8Array(3 * 1024 * 1024) });
    assertEquals((await client.read())?.body.length, 3 * 1024 * 1024);
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    const log = await Deno.readTextFile(`${directory}/logs/push_gw.log`);
    assertMatch(
      log,
      /WARN .* log\.file_max_size = 1024 in line \d+ of the config file "gw\.ini" is taken as 1024 MiB/,
    );
    assertMatch(
      log,
      /WARN .* has no meaning here: outer\.recv_buf_init_size \(line \d+\), outer\.conn_timeout_check_interval \(line \d+\), inner\.backlog \(line \d+\), inner\.recv_buf_init_size \(line \d+\)\n/,
    );
    assertStringIncludes(
      await Deno.readTextFile(`${directory}/push_stat`),
      '"state":"closed"',
    );
    assertEquals(process.stderr, "");
  });
});

Deno.test("the gateway program waits for the port of one that is leaving", async () => {
  await using first = await startGatewayProcess(["--drain-timeout", "3600"]);
  await using worker = await RawWorker.attach(first.inner);
  await using client = await connect(first);
  await client.write({ cmd: 1 });
  // What it holds keeps the gateway until a second signal.
  await worker.pull(TaskCmd.CLIENT_CREATED);
  await worker.pull(TaskCmd.CLIENT_REQ);
  first.process.kill("SIGTERM");
  await eventually(() => first.process.stderr.includes("SIGTERM: leaving"));
  await using second = await startProcess(Deno.execPath(), {
    args: [
      ...GATEWAY_ARGS,
      ...["--outer-host", "127.0.0.1", "--bind-timeout", "60"],
      ...["--outer-port", String(first.outerPort)],
      ...["--inner-port", String(first.innerPort)],
    ],
  });
  await eventually(() => second.stderr.includes("trying again for up to 60 s"));
  first.process.kill("SIGTERM");
  await second.line(GATEWAY_READY);
  const waits = second.stderr.match(/the address is in use/g) ?? [];
  assertEquals(waits.length, 1, second.stderr);
  await using _worker = await EchoWorker.attach(first.inner);
  await using again = await connect(first);
  await again.write({ cmd: 1, body: "served" });
  assertEquals((await again.read())?.text(), "served");
});

Deno.test({
  name:
    "the gateway program reloads at HUP: opens the log again, changes what it can, goes on serving",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withTempDir(async (directory) => {
      const config = `${directory}/gateway.json`;
      const logFile = `${directory}/gateway.log`;
      const write = (settings: unknown) =>
        Deno.writeTextFile(config, JSON.stringify(settings));
      const log = (file = logFile) => Deno.readTextFile(file).catch(() => "");
      const said = (what: string) =>
        eventually(async () => (await log()).includes(what), { what });
      await write({ logFile, connsMax: 1, queueMax: 50 });
      await using gateway = await startGatewayProcess(["--config", config]);
      await using _worker = await EchoWorker.attach(gateway.inner);
      await using client = await connect(gateway);
      const asks = async () => {
        await client.write({ cmd: 1, body: "x" });
        assertEquals((await client.read())?.text(), "x");
      };
      await asks();

      await Deno.rename(logFile, `${logFile}.old`);
      await using refused = await connect(gateway);
      assertEquals(await refused.read(), null);
      await write({ logFile, connsMax: 2, queueMax: 60, logLevel: "debug" });
      gateway.process.kill("SIGHUP");
      await said(
        "INFO  gateway[" + gateway.process.pid +
          "] SIGHUP: the log is opened again; changed: connsMax 1 -> 2, logLevel INFO -> DEBUG; only a restart changes queueMax 50 -> 60\n",
      );
      await asks();
      await using other = await connect(gateway);
      await other.write({ cmd: 1, body: "let in" });
      assertEquals((await other.read())?.text(), "let in");
      await said("DEBUG ");
      assertFalse((await log(`${logFile}.old`)).includes("SIGHUP"));

      await Deno.writeTextFile(config, "{");
      gateway.process.kill("SIGHUP");
      await said(
        `SIGHUP: the log is opened again, all settings stay as they are: Line 1 of the config file "${config}" is no JSON`,
      );
      await asks();

      await write({ logFile, connsMax: 2, queueMax: 50, logLevel: "error" });
      gateway.process.kill("SIGHUP");
      await said(
        "SIGHUP: the log is opened again; changed: logLevel DEBUG -> ERROR\n",
      );
      gateway.process.kill("SIGHUP");
      await said("SIGHUP: the log is opened again; nothing changed\n");
      await asks();
      assertEquals(gateway.process.stderr, "");
    });
  },
});

Deno.test("the gateway program puts full log files aside and keeps some", async () => {
  await withTempDir(async (directory) => {
    const file = `${directory}/gateway.log`;
    await using gateway = await startGatewayProcess([
      ...["--log-file", file, "--log-level", "DEBUG"],
      ...["--log-file-max-bytes", "2000", "--log-file-max-count", "2"],
    ]);
    await using _worker = await EchoWorker.attach(gateway.inner);
    // Each tells two lines of about a hundred bytes.
    for (let i = 0; i < 60; i++) {
      await using client = await connect(gateway);
      await client.write({ cmd: 1 });
      assert(await client.read());
    }
    gateway.process.kill("SIGTERM");
    assertEquals((await gateway.process.finished()).code, 0);
    const names = (await Array.fromAsync(Deno.readDir(directory)))
      .map(({ name }) => name).toSorted();
    assertEquals(names, ["gateway.log", "gateway.log.1", "gateway.log.2"]);
    for (const name of names) {
      const { size } = await Deno.stat(`${directory}/${name}`);
      assert(size <= 2000, `${name} has ${size} bytes`);
    }
    assertMatch(await Deno.readTextFile(file), / closed\n$/);
    assertEquals(gateway.process.stderr, "");
  });
});

Deno.test("the gateway program logs to stderr with time, level, role and process id", async () => {
  await using gateway = await startGatewayProcess();
  const { process } = gateway;
  await eventually(() => process.stderr.includes("\n"));
  assertMatch(
    process.stderr,
    new RegExp(
      `^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}[+-]\\d\\d:\\d\\d INFO  gateway\\[${process.pid}\\] listening for clients at 127\\.0\\.0\\.1:${gateway.outerPort}, `,
    ),
  );
});

Deno.test("importing the gateway does nothing", async () => {
  const finished = await runProcess(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      `const names = Object.keys(await import(${
        JSON.stringify(GATEWAY_MAIN)
      })); console.log(names.join());`,
    ],
  });
  assertEquals(finished, {
    code: 0,
    stdout: ["Gateway,GatewayError"],
    stderr: "",
  });
});

Deno.test({
  name:
    "the gateway program keeps descriptors for workers when silent clients want all of them",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using process = await startProcess("bash", {
      args: [
        "-c",
        'ulimit -n 256; exec "$0" "$@"',
        Deno.execPath(),
        ...GATEWAY_ALL_ARGS,
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
        ...["--metrics", "0"],
      ],
      ready: GATEWAY_READY,
    });
    const [, hostname, outer, , inner] = process.ready!;
    await eventually(() =>
      process.stderr.includes("metrics and dashboard at http")
    );
    assertMatch(
      process.stderr,
      /WARN .* lets this process open 256 files: connsMax is 96 instead of 10000, innerConnsMax is 32 instead of 1000; /,
    );
    const at = (port: string) => ({ hostname: hostname!, port: Number(port) });
    await using _worker = await EchoWorker.attach(at(inner!));
    await using first = await connectTo(at(outer!));
    const asks = async () => {
      await first.write({ cmd: 1, body: "served" });
      assertEquals((await first.read())?.text(), "served");
    };
    await asks();
    const silent: RawPeer[] = [];
    try {
      for (let i = 0; i < 400; i++) {
        silent.push(await RawPeer.connect(Box, at(outer!)));
      }
      // As many as there is room for are held, the others closed.
      let refused = 0;
      for (const peer of silent) {
        void peer.nextFrame(60_000).then(() => refused++, () => {});
      }
      await eventually(() => refused >= 400 - 96);
      await using _late = await EchoWorker.attach(at(inner!));
      await asks();
      const url = /metrics and dashboard at (\S+)/.exec(process.stderr)![1]!;
      const { limits, stats } = await (await fetch(`${url}stats.json`)).json();
      assertEquals([limits.connsMax, limits.innerConnsMax], [96, 32]);
      assertEquals(stats.workers, 2);
      assertFalse(process.stderr.includes("Too many open files"));
    } finally {
      await Promise.all(silent.map((peer) => peer[Symbol.asyncDispose]()));
    }
  },
});
