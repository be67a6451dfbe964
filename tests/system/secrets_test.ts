// Secrets in a run of all programs: they do their work, are changed while all runs, and are in
// nothing that any of them says.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ARGS,
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { runProcess } from "../helpers/process.ts";
import { SecretFile } from "../helpers/secret_file.ts";
import { LifeCmd } from "./programs/life_worker.ts";
import { psColumn, WorkerProcess } from "./worker_process.ts";

const WITHOUT_SIGNALS = Deno.build.os === "windows";

// Each is unlike anything else that could be in an output.
const SECRETS = {
  old: "zq7-old-worker-zq7",
  now: "zq7-new-worker-zq7",
  trigger: "zq7-the-trigger-zq7",
  admin: "zq7-the-admin-zq7",
  monitor: "zq7-the-monitor-zq7",
  wrong: "zq7-wrong-one-zq7",
  broken: "zq7:broken-line-zq7",
  short: "zq7-short-zq7",
};
const MARK = /zq7/;

/** All that was said by anybody. */
class Said {
  readonly #parts: [who: string, text: string][] = [];

  add(who: string, text: string): void {
    this.#parts.push([who, text]);
  }

  /** Whether somebody has said it. */
  has(who: string, pattern: RegExp): boolean {
    return this.#parts.some(([by, text]) => by === who && pattern.test(text));
  }

  assertNoSecret(): void {
    for (const [who, text] of this.#parts) {
      const at = text.search(MARK);
      assert(
        at < 0,
        `${who} tells a secret: ...${
          text.slice(Math.max(0, at - 80), at + 20)
        }`,
      );
    }
  }
}

async function runTrigger(
  { innerPort }: GatewayProcess,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
    args: [
      ...[...runArgs("trigger"), pathOf("../../trigger/mod.ts")],
      ...["write-to-worker", "--cmd", String(LifeCmd.WHO)],
      ...["--port", String(innerPort), ...flags],
    ],
    env,
  });
  return { code, said: [...stdout, stderr].join("\n") };
}

Deno.test({
  name: "secrets are changed in a run of all programs, and nobody tells one",
  ignore: WITHOUT_SIGNALS,
  fn: async () => {
    const said = new Said();
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const { old, now, trigger, admin, monitor, wrong, broken, short } = SECRETS;
    const others = [
      `trigger:${trigger}`,
      `admin:${admin}`,
      `monitor:${monitor}`,
    ];
    const file = stack.use(new SecretFile(`worker:${old}`, ...others));
    const workerFile = stack.use(new SecretFile(`worker:${old}`));
    const triggerFile = stack.use(new SecretFile(`trigger:${trigger}`));
    const [logFile, statFile] = [`${folder}/gateway.log`, `${folder}/stats`];
    const gateway = stack.use(
      await startGatewayProcess([
        ...["--inner-secret-file", file.path, "--log-level", "DEBUG"],
        ...["--log-file", logFile, "--stat-file", statFile],
        ...["--metrics", "127.0.0.1:0"],
      ]),
    );
    const readLog = () => Deno.readTextFileSync(logFile);
    const logged = (pattern: RegExp) =>
      eventually(() => pattern.test(readLog()), {
        timeout: 30_000,
        what: `a line that matches ${pattern}`,
      });

    // By a file, by the environment, by nothing that fits.
    const worker = stack.use(
      await WorkerProcess.start(gateway.inner, {
        ...{ secretFile: workerFile.path, debug: true },
        ...{ name: "by-file", metrics: "127.0.0.1:0" },
      }),
    );
    const byEnv = stack.use(
      await WorkerProcess.start(gateway.inner, {
        ...{ name: "by-env", debug: true },
        env: { MAPLE_INNER_SECRET: `worker:${old}` },
      }),
    );
    const refused = stack.use(
      await WorkerProcess.start(gateway.inner, {
        ...{ waits: false, debug: true, workers: 1 },
        env: { MAPLE_INNER_SECRET: `admin:${admin},worker:${wrong}` },
      }),
    );
    await refused.logged(/does not take the secret of this worker/);
    await logged(/it does not know a secret of role worker/);
    const tooShort = stack.use(
      await WorkerProcess.start(gateway.inner, {
        waits: false,
        env: { MAPLE_INNER_SECRET: `worker:${short}` },
      }),
    );
    assertEquals((await tooShort.finished()).success, false);
    assertMatch(tooShort.stderr, /The secret in line 1 of MAPLE_INNER_SECRET/);

    const client = stack.use(
      new TcpClient(Box, "127.0.0.1", gateway.outerPort, { timeout: 30 }),
    );
    await client.connect();
    const serves = async () => {
      await client.write({ cmd: LifeCmd.WHO });
      return (await client.read())!.json() as { pid: number };
    };
    await serves();
    const byFile = await runTrigger(gateway, [
      "--secret-file",
      triggerFile.path,
    ]);
    assertEquals(byFile, { code: 0, said: "" });
    const unknown = await runTrigger(gateway, [], {
      MAPLE_INNER_SECRET: `trigger:${wrong}`,
    });
    assertEquals(unknown.code, 1);
    said.add("trigger", unknown.said);
    // What somebody tries who has not read the manual.
    const flagged = await runTrigger(gateway, ["--secret", trigger]);
    assertEquals(flagged.code, 2);
    said.add("trigger", flagged.said);

    // A file that cannot be used changes nothing.
    for (const line of [`worker:${broken}`, `worker:${short}`, wrong]) {
      file.write(line);
      gateway.process.kill("SIGHUP");
    }
    file.write(`worker:${now}`);
    file.chmod(0o640);
    gateway.process.kill("SIGHUP");
    await logged(/all settings stay as they are: Others .* \(mode 640\)/);
    await serves();

    // A new one, which the worker with the file gets; then the old one is gone.
    file.write(`worker:${now}`, `worker:${old}`, ...others);
    gateway.process.kill("SIGHUP");
    await logged(
      /SIGHUP: .*secrets are read again \(secrets: 2 of worker, .*; nothing changed/,
    );
    workerFile.write(`worker:${now}`);
    const { started } = worker;
    worker.kill("SIGHUP");
    await worker.logged(/ reloaded: /);
    assert(worker.started.length > started.length);
    file.write(`worker:${now}`, ...others);
    gateway.process.kill("SIGHUP");
    await logged(
      /worker by-env\S* .* is disconnected: its secret of role worker/,
    );
    await byEnv.logged(/does not take the secret of this worker/, 2);
    const { pid } = await serves();
    assert(worker.children.includes(pid));

    // All that is told from outside.
    const [, url] = /metrics and dashboard at (\S+)/.exec(readLog())!;
    for (const path of ["", "metrics", "stats.json", "healthz"]) {
      const answer = await fetch(new URL(path, url));
      said.add(`gateway /${path}`, await answer.text());
    }
    const workerUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(worker.stderr)![0];
    for (const path of ["metrics", "stats.json"]) {
      const answer = await fetch(new URL(path, workerUrl));
      said.add(`worker /${path}`, await answer.text());
    }
    const { stdout: screen } = await runProcess(Deno.execPath(), {
      args: [
        ...[...runArgs("stat"), pathOf("../../gateway/stat.ts")],
        ...["--file", statFile, "--once"],
      ],
    });
    said.add("stat", screen.join("\n"));
    said.add("stat file", Deno.readTextFileSync(statFile));
    const pids = [gateway.process, worker, byEnv, refused].map(({ pid }) => pid)
      .concat(worker.children, byEnv.children);
    for (const pid of pids) said.add("ps", psColumn(pid, "args"));
    for (const process of [worker, byEnv, refused]) process.kill("SIGTERM");
    gateway.process.kill("SIGTERM");
    for (const process of [worker, byEnv, refused, gateway.process]) {
      await process.finished();
      said.add("programs", process.stdout.join("\n") + process.stderr);
    }
    said.add("programs", tooShort.stderr);
    said.add("gateway's log", readLog());

    said.assertNoSecret();
    // That there was something to be told.
    assert(said.has("gateway's log", /DEBUG .*with a secret of role worker/));
    assert(said.has("gateway /stats.json", /"innerUnproven":\{"secret":[1-9]/));
    assert(
      said.has("gateway /metrics", /unproven_total\{cause="secret"\} [1-9]/),
    );
    assert(said.has("stat", /another secret/));
    assert(said.has("ps", /life_worker\.ts/));
    assert(said.has("ps", /--inner-secret-file/));
    assert(said.has("worker /stats.json", /by-file/));
  },
});

Deno.test("the gateway does not start where others reach its inner port, and says what to do", async () => {
  for (
    const [flags, message] of [
      [
        [],
        /^maple gateway: Option innerHost is 0\.0\.0\.0, where whoever .*--inner-secret-file FILE.*--inner-open CIDR/,
      ],
      [
        ["--inner-secret-file", "/no/such"],
        /^maple gateway: Cannot read the secret file "\/no\/such"/,
      ],
      [
        ["--inner-open", "10.0.0"],
        /^maple gateway: --inner-open takes addresses and ranges/,
      ],
      [
        ["--inner-secret", "worker:0123456789abcdef"],
        /^maple gateway: Unknown flag --inner-secret; see --help$/,
      ],
    ] as const
  ) {
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...GATEWAY_ARGS,
        ...["--outer-port", "0", "--inner-port", "0"],
        ...["--inner-host", "0.0.0.0", ...flags],
      ],
    });
    assertEquals([code, stdout], [2, []]);
    const lines = stderr.trimEnd().split("\n");
    assertEquals(lines.length, 1);
    assertMatch(lines[0]!, message);
  }
});
