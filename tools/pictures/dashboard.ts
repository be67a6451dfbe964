// Takes a picture of the dashboard of a gateway that is one of two and under load:
// gateway/dashboard.png. Needs nats-server and Chromium.
//
//   deno task picture:dashboard [SECONDS]

import { chromium } from "npm:playwright-core@1.65.1";
import { Program } from "../../examples/cluster/program.ts";

const PICTURE = new URL("../../gateway/dashboard.png", import.meta.url);
const WIDTH = 1160;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function file(path: string): string {
  return new URL(path, import.meta.url).href;
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
  for (const node of ["0", "1"]) {
    const [gateway, [ready]] = await Program.ours(
      file("../../gateway/mod.ts"),
      [
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-port", "0", "--node-id", node],
        ...["--cluster", `nats://127.0.0.1:${bus}`],
        ...(node === "0" ? ["--metrics", String(metrics)] : []),
      ],
    );
    stack.use(gateway);
    const [, outer, inner] = /outer=\S+?:(\d+) inner=\S+?:(\d+)/.exec(ready)!;
    const [worker] = await Program.ours(file("../../examples/echo_worker.ts"), [
      ...["--port", inner!, "--workers", "3"],
    ]);
    stack.use(worker);
    const load = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", file("../../bench/load.ts")],
        ...["-u", `127.0.0.1:${outer}`, "-c", "50", "--rate", "500"],
        ...["--depth", "4", "-d", String(seconds + 60)],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    stack.defer(async () => {
      load.kill("SIGTERM");
      await load.status;
    });
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));

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
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await Deno.writeFile(PICTURE, await page.screenshot({ fullPage: true }));
}

await main(Number(Deno.args[0] ?? 120));
