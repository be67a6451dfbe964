// A token for the metrics of gateway and worker as programs: who may ask, HUP, and that it is
// nowhere to be seen.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { hasChromium, openBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import {
  GATEWAY_ARGS,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { type RunningProcess, runProcess } from "../helpers/process.ts";
import { WorkerProcess } from "./worker_process.ts";

const FIRST = "first-token-0123456789abcdef";
const SECOND = "second-token-0123456789abcde";
const URL_LINE = /(?:dashboard|metrics) at (http:\/\/127\.0\.0\.1:\d+\/)/;

/** A file that nobody else may use, with a token. */
async function tokenFile(): Promise<
  AsyncDisposable & { path: string; set(text: string): Promise<void> }
> {
  const path = await Deno.makeTempFile();
  const set = (text: string) => Deno.writeTextFile(path, text);
  await set(`${FIRST}\n`);
  await Deno.chmod(path, 0o600);
  return { path, set, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

async function urlOf(process: RunningProcess): Promise<string> {
  await eventually(() => URL_LINE.test(process.stderr));
  return URL_LINE.exec(process.stderr)![1]!;
}

async function ask(
  url: string,
  token?: string,
): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = token === undefined
    ? {}
    : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  return { status: response.status, text: await response.text() };
}

async function isTaken(url: string, token?: string): Promise<boolean> {
  return (await ask(`${url}metrics`, token)).status === 200;
}

// On Linux, what every user of the machine can see.
async function commandLineOf({ pid }: RunningProcess): Promise<string> {
  return Deno.build.os === "linux"
    ? await Deno.readTextFile(`/proc/${pid}/cmdline`)
    : "";
}

Deno.test("a gateway with a token answers whoever brings it, HUP changes it, and it is nowhere told", async () => {
  await using file = await tokenFile();
  await using stat = {
    path: await Deno.makeTempFile(),
    [Symbol.asyncDispose]() {
      return Deno.remove(this.path);
    },
  };
  await using gateway = await startGatewayProcess([
    ...["--metrics", "0", "--metrics-token-file", file.path],
    ...["--log-level", "DEBUG", "--stat-file", stat.path],
  ]);
  const { process } = gateway;
  const url = await urlOf(process);
  for (const path of ["metrics", "stats.json", "healthz", "events", "other"]) {
    assertEquals((await ask(url + path)).status, 401, path);
    assertEquals((await ask(url + path, SECOND)).status, 401, path);
  }
  const seen = [(await ask(url)).text];
  for (const path of ["metrics", "stats.json"]) {
    const { status, text } = await ask(url + path, FIRST);
    assertEquals(status, 200, path);
    seen.push(text);
  }
  await file.set(`${FIRST}\n${SECOND}\n`);
  process.kill("SIGHUP");
  await eventually(() => isTaken(url, SECOND));
  assert(await isTaken(url, FIRST));
  await file.set(`${SECOND}\n`);
  process.kill("SIGHUP");
  await eventually(async () => !await isTaken(url, FIRST));
  assert(await isTaken(url, SECOND));
  await file.set("short");
  process.kill("SIGHUP");
  await eventually(() => process.stderr.includes("all settings stay"));
  assert(await isTaken(url, SECOND), "the one before stays");
  seen.push(await commandLineOf(process));
  process.kill("SIGTERM");
  assertEquals((await process.finished()).code, 0);
  seen.push(process.stderr, process.stdout.join("\n"));
  seen.push(await Deno.readTextFile(stat.path));
  for (const text of seen) {
    for (const token of [FIRST, SECOND]) assertFalse(text.includes(token));
  }
});

Deno.test("a gateway does not start with a token file that others may read, or that is not there", async () => {
  await using file = await tokenFile();
  await Deno.chmod(file.path, 0o644);
  for (
    const [path, expected] of [
      [file.path, "(mode 644): chmod 600 it"],
      ["/nowhere/token", 'Cannot read the token file "/nowhere/token"'],
    ] as const
  ) {
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...GATEWAY_ARGS,
        ...["--outer-port", "0", "--inner-port", "0"],
        ...["--metrics", "0", "--metrics-token-file", path],
      ],
    });
    assertEquals(code, 2, stderr);
    assert(stderr.includes(expected), stderr);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});

Deno.test("a worker takes a token from a file or the environment, and HUP reads it again", async () => {
  await using gateway = await startGatewayProcess();
  await using file = await tokenFile();
  await using worker = await WorkerProcess.start(gateway.inner, {
    workers: 1,
    metrics: "127.0.0.1:0",
    metricsTokenFile: file.path,
  });
  const url = await urlOf(worker);
  assertFalse(await isTaken(url));
  assert(await isTaken(url, FIRST));
  await file.set(SECOND);
  worker.kill("SIGHUP");
  await eventually(() => isTaken(url, SECOND));
  assertFalse(await isTaken(url, FIRST));
  await using other = await WorkerProcess.start(gateway.inner, {
    workers: 1,
    metrics: "127.0.0.1:0",
    env: { MAPLE_METRICS_TOKEN: FIRST },
  });
  const otherUrl = await urlOf(other);
  assertFalse(await isTaken(otherUrl));
  assertFalse(await isTaken(otherUrl, SECOND));
  assert(await isTaken(otherUrl, FIRST));
  for (const text of [worker.stderr, other.stderr]) {
    for (const token of [FIRST, SECOND]) assertFalse(text.includes(token));
  }
});

Deno.test({
  name:
    "the dashboard asks for the token, keeps it for its tab, and does not put it in an address",
  ignore: !hasChromium,
  fn: async () => {
    await using browser = await openBrowser();
    await using file = await tokenFile();
    await using gateway = await startGatewayProcess([
      ...["--metrics", "0", "--metrics-token-file", file.path],
    ]);
    const url = await urlOf(gateway.process);
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(url);
    const form = page.locator("#token-form");
    const state = async (expected: string) => {
      await eventually(
        async () => await page.textContent("#state") === expected,
        { timeout: 20_000, what: `the state ${expected}` },
      );
    };
    await form.waitFor({ state: "visible" });
    assertFalse(await page.locator("#token-wrong").isVisible());
    await page.fill("#token", "not-the-right-one-at-all");
    await page.click("#token-form button");
    await page.locator("#token-wrong").waitFor({ state: "visible" });
    await page.fill("#token", FIRST);
    await page.press("#token", "Enter");
    await state("serving");
    assertFalse(await form.isVisible());
    await page.reload();
    await state("serving");
    assertFalse(await form.isVisible(), "it is asked for once");
    const other = await browser.newPage();
    await other.goto(url);
    await other.locator("#token-form").waitFor({ state: "visible" });
    await other.close();
    for (const address of [page.url(), ...asked]) {
      assertFalse(address.includes(FIRST), address);
    }
    assertEquals(
      await page.evaluate("Object.values(localStorage).join()"),
      "",
    );
    assertEquals(errors, []);
    await page.close();
  },
});
