// The clients in other languages of examples/clients/, against a gateway and a worker of the chat.

import { assertEquals } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import {
  type GatewayProcess,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { isInstalled } from "../helpers/installed.ts";
import { pathOf } from "../helpers/paths.ts";
import {
  type RunningProcess,
  runProcess,
  startProcess,
} from "../helpers/process.ts";

const FOLDER = pathOf("../../examples/clients/");
const WORKER = pathOf("../../examples/chat/chat_worker.ts");

/** A language, and how its client is run. */
interface Language {
  readonly name: string;
  /** What tells the version of the program that is needed. */
  readonly needs: readonly [name: string, version: string];
  /** Debian's package. */
  readonly packages: string;
  /** What makes a program of the source, before it runs. */
  readonly build?: (out: string) => readonly string[];
  readonly run: (out: string) => readonly string[];
}

const LANGUAGES: readonly Language[] = [
  {
    name: "Python",
    needs: ["python3", "--version"],
    packages: "python3",
    run: () => ["python3", "client.py"],
  },
  {
    name: "PHP",
    needs: ["php", "--version"],
    packages: "php-cli",
    run: () => ["php", "client.php"],
  },
  {
    name: "Node",
    needs: ["node", "--version"],
    packages: "nodejs",
    run: () => ["node", "client.mjs"],
  },
  {
    name: "Go",
    needs: ["go", "version"],
    packages: "golang-go",
    build: (out) => ["go", "build", "-o", `${out}/client`, "client.go"],
    run: (out) => [`${out}/client`],
  },
  {
    name: "Java",
    needs: ["javac", "--version"],
    packages: "openjdk-17-jdk-headless",
    build: (out) => ["javac", "-d", out, "Client.java"],
    run: (out) => ["java", "-cp", out, "Client"],
  },
  {
    name: "C#",
    needs: ["mcs", "--version"],
    packages: "mono-mcs, mono-runtime",
    build: (out) => ["mcs", `-out:${out}/client.exe`, "Client.cs"],
    run: (out) => ["mono", `${out}/client.exe`],
  },
];

async function startChat(
  stack: AsyncDisposableStack,
): Promise<GatewayProcess> {
  const gateway = stack.use(await startGatewayProcess());
  const worker = stack.use(
    await startProcess(Deno.execPath(), {
      args: [
        ...["run", "-A", WORKER, "--port", `${gateway.innerPort}`],
        ...["--workers", "1"],
      ],
      ready: /^maple worker ready/,
    }),
  );
  // Its child ends with it.
  stack.defer(async () => {
    worker.kill("SIGTERM");
    await worker.finished();
  });
  return gateway;
}

async function startClient(
  { build, run }: Language,
  gateway: GatewayProcess,
  out: string,
): Promise<RunningProcess> {
  if (build) {
    const [compiler, ...args] = build(out);
    const options = { args, cwd: FOLDER, timeout: 120_000 };
    const { code, stdout, stderr } = await runProcess(compiler!, options);
    assertEquals(code, 0, stdout.join("\n") + stderr);
  }
  const [program, ...args] = run(out);
  return await startProcess(program!, {
    args: [...args, "127.0.0.1", `${gateway.outerPort}`, "7"],
    cwd: FOLDER,
    // Where nothing tells the terminal's encoding, some write ASCII.
    env: { LC_ALL: "C.UTF-8" },
  });
}

for (const language of LANGUAGES) {
  const { name, needs, packages } = language;
  Deno.test({
    name: `a client in ${name} logs in, is answered and hears what others say`,
    ignore: !await isInstalled(needs, {
      packages,
      untested: `the client in ${name} is not run`,
    }),
    fn: async () => {
      await using stack = new AsyncDisposableStack();
      const out = await Deno.makeTempDir({ prefix: "maple_clients_" });
      stack.defer(() => Deno.remove(out, { recursive: true }));
      const gateway = await startChat(stack);
      await using other = new TcpClient(Box, "127.0.0.1", gateway.outerPort);
      await other.connect();
      await other.request({ cmd: 1, body: { uid: 8 } });
      const client = stack.use(await startClient(language, gateway, out));
      await client.line(/^login: 0$/, 60_000);
      await eventually(() => client.stdout.length === 4, {
        what: `the four lines of ${name}`,
      });
      assertEquals([...client.stdout].sort(), [
        `heard: user 7 is here`,
        `heard: user 7: hello from ${name}`,
        "login: 0",
        "say: 0",
      ]);
      // News, long after its own requests, with more than letters in it.
      await other.request({ cmd: 2, body: "grüße 你好" });
      await client.line(/^heard: user 8: grüße 你好$/);
    },
  });
}
