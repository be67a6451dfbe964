// The README's samples, as they are written there: one story of a worker, a client and a trigger.

import { assertEquals } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { RunningProcess } from "../helpers/process.ts";

const README = await Deno.readTextFile(pathOf("../../README.md"));

/** The text of a code block, found by its first line. */
function block(language: string, first: string): string {
  const start = `\`\`\`${language}\n${first}\n`;
  const at = README.indexOf(start);
  if (at < 0) throw new Error(`the README has no block that begins ${first}`);
  return README.slice(at + start.length, README.indexOf("\n```", at));
}

/** A sample as a program of this working copy, for a gateway on other ports. */
async function sample(
  name: string,
  folder: string,
  ports: Readonly<Record<string, number>>,
): Promise<string> {
  let source = block("ts", `// ${name}`)
    .replaceAll(/"jsr:(@maple\/\w+)"/g, '"$1"');
  for (const [usual, port] of Object.entries(ports)) {
    source = source.replaceAll(usual, String(port));
  }
  const path = `${folder}/${name}`;
  await Deno.writeTextFile(path, source);
  return path;
}

function run(program: string, ...args: string[]): RunningProcess {
  const config = ["--config", `${ROOT}/deno.json`];
  return new RunningProcess(Deno.execPath(), {
    args: ["run", "--quiet", "-A", ...config, program, ...args],
  });
}

Deno.test("the README's samples run as they are written, and print what it says", async () => {
  await using gateway = await startGatewayProcess();
  const { outerPort, innerPort } = gateway;
  const ports = { 29000: outerPort, 28000: innerPort };
  const folder = await Deno.makeTempDir({ prefix: "maple_readme_" });
  try {
    await using worker = run(await sample("worker.ts", folder, ports));
    await worker.line(/^maple worker ready workers=2 /);

    await using client = run(await sample("client.ts", folder, ports));
    await client.line(/^Box /);

    await using trigger = run(await sample("trigger.ts", folder, ports));
    assertEquals((await trigger.finished()).code, 0);
    await client.line(/^news: game 3 begins/);

    const shell = README.split("\n")
      .filter((line) => line.startsWith("deno run -A jsr:@maple/trigger "));
    assertEquals(shell.length, 2);
    for (const line of shell) {
      const args = line.split(" ").slice(4);
      await using program = run(
        pathOf("../../trigger/mod.ts"),
        ...args,
        ...["--port", String(innerPort)],
      );
      const { code } = await program.finished();
      assertEquals([code, program.stderr], [0, ""]);
    }

    const { code } = await client.finished();
    assertEquals(code, 0);
    const expected = block("", "news: user 1 is here");
    assertEquals(client.stdout, [
      "news: user 1 is here",
      ...expected.split("\n"),
    ]);
    await eventually(() => worker.stdout.includes("user 1 is gone"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
