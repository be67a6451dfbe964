// What the gateway as a program gives up when it serves.

import { assertEquals } from "@std/assert";
import { parseCommandLine } from "@maple/box/internal";
import { unneededPermissions } from "../../gateway/drop_permissions.ts";
import { FLAGS } from "../../gateway/setting_table.ts";
import { readSettings } from "../../gateway/settings.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_ARGS,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { eventually } from "../helpers/eventually.ts";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";

function unneeded(...flags: string[]): string {
  return unneededPermissions(readSettings(parseCommandLine(flags, FLAGS)))
    .join();
}

Deno.test("unneededPermissions() keeps what the settings need", () => {
  assertEquals(unneeded(), "run,import,ffi,write");
  assertEquals(unneeded("--io", "epoll"), "run,import,write");
  assertEquals(unneeded("--log-file", "a"), "run,import,ffi");
  assertEquals(unneeded("--stat-file", "a", "--io", "epoll"), "run,import");
  // Deno opens a device for who may do all, and for nobody else.
  assertEquals(unneeded("--log-file", "/dev/full"), "");
});

Deno.test("dropPermissions() gives up what is not needed, and tells what it had", async () => {
  const code = `
    import { dropPermissions } from ${
    JSON.stringify(`file://${pathOf("../../gateway/drop_permissions.ts")}`)
  };
    const settings = { gateway: {}, statFile: "a" };
    const state = () => ["run", "import", "ffi", "write", "read", "net"].map(
      (name) => Deno.permissions.querySync({ name }).state).join();
    console.log(dropPermissions(settings).join(), state());
    console.log(dropPermissions(settings).join(), state());`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, code);
    const { stdout, stderr } = await runProcess(Deno.execPath(), {
      args: ["run", "-A", "--no-check", file],
    });
    const state = "prompt,prompt,prompt,granted,granted,granted";
    assertEquals(stdout, [`run,import,ffi ${state}`, ` ${state}`], stderr);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a gateway gives up what it had, goes on at HUP, and ends in order", async () => {
  const all = await startGatewayProcess([], GATEWAY_ALL_ARGS);
  const needed = await startGatewayProcess([], GATEWAY_ARGS);
  await using _stack = new AsyncDisposableStack();
  _stack.use(all);
  _stack.use(needed);
  const gaveUp = (text: string) => /gives up: (.*)/.exec(text)?.[1];
  await eventually(() => gaveUp(all.process.stderr) !== undefined);
  await eventually(() => gaveUp(needed.process.stderr) !== undefined);
  const had = gaveUp(all.process.stderr)!.split(", ");
  assertEquals(had.filter((name) => name !== "ffi"), [
    "run",
    "import",
    "write",
  ]);
  assertEquals(gaveUp(needed.process.stderr)!.includes("run"), false);
  for (const { process } of [all, needed]) {
    process.kill("SIGHUP");
    await eventually(() => process.stderr.includes("SIGHUP: the log is"));
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    assertEquals(/ERROR|WARN/.test(process.stderr), false, process.stderr);
  }
});
