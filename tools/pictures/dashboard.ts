// Takes a picture of the dashboard of a gateway that is one of two, under load, and has been
// replaced once: gateway/dashboard.png. Needs Linux, nats-server and Chromium.
//
//   deno task picture:dashboard [SECONDS]

import { chromium } from "npm:playwright-core@1.65.1";
import { Cmd } from "../../examples/cluster/worker.ts";
import { Program } from "../../examples/cluster/program.ts";

const PICTURE = new URL("../../gateway/dashboard.png", import.meta.url);
const WIDTH = 1560;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function file(path: string): string {
  return new URL(path, import.meta.url).href;
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function main(seconds: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const [nats, [, bus]] = await Program.start(
    "nats-server",
    ["-a", "127.0.0.1", "-p", "-1"],
    {
      says: /client connections on \S+:(\d+)[^]*Server is ready/,
      at: "stderr",
    },
  );
  stack.use(nats);
  const metrics = freePort();
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const flags = (node: number) => [
    ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
    ...["--inner-port", "0", "--node-id", String(node), "--io", "epoll"],
    ...["--cluster", `nats://127.0.0.1:${bus}`],
    ...["--handover", `${folder}/${node}.sock`],
    ...(node === 0 ? ["--metrics", String(metrics)] : []),
  ];
  const gateway = file("../../gateway/mod.ts");
  for (const node of [0, 1]) {
    const [first, [ready]] = await Program.ours(gateway, flags(node));
    stack.use(first);
    const [, outer, inner] = /outer=\S+?:(\d+) inner=\S+?:(\d+)/.exec(ready)!;
    const [worker] = await Program.ours(
      file("../../examples/cluster/worker.ts"),
      [
        inner!,
      ],
    );
    stack.use(worker);
    const load = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", file("../../bench/load.ts")],
        ...["-u", `127.0.0.1:${outer}`, "-c", "250", "--rate", "500"],
        ...["-m", String(Cmd.MOVE), "--login-cmd", String(Cmd.LOGIN)],
        ...["--login", String(1 + node * 250), "-d", String(seconds + 60)],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    stack.defer(async () => {
      try {
        load.kill("SIGTERM");
      } catch {
        // Its gateway is gone, so it has ended.
      }
      await load.status;
    });
  }
  await sleep(seconds / 2);
  const [second] = await Program.ours(gateway, flags(0));
  stack.use(second);
  await sleep(seconds / 2);

  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu"],
  });
  stack.defer(() => browser.close());
  const page = await browser.newPage({
    viewport: { width: WIDTH, height: 900 },
    colorScheme: "light",
  });
  await page.goto(`http://127.0.0.1:${metrics}/`);
  await page.getByText("serving").first().waitFor();
  // Rates need two reports.
  await sleep(5);
  await Deno.writeFile(PICTURE, await page.screenshot({ fullPage: true }));
}

await main(Number(Deno.args[0] ?? 120));
