// The page of examples/browser/ in Chromium, with the client as it is built for browsers: against a
// haven server, and against a gateway with two workers that are reloaded and killed, and with it
// restarted.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "npm:playwright-core@1.65.1";
import { hasChromium, openBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import { hasNpm } from "../helpers/npm.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { runArgs } from "../helpers/permissions.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { WorkerProcess } from "./worker_process.ts";

const HAVEN = pathOf("../../examples/chat/chat_haven.ts");
const WORKER = pathOf("../../examples/chat/chat_worker.ts");
const SERVE = pathOf("../../examples/browser/serve.ts");

/** The page, in a browser that is there as long as this is. */
class ChatPage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly page: Page;
  readonly errors: string[];

  private constructor(
    stack: AsyncDisposableStack,
    page: Page,
    errors: string[],
  ) {
    this.#stack = stack;
    this.page = page;
    this.errors = errors;
  }

  /** Builds the client, serves the page, and opens it. */
  static async open(wsPort: number, uid: number): Promise<ChatPage> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "maple_page_" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const { code, stderr } = await runProcess(Deno.execPath(), {
      args: ["run", "-A", `${ROOT}/tools/client.ts`, "--out", folder],
      timeout: 120_000,
    });
    assertEquals(code, 0, stderr);
    const server = stack.use(
      await startProcess(Deno.execPath(), {
        args: [
          ...["run", "--allow-net", "--allow-read", SERVE, "--port", "0"],
          ...["--client", `${folder}/maple_client.js`],
        ],
        ready: /^page at (http:\S+)$/,
      }),
    );
    const browser = stack.use(await openBrowser());
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    const url = new URL(server.ready![1]!);
    url.searchParams.set("server", `ws://127.0.0.1:${wsPort}/`);
    url.searchParams.set("uid", String(uid));
    await page.goto(url.href);
    return new ChatPage(stack.move(), page, errors);
  }

  /** The lines of a kind, the first one first. */
  async lines(kind: string): Promise<string[]> {
    return (await this.page.locator(`li.${kind}`).allTextContents()).reverse();
  }

  /** Waits until there are so many. */
  async until(kind: string, count: number): Promise<void> {
    let there = 0;
    await eventually(async () => {
      there = await this.page.locator(`li.${kind}`).count();
      return there >= count;
    }, { timeout: 60_000, what: `${count} lines ${kind}` }).catch((error) => {
      throw new Error(`${error.message}; there are ${there}`);
    });
  }

  /** Waits until so many more were said since this was called. */
  async saysMore(count: number): Promise<void> {
    await this.until(
      "said",
      await this.page.locator("li.said").count() + count,
    );
  }

  /** Says something every few milliseconds, as somebody who types. */
  async startTalking(): Promise<void> {
    await this.page.evaluate(`
      const form = document.querySelector("form");
      let count = 0;
      globalThis.talking = setInterval(() => {
        form.firstElementChild.value = "message " + ++count + ".";
        form.requestSubmit();
      }, 10);
    `);
  }

  /** Waits until all that was said is settled; gives how many that were. */
  async stopTalking(): Promise<number> {
    await this.page.evaluate("clearInterval(globalThis.talking)");
    await eventually(
      async () => await this.page.locator("li.sending").count() === 0,
      { timeout: 60_000, what: "the end of all that was being said" },
    );
    return await this.page.locator("li.said, li.failed").count();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function pageTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: !hasChromium || !hasNpm });
}

pageTest(
  "the page talks to a chat on Haven, and shows what is said",
  async () => {
    await using server = await startProcess(Deno.execPath(), {
      args: [...runArgs("haven"), HAVEN, "--port", "0", "--ws-port", "0"],
      ready: /^maple haven ready .*:(\d+)$/,
    });
    await using page = await ChatPage.open(Number(server.ready![1]), 7);
    await page.until("heard", 1);
    await page.page.fill("input", "hello");
    await page.page.press("input", "Enter");
    await page.until("said", 1);
    assertEquals(await page.lines("heard"), [
      "user 7 is here",
      "user 7: hello",
    ]);
    assertEquals(await page.lines("state"), ["connecting", "open"]);
    assertEquals(page.errors, []);
  },
);

pageTest(
  "the page notices no reload and no kill of a worker, comes back after restarts of the gateway, and loses nothing without a word",
  async () => {
    await using stack = new AsyncDisposableStack();
    let gateway = stack.use(await startGatewayProcess(["--ws-port", "0"]));
    const { outerPort, innerPort, wsPort } = gateway;
    const worker = stack.use(
      new WorkerProcess(Deno.execPath(), {
        args: [...runArgs("worker"), WORKER, "--port", String(innerPort)],
        cwd: ROOT,
      }),
    );
    await worker.line(/^maple worker ready workers=2 /);
    await using page = await ChatPage.open(wsPort, 7);
    await page.until("heard", 1);
    await page.startTalking();
    await page.saysMore(50);

    worker.kill("SIGHUP");
    await worker.logged(/reloaded: the new processes are ready/);
    await page.saysMore(50);
    const before = worker.started.length;
    Deno.kill(worker.children[0]!, "SIGKILL");
    await eventually(() => worker.started.length > before, {
      timeout: 30_000,
      what: "another child",
    });
    await page.saysMore(50);
    assertEquals(await page.lines("failed"), []);
    assertEquals(await page.lines("state"), ["connecting", "open"]);

    for (const [round, signal] of (["SIGTERM", "SIGKILL"] as const).entries()) {
      gateway.process.kill(signal);
      await gateway.process.finished();
      gateway = stack.use(
        await startGatewayProcess([
          ...["--outer-port", String(outerPort), "--ws-port", String(wsPort)],
          ...["--inner-port", String(innerPort)],
        ]),
      );
      await eventually(
        async () => {
          const states = await page.lines("state");
          return states.filter((state) => state === "open").length ===
            round + 2;
        },
        { timeout: 60_000, what: "another connection" },
      );
      await page.saysMore(50);
    }

    const total = await page.stopTalking();
    const [said, failed, heard, states] = await Promise.all(
      ["said", "failed", "heard", "state"].map((kind) => page.lines(kind)),
    );
    assertEquals(said!.length + failed!.length, total);
    for (const line of failed!) {
      assertMatch(
        line,
        /^message \d+\. \(Cannot .*; the request (may have been carried out|was not sent)\)$/,
      );
    }
    // All hear what is said before it is answered.
    const known = new Set(heard);
    assertEquals(said!.filter((text) => !known.has(`user 7: ${text}`)), []);
    const logins = heard!.filter((line) => line === "user 7 is here");
    assert(logins.length >= 3, `${logins.length} logins`);
    for (
      const state of states!.filter((state) => state.startsWith("waiting"))
    ) {
      assertMatch(state, /^waiting: (the connection is lost|Cannot connect)/);
    }
    assertEquals(page.errors, []);
  },
);
