// The units of systemd, as it reads them, and what the programs tell it.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_ARGS,
  GATEWAY_READY,
} from "../helpers/gateway_process.ts";
import { isInstalled } from "../helpers/installed.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import {
  type RunningProcess,
  runProcess,
  startProcess,
} from "../helpers/process.ts";
import { LIFE_WORKER } from "../system/worker_process.ts";
import { DEPLOY, deployText } from "./deploy_files.ts";

const UNITS = ["maple-gateway.service", "maple-worker.service"];
/** In tenths, of what `systemd-analyze security` counts up to 10. */
const EXPOSURE_MAX = "20";

const hasSystemd = await isInstalled(["systemd-analyze", "--version"], {
  packages: "systemd",
  untested: "the units are not checked with it",
});
const hasPython = await isInstalled(["python3", "--version"], {
  packages: "python3",
  untested: "what programs tell a service manager is not tested",
});

/** A unit whose program is there, in a folder of its own. */
async function withUnit(
  name: string,
  check: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "maple_unit_" });
  try {
    const text = deployText(`systemd/${name}`)
      .replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
    await Deno.writeTextFile(`${folder}/${name}`, text);
    await check(`${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const name of UNITS) {
  Deno.test({
    name:
      `systemd finds nothing wrong with ${name}, and little that it could do harm with`,
    ignore: !hasSystemd,
    fn: () =>
      withUnit(name, async (path) => {
        const verify = await runProcess("systemd-analyze", {
          args: ["verify", "--man=no", path],
        });
        const said = [...verify.stdout, verify.stderr].join("\n")
          .split("\n").filter((line) => line.includes(name));
        assertEquals([verify.code, said], [0, []]);
        const security = await runProcess("systemd-analyze", {
          args: [
            ...["security", "--no-pager", "--offline=yes"],
            ...[`--threshold=${EXPOSURE_MAX}`, path],
          ],
        });
        assertEquals(security.code, 0, security.stdout.join("\n"));
      }),
  });

  Deno.test(`${name} is told that the program is ready, and reloads it by HUP`, () => {
    const text = deployText(`systemd/${name}`);
    for (
      const line of [
        "Type=notify",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillMode=mixed",
        "DynamicUser=yes",
        "ProtectSystem=strict",
      ]
    ) assertStringIncludes(text, `\n${line}\n`);
    assert(/\nLimitNOFILE=\d+\n/.test(text));
  });
}

Deno.test({
  name: "systemd finds nothing wrong with the drop-in of the handover",
  ignore: !hasSystemd,
  fn: () =>
    withUnit("maple-gateway.service", async (path) => {
      await Deno.mkdir(`${path}.d`);
      await Deno.writeTextFile(
        `${path}.d/handover.conf`,
        deployText("systemd/handover.conf")
          .replaceAll("/usr/local/bin/maple", "/bin/true"),
      );
      const { code, stdout, stderr } = await runProcess("systemd-analyze", {
        args: ["verify", "--man=no", path],
      });
      const said = [...stdout, stderr].join("\n")
        .split("\n").filter((line) => /handover|maple-gateway/.test(line));
      assertEquals([code, said], [0, []]);
    }),
});

Deno.test("the unit of the gateway waits for longer than its config file has it leave", async () => {
  const { stdout, code } = await runProcess(Deno.execPath(), {
    args: [...GATEWAY_ARGS, "--help"],
  });
  assertEquals(code, 0);
  const config = JSON.parse(deployText("gateway.json"));
  const seconds = ["lameDuckNotice", "lameDuck", "moveTimeout", "drainTimeout"]
    .map((name) => {
      if (name in config) return Number(config[name]);
      const flag = name.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`);
      const [, usual] = new RegExp(`--${flag} .*\\((\\d+)\\)`)
        .exec(
          stdout.join(" ").split(/ (?=--)/).find((one) =>
            one.startsWith(`--${flag} `)
          ) ?? "",
        ) ?? [];
      assert(usual, `--help tells no default of --${flag}`);
      return Number(usual);
    });
  const [, stop] = /\nTimeoutStopSec=(\d+)\n/
    .exec(deployText("systemd/maple-gateway.service"))!;
  assert(Number(stop) > seconds.reduce((sum, one) => sum + one), `${seconds}`);
});

/** What listens in place of systemd, and where. */
async function serviceManager(): Promise<
  { path: string; told: RunningProcess } & AsyncDisposable
> {
  const folder = await Deno.makeTempDir({ prefix: "maple_notify_" });
  const path = `${folder}/notify`;
  const told = await startProcess("python3", {
    args: [pathOf("../deploy/notified.py"), path],
    ready: /^ready$/,
  });
  return {
    path,
    told,
    async [Symbol.asyncDispose]() {
      await told[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const FREE = [
  ...["--outer-host", "127.0.0.1", "--outer-port", "0", "--inner-port", "0"],
];
const ignore = !hasPython || Deno.build.os !== "linux";

Deno.test({
  name:
    "a gateway, one of several processes and a worker tell systemd when they are ready, once",
  ignore,
  fn: async () => {
    await using manager = await serviceManager();
    const env = { NOTIFY_SOCKET: manager.path };
    const ready = () =>
      manager.told.stdout.filter((line) => line === "READY=1").length;
    await using gateway = await startProcess(Deno.execPath(), {
      args: [
        ...GATEWAY_ALL_ARGS,
        ...FREE,
        "--config",
        `${DEPLOY}/gateway.json`,
        ...["--metrics", "0"],
      ],
      env,
      ready: GATEWAY_READY,
    });
    await eventually(() => ready() === 1);

    const [, , , , innerPort] = gateway.ready!;
    await using _worker = await startProcess(Deno.execPath(), {
      args: [
        ...["run", "-A", "--config", `${ROOT}/deno.json`, LIFE_WORKER],
        ...[innerPort!, JSON.stringify({ workers: 2 })],
      ],
      env,
      ready: /^maple worker ready /,
    });
    await eventually(() => ready() === 2);

    await using _several = await startProcess(Deno.execPath(), {
      args: [...GATEWAY_ALL_ARGS, ...FREE, "--processes", "2"],
      env,
      ready: GATEWAY_READY,
    });
    await eventually(() => ready() === 3);
    assertEquals(manager.told.stdout.slice(1), [
      "READY=1",
      "READY=1",
      "READY=1",
    ]);
  },
});

Deno.test({
  name: "a gateway that may not tell systemd says so, and serves",
  ignore,
  fn: async () => {
    await using gateway = await startProcess(Deno.execPath(), {
      args: [
        ...GATEWAY_ARGS.map((one) =>
          one.startsWith("--allow-env=") ? `${one},NOTIFY_SOCKET` : one
        ).filter((one) => one !== "--allow-ffi"),
        ...[...FREE, "--io", "deno"],
      ],
      env: { NOTIFY_SOCKET: "/nowhere/notify" },
      ready: GATEWAY_READY,
    });
    await eventually(() =>
      gateway.stderr.includes(
        "cannot tell the service manager at /nowhere/notify READY=1: --allow-ffi is missing",
      )
    );
  },
});

Deno.test({
  name: "a gateway that hands over tells systemd which process goes on",
  ignore,
  fn: async () => {
    await using manager = await serviceManager();
    const start = () =>
      startProcess(Deno.execPath(), {
        args: [
          ...GATEWAY_ALL_ARGS.filter((one) => !/^(--io|epoll)$/.test(one)),
          ...[
            ...FREE,
            "--io",
            "epoll",
            "--handover",
            `${manager.path}.gateway`,
          ],
        ],
        env: { NOTIFY_SOCKET: manager.path },
        ready: GATEWAY_READY,
      });
    await using first = await start();
    await using second = await start();
    assertEquals((await first.finished()).code, 0);
    const { told } = manager;
    await eventually(() => told.stdout.length === 4);
    assertEquals(told.stdout[1], "READY=1");
    assertEquals(
      told.stdout.slice(2).toSorted(),
      [`MAINPID=${second.pid}`, "READY=1"],
    );
  },
});

Deno.test({
  name:
    "what the drop-in has a reload do, twice: each time systemd is told who goes on",
  ignore,
  fn: async () => {
    await using manager = await serviceManager();
    const mainPids = () =>
      manager.told.stdout.flatMap((one) =>
        one.startsWith("MAINPID=") ? [Number(one.slice(8))] : []
      );
    const dropIn = deployText("systemd/handover.conf")
      .replace("/run/maple/gateway.sock", `${manager.path}.gateway`);
    const program = [Deno.execPath(), ...GATEWAY_ALL_ARGS, ...FREE].join(" ");
    const reloads = [...dropIn.matchAll(/^ExecReload=(.+)$/gm)].map(([, one]) =>
      one!.replace(
        "/usr/local/bin/maple gateway --config /etc/maple/gateway.json",
        program,
      )
    );
    assertEquals(reloads.length, 2);
    // What systemd gives a control process where NotifyAccess is exec.
    assertStringIncludes(dropIn, "\nNotifyAccess=exec\n");
    const env: Record<string, string> = { NOTIFY_SOCKET: manager.path };
    for (const [, one] of dropIn.matchAll(/^Environment=(.+)$/gm)) {
      const [name, value] = one!.split("=");
      env[name!] = value!;
    }
    await using first = await startProcess(Deno.execPath(), {
      args: [...GATEWAY_ALL_ARGS, ...FREE],
      env,
      ready: GATEWAY_READY,
    });
    try {
      for (const generation of [1, 2]) {
        for (const line of reloads) {
          // What goes on in the background would hold a pipe open.
          const { code } = await new Deno.Command("/bin/sh", {
            ...{ args: ["-c", line], env, stdout: "null", stderr: "null" },
          }).output();
          assertEquals(code, 0, line);
        }
        await eventually(() => mainPids().length === generation);
      }
      assertEquals((await first.finished()).code, 0);
      const [second, third] = mainPids();
      assert(first.pid !== second && second !== third);
      await eventually(() => !isThere(second!));
      assert(isThere(third!));
    } finally {
      mainPids().filter(isThere).forEach((pid) => Deno.kill(pid, "SIGTERM"));
    }
  },
});

/** A process that has ended and waits to be looked at has no command line. */
function isThere(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`) !== "";
  } catch {
    return false;
  }
}
