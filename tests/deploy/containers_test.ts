// The Containerfiles: linted, and their steps done as plain commands, where no engine is needed.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { validate } from "npm:dockerfile-utils@0.16.3";
import { Box, TcpClient } from "@maple/box";
import { COMPILE_DENO, whyNotCompiled } from "../helpers/compiled.ts";
import { GATEWAY_READY } from "../helpers/gateway_process.ts";
import { ROOT } from "../helpers/paths.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { buildIn, instructionsOf, listOf, stagesOf } from "./containerfile.ts";
import { deployText } from "./deploy_files.ts";

const FILES = ["Containerfile.gateway", "Containerfile.worker"];
const NOBODY = "65532";
/** Libraries that gcr.io/distroless/cc has. */
const LIBRARIES =
  /^(linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+))\b/;

for (const file of FILES) {
  Deno.test(`${file} is well formed, pinned, and runs as nobody in particular`, async () => {
    const problems = validate(deployText(file)).map(({ message }) => message);
    assertEquals(problems, []);
    const ci = await Deno.readTextFile(`${ROOT}/.ci/run`);
    const [, version] = /^DENO_VERSION=(\S+)$/m.exec(ci)!;
    const images = instructionsOf(file)
      .filter(({ name }) => name === "FROM").map(({ text }) => text);
    assertEquals(images, [
      `docker.io/denoland/deno:debian-${version} AS build`,
      "gcr.io/distroless/cc-debian12:nonroot",
    ]);
    const last = stagesOf(file).at(-1)!;
    const users = last.filter(({ name }) => name === "USER");
    assertEquals(users.map(({ text }) => text), [`${NOBODY}:${NOBODY}`]);
    assertEquals(listOf(last, "ENTRYPOINT").length, 1);
    // Nothing is run in what is shipped, so it needs no shell.
    assertEquals(last.filter(({ name }) => name === "RUN"), []);
  });
}

const why = Deno.build.os === "linux" ? await whyNotCompiled() : "not Linux";
if (why !== undefined) {
  console.log(`the steps of the Containerfiles are not done: ${why}`);
}

Deno.test({
  name:
    "what the Containerfiles build serves: as another user, from where it can write nothing, with the libraries of its image",
  ignore: why !== undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "maple_containers_" });
    try {
      const bin = `${folder}/bin`;
      await Deno.mkdir(bin);
      await Deno.symlink(COMPILE_DENO, `${bin}/deno`);
      const env = { PATH: `${bin}:${Deno.env.get("PATH")}` };
      const build = (file: string, args: Record<string, string> = {}) =>
        buildIn(`${folder}/${file}`, file, { context: ROOT, args, env });
      const gatewayRoot = await build(FILES[0]!);
      const ENTRY = "examples/echo_worker.ts";
      const workerRoot = await build(FILES[1]!, { ENTRY });
      // Others may go there, and write nowhere.
      await Deno.chmod(folder, 0o755);

      const gatewayStage = stagesOf(FILES[0]!).at(-1)!;
      const [gatewayPath] = listOf(gatewayStage, "ENTRYPOINT");
      const command = listOf(gatewayStage, "CMD").map((word) =>
        word.replace(/^0\.0\.0\.0:9100$/, "127.0.0.1:0")
      );
      const secret = `worker:${"s".repeat(32)}`;
      const gateway = await asNobody(gatewayRoot + gatewayPath, {
        args: [...command, "--outer-port", "0", "--inner-port", "0"],
        secret,
        ready: GATEWAY_READY,
      });
      await using _gateway = gateway;
      assertEquals(command[0], "gateway");
      const [, , outerPort, innerHost, innerPort] = gateway.ready!;
      assertEquals(innerHost, "0.0.0.0");

      const [workerPath] = listOf(stagesOf(FILES[1]!).at(-1)!, "ENTRYPOINT");
      await using _worker = await asNobody(workerRoot + workerPath, {
        args: ["--port", innerPort!, "--workers", "1"],
        secret,
        ready: /^maple worker ready workers=1 /,
      });
      await using client = new TcpClient(Box, "127.0.0.1", Number(outerPort));
      await client.connect();
      const answer = await client.request({ cmd: 1, body: "hello" });
      assertEquals(answer.text(), "hello");

      for (const path of [gatewayRoot + gatewayPath, workerRoot + workerPath]) {
        const { code, stdout } = await runProcess("ldd", { args: [path] });
        assertEquals(code, 0);
        for (const line of stdout) assertMatch(nameOf(line), LIBRARIES);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

function nameOf(line: string): string {
  const [path = ""] = line.trim().split(" ");
  return path.slice(path.lastIndexOf("/") + 1);
}

// Where this is root another user is taken, as in the image; else it is another one already.
function asNobody(
  path: string,
  { args, secret, ready }: {
    readonly args: readonly string[];
    readonly secret: string;
    readonly ready: RegExp;
  },
) {
  const isRoot = Deno.uid() === 0;
  const setpriv = [
    ...["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"],
    ...["--no-new-privs", "--bounding-set=-all"],
  ];
  const program = [
    ...["-i", `MAPLE_INNER_SECRET=${secret}`, path],
    ...args,
  ];
  assert(path.startsWith("/"));
  return startProcess(isRoot ? "setpriv" : "env", {
    args: isRoot ? [...setpriv, "env", ...program] : program,
    cwd: "/",
    ready,
  });
}
