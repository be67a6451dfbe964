// The viewer as the program that users run, beside a gateway as the program that users run.

import { PERMISSIONS } from "../../helpers/permissions.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Box, type BoxFields, TcpClient } from "@maple/box";
import config from "../../../gateway/deno.json" with { type: "json" };
import { columnsOf } from "../../../gateway/stat/cells.ts";
import { EchoWorker } from "../../helpers/echo_worker.ts";
import { eventually } from "../../helpers/eventually.ts";
import {
  GATEWAY_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../../helpers/gateway_process.ts";
import { pathOf } from "../../helpers/paths.ts";
import {
  type Finished,
  type RunningProcess,
  runProcess,
  startProcess,
} from "../../helpers/process.ts";
import { reportWith } from "./stat_report.ts";

const VIEWER = [
  "run",
  "--quiet",
  "--no-prompt",
  ...PERMISSIONS.stat,
  pathOf("../../gateway/stat.ts"),
];

function view(...flags: string[]): Promise<Finished> {
  return runProcess(Deno.execPath(), { args: [...VIEWER, ...flags] });
}

// A gateway that writes a stat file, a worker, and a client that sends without pause.
class Scene implements AsyncDisposable {
  readonly file: string;
  readonly gateway: GatewayProcess;
  readonly #stack: AsyncDisposableStack;
  #ending = false;

  private constructor(
    file: string,
    gateway: GatewayProcess,
    stack: AsyncDisposableStack,
  ) {
    this.file = file;
    this.gateway = gateway;
    this.#stack = stack;
  }

  static async start(): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "maple-test-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const file = `${folder}/stat.json`;
    const gateway = stack.use(await startGatewayProcess(["--stat-file", file]));
    stack.use(await EchoWorker.attach(gateway.inner));
    const { hostname, port } = gateway.outer;
    const client = stack.use(
      new TcpClient(Box, hostname, port, { timeout: 10 }),
    );
    await client.connect();
    const scene = new Scene(file, gateway, stack.move());
    const load = scene.#load(client);
    scene.#stack.defer(() => load);
    return scene;
  }

  async #load(client: TcpClient<BoxFields>): Promise<void> {
    while (!this.#ending) {
      await client.write({ cmd: 1001, body: "x" });
      // The gateway may be stopped before the client.
      if (!await client.read()) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    await this.#stack[Symbol.asyncDispose]();
  }
}

Deno.test("maple stat --once and --json show a gateway under load", async () => {
  await using scene = await Scene.start();
  const [once, json] = await Promise.all([
    view("-f", scene.file, "--once"),
    view("--file", scene.file, "--json", "--interval", "0.5"),
  ]);
  assertEquals([once.code, once.stderr], [0, ""]);
  assertMatch(once.stdout[0]!, /^maple gateway .* serving .*pid \d+/);
  const [, rate] = /^requests\/s +([\d,.]+) /m.exec(once.stdout.join("\n"))!;
  assert(Number(rate!.replaceAll(",", "")) > 0, once.stdout.join("\n"));
  assertMatch(once.stdout.join("\n"), /^1001 +[\d,.]+ /m);
  for (const line of once.stdout) assert(columnsOf(line) <= 80, line);

  assertEquals([json.code, json.stderr, json.stdout.length], [0, "", 1]);
  const report = JSON.parse(json.stdout[0]!);
  assertEquals(report.format, "maple-gateway-stats");
  assertEquals(report.stats.pid, scene.gateway.process.pid);
  assertEquals(report.stats.clients, 1);
  assert(report.rates.seconds > 0);
  assert(report.rates.perSecond.clientFrames > 0);
  assert(report.rates.workTime.p50 > 0);
  assert(report.rates.workTime.p99 >= report.rates.workTime.p50);
  assertEquals(report.rates.commands[0].cmd, 1001);
});

Deno.test("maple stat -l 1 prints the original's lines once and ends", async () => {
  await using scene = await Scene.start();
  await eventually(async () => {
    const { stats } = JSON.parse(await Deno.readTextFile(scene.file));
    return stats.commands.length > 0;
  });
  const { code, stdout, stderr } = await view("-f", scene.file, "-l", "1");
  assertEquals([code, stderr], [0, ""]);
  const figures = stdout.map((line) => /^([A-Z0-9_]+): (\d+)$/.exec(line)!);
  assertEquals(figures.map(([, name]) => name), [
    ...["CLIENTS", "AUTHED_CLIENTS", "TRIGGERS", "WORKERS", "IDLE_WORKERS"],
    ...["CLIENT_PENDING_MSGS", "WORKER_PENDING_MSGS", "CMD_CLIENT_REQ"],
    ...["CMD_CLIENT_CREATED", "CMD_CLIENT_CLOSED", "CMD_WRITE_TO_WORKER"],
    ...["CMD_WORKER_ASK_FOR_TASK", "CMD_WRITE_TO_CLIENT"],
    ...["CMD_WRITE_TO_USERS", "CMD_CLOSE_CLIENT", "CMD_CLOSE_USERS"],
    ...["CMD_LOGIN_CLIENT", "CMD_LOGOUT_CLIENT", "CMD_CLEAR_CLIENT_TASKS"],
    "CMD_JOIN_GROUPS",
    "CMD_LEAVE_GROUPS",
    "CMD_WRITE_TO_GROUPS",
    "CMD_CLOSE_GROUPS",
    "CMD_QUERY",
    "CMD_BAN",
    "CMD_DRAIN",
    ...["10_MS", "30_MS", "50_MS", "100_MS", "300_MS", "500_MS", "1_S"]
      .map((time) => `TASK_TIME_${time}`),
    ...["3_S", "5_S", "10_S", "MORE"].map((time) => `TASK_TIME_${time}`),
  ]);
  const of = new Map(figures.map(([, name, count]) => [name, Number(count)]));
  assertEquals([of.get("CLIENTS"), of.get("WORKERS")], [1, 1]);
  assertEquals(of.get("CMD_CLIENT_CREATED"), 1);
  assert(of.get("CMD_CLIENT_REQ")! > 0);
  assert(of.get("CMD_WORKER_ASK_FOR_TASK")! > 0);
  assert(of.get("CMD_WRITE_TO_CLIENT")! > 0);
  const times = figures.filter(([, name]) => name!.startsWith("TASK_TIME_"))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
  assert(times > 0);
});

Deno.test("the gateway program writes a last report when it leaves", async () => {
  await using scene = await Scene.start();
  scene.gateway.process.kill("SIGTERM");
  assertEquals((await scene.gateway.process.finished()).code, 0);
  const report = JSON.parse(await Deno.readTextFile(scene.file));
  assertEquals(report.stats.state, "closed");
  const { code, stdout, stderr } = await view("-f", scene.file, "--once");
  assertEquals([code, stdout], [1, []]);
  assertMatch(stderr, /^maple stat: The gateway has closed, at [^\n]+\n$/);
});

Deno.test("the gateway program does not start with a stat file that it cannot write", async () => {
  const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
    args: [
      ...GATEWAY_ARGS,
      ...["--outer-port", "0", "--inner-port", "0", "--log-level", "ERROR"],
      ...["--stat-file", "/nowhere/at/all.json"],
    ],
  });
  assertEquals([code, stdout], [1, []]);
  assertMatch(
    stderr,
    /^maple gateway: Cannot write the stat file \/nowhere\/at\/all.json: [^\n]+\n$/,
  );
});

const stale = reportWith({ report: { time: "2026-01-01T00:00:00.000Z" } });
const UNFIT: readonly [what: string, text: string | null, message: string][] = [
  ["missing", null, "There is no "],
  ["stale", JSON.stringify(stale), "The gateway is gone: "],
  ["broken", JSON.stringify(stale).slice(0, 400), " is broken: "],
  ["of another format", '{"name":"x"}', " is no stat file of a gateway"],
];

for (const [what, text, message] of UNFIT) {
  Deno.test(`maple stat ends with 1 and one line when the file is ${what}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "maple-test-" });
    try {
      const file = `${folder}/stat.json`;
      if (text !== null) await Deno.writeTextFile(file, text);
      const ends = await Promise.all(
        ["--once", "--json", "--lines=1"].map((flag) => view("-f", file, flag)),
      );
      for (const { code, stdout, stderr } of ends) {
        assertEquals([code, stdout], [1, []]);
        assertMatch(stderr, /^maple stat: [^\n]+\n$/);
        assertStringIncludes(stderr, message);
        assertStringIncludes(stderr, file);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("maple stat tells its flags and its version, and ends with 2 after bad use", async () => {
  const [help, version, ...mistakes] = await Promise.all([
    view("--help"),
    view("--version"),
    view(),
    view("-f"),
    view("-f", "x", "--once", "--json"),
    view("-f", "x", "--interval", "0"),
    view("-f", "x", "y"),
    view("-f", "x"),
  ]);
  assertEquals([help!.code, version!.code], [0, 0]);
  for (const flag of ["-f, --file", "--once", "--json", "--interval"]) {
    assertStringIncludes(help!.stdout.join("\n"), flag);
  }
  assertEquals(version!.stdout, [config.version]);
  const messages = [
    "-f FILE is missing",
    "Flag --file needs a value",
    "--once, --json and --lines exclude each other",
    "--interval takes a number from 0.1 to 3600",
    'Unexpected argument "y"',
    "stdout is no terminal: use --once or --json",
  ];
  for (const [i, { code, stdout, stderr }] of mistakes.entries()) {
    assertEquals([code, stdout], [2, []]);
    assertMatch(stderr, /^maple stat: [^\n]+\n$/);
    assertStringIncludes(stderr, messages[i]!);
  }
});

// The viewer in a pseudo terminal.
class Screen implements AsyncDisposable {
  readonly #process: RunningProcess;

  private constructor(process: RunningProcess) {
    this.#process = process;
  }

  static async start(
    file: string,
    env: Record<string, string> = {},
  ): Promise<Screen> {
    const command = [Deno.execPath(), ...VIEWER, "-f", file];
    return new Screen(
      await startProcess("python3", {
        args: [
          pathOf("../gateway/stat/stat_pty.py"),
          ...command,
          ...["--interval", "0.2"],
        ],
        env: { TERM: "xterm", ...env },
      }),
    );
  }

  /** All that the viewer wrote. */
  get text(): string {
    return this.#process.stdout.map((line) => JSON.parse(line).output ?? "")
      .join("");
  }

  /** The lines of the last whole picture, without colours. */
  get lines(): string[] {
    const pictures = this.text.split("\x1b[H");
    const whole = pictures.slice(1).at(-2) ?? "";
    // The terminal may add a carriage return of its own.
    return whole.split(/\r+\n/)
      // deno-lint-ignore no-control-regex -- what a terminal is steered by
      .map((line) => line.replaceAll(/\x1b\[[?\d;]*[A-Za-z]/g, ""));
  }

  /** Waits until the lines are so. */
  until(condition: (lines: string[]) => boolean, what: string): Promise<void> {
    return eventually(() => condition(this.lines), { what, timeout: 20_000 })
      .catch((error) => {
        throw new Error(`${error.message}; it is\n${this.lines.join("\n")}`);
      });
  }

  async tell(line: string): Promise<void> {
    await this.#process.write(line);
  }

  /** How it ended. */
  async ended(): Promise<{ code: number; restored: boolean }> {
    const { code } = await this.#process.finished();
    assertEquals([code, this.#process.stderr], [0, ""]);
    return JSON.parse(this.#process.stdout.at(-1)!);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

async function hasPython(): Promise<boolean> {
  try {
    return (await runProcess("python3", { args: ["--version"] })).code === 0;
  } catch {
    return false;
  }
}

const noPython = Deno.build.os === "windows" || !await hasPython();
if (noPython) console.log("the live viewer is not tested: no python3 here");

const isFull = (lines: string[], columns: number) =>
  lines.some((line) => /^requests\/s +[\d,.]+ .*[▁-█]/.test(line)) &&
  Math.max(...lines.map(columnsOf)) === columns;

Deno.test({
  name: "maple stat fills the terminal, follows its size, and q puts it back",
  ignore: noPython,
  fn: async () => {
    await using scene = await Scene.start();
    await using screen = await Screen.start(scene.file, { NO_COLOR: "" });
    await screen.until((lines) => isFull(lines, 80), "a picture of 80 columns");
    assert(screen.lines.length <= 24);
    assertStringIncludes(screen.text, "\x1b[?1049h");
    assertStringIncludes(screen.text, "\x1b[32m");
    assertEquals(screen.text.includes("\x1b[?1049l"), false);
    await screen.tell("size 60 16");
    await screen.until((lines) => isFull(lines, 60), "a picture of 60 columns");
    assert(screen.lines.length <= 16);
    await screen.tell("size 100 40");
    await screen.until((lines) => isFull(lines, 100), "one of 100 columns");
    await screen.tell("keys x");
    await screen.tell("keys q");
    assertEquals(await screen.ended(), { code: 0, restored: true });
    assert(screen.text.endsWith("\x1b[?25h\x1b[?1049l"));
  },
});

Deno.test({
  name: "maple stat goes on looking when the gateway is gone and comes back",
  ignore: noPython,
  fn: async () => {
    await using scene = await Scene.start();
    const text = await Deno.readTextFile(scene.file);
    const other = `${scene.file}.other`;
    await using screen = await Screen.start(other);
    const says = (pattern: RegExp) =>
      screen.until(
        (lines) => lines.some((line) => pattern.test(line)),
        `${pattern}`,
      );
    await says(/^There is no /);
    await Deno.writeTextFile(other, text.slice(0, 99));
    await says(/ is broken: /);
    await Deno.symlink(scene.file, `${other}.link`);
    await Deno.rename(`${other}.link`, other);
    await says(/^maple gateway \S+ {2}serving /);
    await says(/^requests\/s +[\d,.]+ /);
    scene.gateway.process.kill("SIGTERM");
    await says(/^The gateway has closed, at /);
    await says(/^requests\/s +- /);
    // No colours: NO_COLOR is set.
    // deno-lint-ignore no-control-regex -- what a terminal is steered by
    assertEquals(/\x1b\[[\d;]*m/.test(screen.text), false);
    // Ctrl-C
    await screen.tell("keys \\x03");
    assertEquals(await screen.ended(), { code: 0, restored: true });
    assert(screen.text.endsWith("\x1b[?25h\x1b[?1049l"));
  },
});
