// At a terminal Deno asks for each permission that a program was not given, and the program stands
// still meanwhile: ours ask for none.

import { assertEquals } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { PERMISSIONS } from "../helpers/permissions.ts";
import { runProcess, startProcess } from "../helpers/process.ts";

const GATEWAY = [
  pathOf("../../gateway/mod.ts"),
  ...["--outer-port", "0", "--inner-port", "0"],
];
const HAVEN = [pathOf("../../examples/haven_echo.ts"), "--port", "0"];

// What each is started with, and what it says when nothing holds it up.
const PROGRAMS: [name: string, command: readonly string[], said: RegExp][] = [
  ["a gateway", [...PERMISSIONS.gateway, ...GATEWAY], /gateway ready/],
  ["a gateway with --allow-net alone", ["--allow-net", ...GATEWAY], /ready/],
  [
    "a worker",
    [
      ...PERMISSIONS.worker,
      pathOf("../../examples/echo_worker.ts"),
      ...["--port", "1", "--workers", "1"],
    ],
    /worker 1 \(pid \d+\) started/,
  ],
  ["a haven", [...PERMISSIONS.haven, ...HAVEN], /haven ready/],
  ["a haven with --allow-net alone", ["--allow-net", ...HAVEN], /haven ready/],
];

const noPython = Deno.build.os === "windows" ||
  await runProcess("python3", { args: ["--version"] })
    .then(({ code }) => code !== 0, () => true);

for (const [name, command, said] of PROGRAMS) {
  Deno.test({
    name: `${name} asks for no permission at a terminal`,
    ignore: noPython,
    async fn() {
      await using terminal = await startProcess("python3", {
        args: [
          pathOf("../gateway/stat/stat_pty.py"),
          ...[Deno.execPath(), "run", "--quiet", ...command],
        ],
      });
      const text = () =>
        terminal.stdout.map((line) => JSON.parse(line).output ?? "").join("");
      await eventually(() => said.test(text()) || text().includes("Allow?"), {
        what: `${said}`,
        timeout: 30_000,
      });
      // Ctrl-C.
      await terminal.write("keys \\x03");
      assertEquals(text().includes("Allow?"), false, text());
      await terminal.finished();
    },
  });
}
