// The client as browsers and Node get it: built, installed into an empty project, and used there.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { BUDGET_BYTES, USAGE } from "../../tools/client.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { hasNpm } from "../helpers/npm.ts";
import { fromFileUrl, runText, TempDir } from "./_helpers.ts";

const TOOL = ["run", "-A", fromFileUrl("../../tools/client.ts")];

// As somebody writes it who has Node and nothing else of ours.
const PROGRAM = `
import { Box, BoxError, Client } from "@maple/box/client";
import { FrameReader } from "@maple/box/frames";
import WebSocket from "ws";

const reader = new FrameReader(Box);
reader.push(new Box({ cmd: 5, body: "of frames" }).pack());
console.log(Box.fromFrame(reader.take()).text());

const client = new Client(Box, { webSocketClass: WebSocket });
const states = [];
client.onStateChange((state) => states.push(state));
client.onConnect(async (session) => {
  console.log((await session.request({ cmd: 1, body: { token: "t" } })).text());
});
await client.connect(process.argv[2]);
const answers = await Promise.all(
  Array.from({ length: 100 }, (_, i) => client.request({ cmd: 2, body: String(i) })),
);
console.log(answers.every((box, i) => box.text() === String(i)));
console.log(answers[10]);
await client[Symbol.asyncDispose]();
const error = await client.request({ cmd: 3 }).catch((error) => error);
console.log(error instanceof BoxError, error.code, error.maybeDone);
console.log(states.join());
`;

const TYPED = `
import { Box, BoxError, type BoxFields, Client, type ClientState } from "@maple/box/client";
import { FrameReader, type UsersRow } from "@maple/box/frames";
import WebSocket from "ws";

export async function play(url: string): Promise<number> {
  await using client: Client<BoxFields> = new Client(Box, { webSocketClass: WebSocket });
  client.onStateChange((state: ClientState) => console.log(state));
  client.on(100, (box) => box.text().length);
  await client.connect(url);
  const box = await client.request({ cmd: 1 }, { signal: AbortSignal.timeout(5), retry: true });
  // @ts-expect-error A box has no such field.
  await client.request({ cmb: 1 });
  return box.sn;
}
export const reader: FrameReader = new FrameReader(Box);
export const row: UsersRow<BoxFields> = [[1], { cmd: 1 }];
export const code = (error: BoxError) => [error.code, error.maybeDone];
`;

interface Entry {
  readonly types: string;
  readonly default: string;
}

async function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(120_000),
  }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout);
  assert(success, `${command} ${args}: ${said}${decoder.decode(stderr)}`);
  return said;
}

Deno.test("client.ts tells how it is called, and answers bad use with one line and exit code 2", async () => {
  const help = await runText([...TOOL, "--help"]);
  assertEquals([help.code, help.stdout], [0, `${USAGE}\n`]);
  const { code, stderr } = await runText([...TOOL, "nope"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^client: [^\n]*'nope'[^\n]+\n$/);
});

Deno.test({
  name:
    "client.ts builds a small file for browsers, and a package that Node uses against a gateway",
  ignore: !hasNpm,
}, async (t) => {
  await using dir = await TempDir.create({
    "project/package.json": '{ "type": "module" }\n',
    "project/play.js": PROGRAM,
    "project/typed.ts": TYPED,
    "project/tsconfig.json": JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: "es2022",
        lib: ["esnext"],
        module: "nodenext",
        skipLibCheck: false,
      },
      files: ["typed.ts"],
    }),
  });
  const project = dir.join("project");

  await t.step("it is built, and its size is told", async () => {
    const { code, stdout, stderr } = await runText([
      ...TOOL,
      ...["--out", dir.path],
    ]);
    assertEquals(code, 0, stderr);
    const [, bytes, compressed] =
      /^built .*maple_client\.js: (\d+) bytes, (\d+) compressed/.exec(stdout) ??
        [];
    const built = await Deno.readFile(dir.join("maple_client.js"));
    assertEquals(Number(bytes), built.length);
    assert(Number(compressed) <= BUDGET_BYTES && BUDGET_BYTES <= 10 * 1024);
    assert(!new TextDecoder().decode(built).includes("Deno.connect"));
  });

  await t.step("npm installs it from disk into an empty project", async () => {
    await run("npm", [
      ...["install", "--no-audit", "--no-fund", "../npm"],
      ...["ws@8.18.0", "@types/ws@8.5.12", "@types/node@20.17.0"],
      "typescript@5.9.3",
    ], project);
    const file = join(project, "node_modules/@maple/box/package.json");
    const { name, exports, dependencies } = JSON.parse(
      await Deno.readTextFile(file),
    );
    assertEquals(name, "@maple/box");
    assertEquals(dependencies, undefined);
    for (const { types, default: module } of Object.values<Entry>(exports)) {
      for (const path of [types, module]) {
        assert((await Deno.stat(join(file, "..", path))).isFile, path);
      }
    }
  });

  await t.step("Node uses it against a gateway, and ends", async () => {
    await using gateway = await GatewayFixture.start({}, "ws");
    await using _worker = await gateway.attachEcho();
    const { port } = gateway.gateway.wsAddr!;
    const said = await run(
      "node",
      ["play.js", `ws://127.0.0.1:${port}/`],
      project,
    );
    assertEquals(said.trim().split("\n"), [
      "of frames",
      '{"token":"t"}',
      "true",
      'Box { cmd: 2, sn: 12, body: 2 bytes "10" }',
      "true closed false",
      "connecting,open,closed",
    ]);
  });

  await t.step(
    "TypeScript knows it, without the types of browsers or Deno",
    async () => {
      await run("node", ["node_modules/typescript/bin/tsc"], project);
    },
  );
});
