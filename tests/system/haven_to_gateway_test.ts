// The section "From haven to gateway" of haven/README.md, done to the echo server as it is written
// there.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { startProcess } from "../helpers/process.ts";
import { PATIENCE_MS } from "../helpers/within.ts";
import { HavenProcess } from "./haven_process.ts";

const SERVER = pathOf("../../examples/haven_echo.ts");
const README = pathOf("../../haven/README.md");

/** The diff in the section. */
function readDiff(): string[] {
  const [, section] = Deno.readTextFileSync(README)
    .split("\n## From haven to gateway\n");
  const [, diff] = /```diff\n([^]*?)\n```/.exec(section ?? "") ?? [];
  if (diff === undefined) throw new Error("there is no diff in the section");
  // An empty line may have lost the blank that marks it as unchanged.
  return diff.split("\n").map((line) => line === "" ? " " : line);
}

/** Replaces what the diff takes away, and nothing else. */
function apply(diff: readonly string[], source: string): string {
  const side = (mark: string) =>
    diff.filter((line) => !line.startsWith(mark))
      .map((line) => `${line.slice(1)}\n`).join("");
  const [before, after] = [side("+"), side("-")];
  assertStringIncludes(source, before);
  return source.replace(before, () => after);
}

async function ask(port: number): Promise<string | undefined> {
  await using client = new TcpClient(Box, "127.0.0.1", port, {
    timeout: PATIENCE_MS / 1000,
  });
  await client.connect();
  await client.write({ cmd: 1, body: "the same" });
  return (await client.read())?.text();
}

Deno.test("README.md: the echo server becomes a worker behind a gateway", async () => {
  const diff = readDiff();
  const source = Deno.readTextFileSync(SERVER);
  const changed = apply(diff, source);
  // The handlers stay.
  assertEquals(
    changed.split("\n").filter((line) => line.includes("app.route")),
    source.split("\n").filter((line) => line.includes("app.route")),
  );

  const folder = await Deno.makeTempDir({ prefix: "maple_move_" });
  try {
    const program = `${folder}/moved.ts`;
    await Deno.writeTextFile(program, changed);
    await using haven = await HavenProcess.run([SERVER, "--port", "0"]);
    await using gateway = await startGatewayProcess();
    await using _worker = await startProcess(Deno.execPath(), {
      args: [
        // Its children get --config only from a program that may do all.
        ...["run", "-A", "--check", "--config", `${ROOT}/deno.json`, program],
        ...["--port", String(gateway.innerPort)],
      ],
      ready: /^maple worker ready workers=2 /,
      // Types are checked from nothing, however busy the machine is.
      timeout: 300_000,
    });
    assertEquals(await ask(haven.port), "the same");
    assertEquals(await ask(gateway.outerPort), "the same");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
