// The README's story, as it is written there: a gateway, a worker that is reloaded, a client, a
// message from a shell.

import { assertEquals } from "@std/assert";
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

// Which request was the first to be answered so is a matter of time.
function withoutCounts(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\(request \d+\)$/, "(request N)"));
}

Deno.test("the README's story runs as it is written, and prints what it says", async () => {
  await using gateway = await startGatewayProcess();
  const { outerPort, innerPort } = gateway;
  const ports = { 29000: outerPort, 28000: innerPort };
  const folder = await Deno.makeTempDir({ prefix: "maple_readme_" });
  try {
    const hello = await sample("hello.ts", folder, ports);
    await using worker = run(hello);
    await worker.line(/^maple worker ready workers=2 /);

    await using client = run(await sample("client.ts", folder, ports));
    await client.line(/^hello, maple/);

    const [shell] = README.split("\n")
      .filter((line) => line.startsWith("deno run -A jsr:@maple/trigger "));
    const args = shell!.split(" ").slice(4);
    await using trigger = run(
      pathOf("../../trigger/mod.ts"),
      ...args,
      ...["--port", String(innerPort)],
    );
    const { code } = await trigger.finished();
    assertEquals([code, trigger.stderr], [0, ""]);
    await client.line(/^news: /);

    const source = await Deno.readTextFile(hello);
    const [, before, after] = /change `(\w+)` to `(\w+)` in `hello.ts`/
      .exec(README)!;
    const changed = source.replace(`${before}, `, `${after}, `);
    await Deno.writeTextFile(hello, changed);
    worker.kill("SIGHUP");

    // It ends well, so it was never disconnected.
    assertEquals((await client.finished()).code, 0);
    const expected = block("", "hello, maple (request 1)");
    assertEquals(
      withoutCounts(client.stdout),
      withoutCounts(["hello, maple (request 1)", ...expected.split("\n")]),
    );
    assertEquals(client.stdout[0], "hello, maple (request 1)");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the samples of the README for Chinese readers have right types", async () => {
  const text = await Deno.readTextFile(pathOf("../../README.zh-CN.md"));
  const imports = /^import .*\n/gm;
  const samples = [...text.matchAll(/^```ts\n([^]*?)^```/gm)]
    .map(([, sample]) => sample!);
  // The one that has none goes on from the first.
  const known = samples[0]!.match(imports)!.join("");
  assertEquals(samples.length, 2);
  const folder = await Deno.makeTempDir({ prefix: "maple_readme_" });
  try {
    const paths = [];
    for (const [index, sample] of samples.entries()) {
      const source = sample.includes("import ") ? sample : known + sample;
      const path = `${folder}/sample_${index}.ts`;
      await Deno.writeTextFile(path, source.replaceAll('"jsr:', '"'));
      paths.push(path);
    }
    await using check = new RunningProcess(Deno.execPath(), {
      args: ["check", "--config", `${ROOT}/deno.json`, ...paths],
    });
    const { code } = await check.finished();
    assertEquals(code, 0, check.stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
