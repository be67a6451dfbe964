// The dashboard in a real browser: figures, charts, names of workers, themes, a phone, and a
// gateway that stops and comes back.

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import type {
  Browser,
  BrowserContextOptions,
  Page,
} from "npm:playwright-core@1.65.1";
import { TaskCmd, TaskFlag } from "@maple/box";
import { statusUrl } from "@maple/box/internal";
import { MetricsServer } from "../../gateway/metrics/server.ts";
import { reportOf } from "../../gateway/metrics/report.ts";
import { hasChromium, openBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { MemoryBuses } from "../helpers/memory_bus.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";

const SCRIPT_NAME = '<script>document.title="taken"</script><b>';

function browserTest(name: string, fn: (browser: Browser) => Promise<void>) {
  Deno.test({
    name,
    ignore: !hasChromium,
    fn: async () => {
      await using browser = await openBrowser();
      await fn(browser);
    },
  });
}

/** A page and what went wrong in it. */
async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage(options);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (line) => {
    if (line.type() === "error") errors.push(line.text());
  });
  await page.goto(url);
  return { page, errors };
}

function serve({ gateway }: GatewayFixture): MetricsServer {
  return new MetricsServer("0", () => reportOf(gateway), {
    logger: new LogCollector(),
  });
}

/** Waits until the text of the first such element matches. */
async function untilText(
  page: Page,
  selector: string,
  pattern: RegExp,
): Promise<string> {
  let text = "";
  await eventually(async () => {
    text = await page.locator(selector).first().textContent() ?? "";
    return pattern.test(text);
  }, { timeout: 20_000, what: `${selector} that matches ${pattern}` })
    .catch((error) => {
      throw new Error(`${error.message}; it is "${text}"`);
    });
  return text;
}

async function isTooWide(page: Page): Promise<boolean> {
  return await page.evaluate(
    "document.documentElement.scrollWidth > window.innerWidth",
  );
}

browserTest(
  "the dashboard shows figures, and they change under load",
  async (browser) => {
    await using fixture = await GatewayFixture.start();
    await using _worker = await fixture.attachEcho();
    await using server = serve(fixture);
    const { page, errors } = await openPage(browser, statusUrl(server.addr));
    await untilText(page, "#state", /^serving$/);
    assertEquals(
      await page.textContent("#outer"),
      `127.0.0.1:${fixture.outer.port}`,
    );
    await untilText(page, "#clients", /^0$/);
    await untilText(page, "#workers", /^1$/);
    await untilText(page, "#requests", /^0$/);
    const line = page.locator("#chart-requests svg[role=img] .line").first();
    const before = await line.getAttribute("d");
    await using client = await fixture.connect();
    let loading = true;
    const load = (async () => {
      while (loading) {
        await client.write({ cmd: 7, body: "hello" });
        await client.read();
      }
    })();
    await untilText(page, "#clients", /^1$/);
    await untilText(page, "#requests", /^[1-9]/);
    await untilText(page, "#work", /(µs|ms|s)$/);
    await untilText(page, "#commands-rows td:nth-child(1)", /^7$/);
    await untilText(page, "#commands-rows td:nth-child(2)", /^[1-9]/);
    await untilText(page, "#workers-rows td:nth-child(6)", /^[1-9]/);
    await untilText(page, "#chart-work figcaption", /p50 .*p99 .*s$/);
    assertNotEquals(await line.getAttribute("d"), before);
    loading = false;
    await load;
    for (const id of ["requests", "work", "waiting", "clients", "delay"]) {
      assert(
        await page.locator(`#chart-${id} svg[role=img] .line`).count() > 0,
        id,
      );
    }
    // What a later page shows includes what was before it was opened.
    const late = await openPage(browser, statusUrl(server.addr));
    await untilText(late.page, "#state", /^serving$/);
    assertMatch(
      await late.page.locator("#chart-requests svg[role=img] .line").first()
        .getAttribute("d") ?? "",
      /L/,
    );
    assertEquals([...errors, ...late.errors], []);
  },
);

browserTest(
  "the dashboard shows in red that no worker is attached, until one is",
  async (browser) => {
    await using fixture = await GatewayFixture.start();
    await using server = serve(fixture);
    await using client = await fixture.connect();
    await client.write({ cmd: 7 });
    const { page, errors } = await openPage(browser, statusUrl(server.addr));
    const colour = (): Promise<string> =>
      page.evaluate(
        'getComputedStyle(document.getElementById("workers")).color',
      );
    await untilText(page, "#workers-more", /^no worker is attached/);
    await untilText(page, "#trouble-rows td", /^no worker is attached; /);
    await untilText(page, "#trouble-rows td:nth-child(2)", /^2$/);
    const red = await colour();
    await using _worker = await fixture.attachEcho();
    await untilText(page, "#workers-more", /^tasks in hand/);
    assertNotEquals(await colour(), red);
    assertEquals(await page.locator("#trouble-rows tr").count(), 0);
    assertEquals(errors, []);
  },
);

browserTest(
  "the dashboard shows a worker's name as text, whatever it is",
  async (browser) => {
    await using fixture = await GatewayFixture.start();
    await using worker = await fixture.attach();
    await worker.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: TaskFlag.EXPLICIT_ACK,
      body: JSON.stringify({ name: SCRIPT_NAME, host: '"><img src=x>' }),
    });
    await fixture.until((stats) => stats.workers === 1);
    await using server = serve(fixture);
    const { page, errors } = await openPage(browser, statusUrl(server.addr));
    await untilText(page, "#workers-rows td", /script/);
    assertEquals(await page.textContent("#workers-rows td"), SCRIPT_NAME);
    assertEquals(
      await page.getAttribute("#workers-rows td", "title"),
      'on "><img src=x>',
    );
    assertEquals(await page.locator("script").count(), 1);
    assertEquals(await page.locator("#workers-rows b, img").count(), 0);
    assertMatch(await page.title(), /^serving/);
    assertEquals(errors, []);
  },
);

browserTest(
  "the dashboard says that a gateway has stopped, and goes on when it is back",
  async (browser) => {
    await using gateway = await startGatewayProcess(["--metrics", "0"]);
    const at = /dashboard at (http:\S+:(\d+)\/)/;
    await eventually(() => at.test(gateway.process.stderr));
    const [, url, port] = at.exec(gateway.process.stderr)!;
    const { page } = await openPage(browser, url!);
    await untilText(page, "#state", /^serving$/);
    assertEquals(await page.locator("#notice").isHidden(), true);
    gateway.process.kill("SIGTERM");
    assertEquals((await gateway.process.finished()).code, 0);
    await untilText(page, "#state", /^stopped$/);
    assertMatch(
      await page.textContent("#notice") ?? "",
      /^The gateway has stopped\. Last data: \d+:\d\d:\d\d.*, \d+ s ago\./,
    );
    assertEquals(await page.locator("#notice").isVisible(), true);
    assertMatch(await page.title(), /^stopped/);
    await using again = await startGatewayProcess([
      ...["--metrics", port!],
      ...["--node-id", "5"],
    ]);
    await untilText(page, "#state", /^serving$/);
    await untilText(page, "#node", /^5$/);
    assertEquals(await page.locator("#notice").isHidden(), true);
    again.process.kill("SIGTERM");
    assertEquals((await again.process.finished()).code, 0);
  },
);

browserTest(
  "the dashboard follows the reader's theme, and its button changes it for good",
  async (browser) => {
    await using fixture = await GatewayFixture.start();
    await using server = serve(fixture);
    const background = (page: Page): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor");
    const url = statusUrl(server.addr);
    const light = await openPage(browser, url, { colorScheme: "light" });
    const dark = await openPage(browser, url, { colorScheme: "dark" });
    const [bright, night] = [
      await background(light.page),
      await background(dark.page),
    ];
    assertNotEquals(bright, night);
    await light.page.click("#theme");
    assertEquals(await background(light.page), night);
    await light.page.reload();
    assertEquals(await background(light.page), night);
    await light.page.click("#theme");
    assertEquals(await background(light.page), bright);
    await dark.page.click("#theme");
    assertEquals(await background(dark.page), bright);
    assertEquals([...light.errors, ...dark.errors], []);
  },
);

browserTest(
  "the dashboard shows the gateways of the cluster, and in red that the bus is away",
  async (browser) => {
    const buses = new MemoryBuses();
    const bus = buses.make();
    await using fixture = await GatewayFixture.start({ bus });
    await using server = serve(fixture);
    const { page, errors } = await openPage(browser, statusUrl(server.addr), {
      viewport: { width: 320, height: 640 },
    });
    await untilText(page, "#cluster-name", /^maple · whole$/);
    await untilText(page, "#gateways-rows td", /^this one$/);
    await using other = await GatewayFixture.start({ bus: buses.make() });
    await using _client = await other.connect();
    const row = "#gateways-rows tr:nth-child(2) ";
    await untilText(page, `${row} td:nth-child(5)`, /^1$/);
    assertEquals(
      await page.locator(`${row} td`).allTextContents().then((texts) =>
        texts.slice(0, 5)
      ),
      [
        `127.0.0.1:${other.inner.port}`,
        `127.0.0.1:${other.outer.port}`,
        ...["1", "serving", "1"],
      ],
    );
    assertEquals(await isTooWide(page), false);
    bus.cut();
    await untilText(page, "#cluster-name", /^maple · alone$/);
    await untilText(page, "#cluster-more", /^alone: memory is away; /);
    await untilText(page, "#trouble-rows", /alone: the bus is away/);
    bus.heal();
    await untilText(page, "#cluster-name", /^maple · whole$/);
    await other.gateway.closeNow();
    await eventually(async () =>
      await page.locator("#gateways-rows tr").count() === 1
    );
    assertEquals(errors, []);
  },
);

browserTest(
  "the dashboard of a gateway without a cluster speaks of none",
  async (browser) => {
    await using fixture = await GatewayFixture.start();
    await using server = serve(fixture);
    const { page } = await openPage(browser, statusUrl(server.addr));
    await untilText(page, "#state", /^serving$/);
    assertEquals(await page.locator("#cluster").isHidden(), true);
  },
);

browserTest("the dashboard fits a phone", async (browser) => {
  await using fixture = await GatewayFixture.start();
  await using worker = await fixture.attach();
  await worker.send({
    cmd: TaskCmd.WORKER_ASK_FOR_TASK,
    flags: TaskFlag.EXPLICIT_ACK,
    body: JSON.stringify({ name: "x".repeat(100), pid: 1234567 }),
  });
  await fixture.until((stats) => stats.workers === 1);
  await using server = serve(fixture);
  const { page, errors } = await openPage(browser, statusUrl(server.addr), {
    viewport: { width: 375, height: 812 },
  });
  await untilText(page, "#workers-rows td", /xxx/);
  assertEquals(await isTooWide(page), false);
  await page.setViewportSize({ width: 320, height: 640 });
  assertEquals(await isTooWide(page), false);
  assertEquals(errors, []);
});

browserTest(
  "the dashboard tells the figures of the moment that the reader points at",
  async (browser) => {
    await using fixture = await GatewayFixture.start();
    await using server = serve(fixture);
    const { page, errors } = await openPage(browser, statusUrl(server.addr));
    await untilText(page, "#chart-clients figcaption", /0$/);
    const box = (await page.locator("#chart-clients").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await untilText(page, "#chart-requests .when", /^\d+:\d\d:\d\d/);
    await untilText(page, "#chart-clients figcaption", /–$/);
    await page.mouse.move(1, 1);
    await untilText(page, "#chart-clients figcaption", /0$/);
    assertEquals(await page.locator(".when").count(), 0);
    assertEquals(errors, []);
  },
);
