// The page of the card table in Chromium, started as users start it: two people and a bot play a
// whole game, while the workers are reloaded and killed and a page is loaded anew.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type {
  Browser,
  BrowserContextOptions,
  Page,
} from "npm:playwright-core@1.65.1";
import { hasChromium, openBrowser } from "../helpers/browser.ts";
import { eventually } from "../helpers/eventually.ts";
import { hasNpm } from "../helpers/npm.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../helpers/process.ts";

const MAIN = pathOf("../../examples/doudizhu/main.ts");
const WORKER = pathOf("../../examples/doudizhu/worker.ts");
const PATIENCE = { timeout: 60_000 };

/** Somebody at the page. */
class Person {
  readonly page: Page;
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error") this.errors.push(line.text());
    });
  }

  static async comes(
    browser: Browser,
    url: string,
    options: BrowserContextOptions,
  ): Promise<Person> {
    const context = await browser.newContext(options);
    const person = new Person(await context.newPage());
    await person.page.goto(url);
    return person;
  }

  async sitsDown(name: string): Promise<void> {
    await this.page.fill("[data-key=name]", name);
    await this.page.click("[data-key=play]");
  }

  has(selector: string): Promise<boolean> {
    return this.page.locator(selector).first().isVisible();
  }

  async server(key: string): Promise<number> {
    return Number(await this.page.textContent(`[data-server=${key}]`));
  }

  async hand(): Promise<string[]> {
    const cards = await this.page.locator(".hand .card").all();
    return await Promise.all(
      cards.map(async (card) => (await card.getAttribute("aria-label"))!),
    );
  }

  /** Does what is to be done in their turn, if it is; with the mouse, or with keys. */
  async moves(withKeys: boolean): Promise<void> {
    const { page } = this;
    if (!await this.has(".mine.turn")) return;
    const press = (key: string) => page.keyboard.press(key);
    const click = (key: string) =>
      page.click(`[data-key=${key}]:not(:disabled)`, { timeout: 5000 });
    try {
      if (await this.has("[data-key=bid3]")) {
        return await (withKeys ? press("3") : click("bid3"));
      }
      await (withKeys ? press("h") : click("hint"));
      if (await page.locator(".card[aria-pressed=true]").count() === 0) return;
      await (withKeys ? press("Enter") : click("playCards"));
    } catch (error) {
      // The turn may have been over by then.
      if (!/Timeout/.test(String(error))) throw error;
    }
  }
}

function startTable(...flags: string[]): Promise<RunningProcess> {
  return startProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, "--port", "0", ...flags],
    cwd: ROOT,
    ready: /^斗地主 at (http:\S+)$/,
    timeout: 120_000,
  });
}

async function goesOn(
  people: readonly Person[],
  until: () => Promise<boolean>,
) {
  await eventually(async () => {
    await people[0]!.moves(false);
    await people[1]!.moves(true);
    return await until();
  }, { timeout: 240_000, what: "the game to go on" });
}

// A card is chosen and put back with keys alone.
async function usesKeys({ page }: Person): Promise<void> {
  const chosen = page.locator(".card[aria-pressed=true]");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  assertEquals(await chosen.count(), 1);
  const second = page.locator(".hand .card").nth(1);
  assertEquals(await second.getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Escape");
  assertEquals(await chosen.count(), 0);
}

// The language and the theme are changed, and changed back.
async function changesLook({ page }: Person): Promise<void> {
  const ground = "getComputedStyle(document.documentElement).backgroundColor";
  const dark = await page.evaluate(ground);
  await page.click("[data-key=theme]");
  assert(await page.evaluate(ground) !== dark);
  await page.click("[data-key=theme]");
  assertEquals(await page.evaluate(ground), dark);
  await page.click("[data-key=language]");
  assertEquals(await page.title(), "Fight the Landlord");
  assertEquals(await page.getAttribute("html", "lang"), "en");
  await page.click("[data-key=language]");
  assertEquals(await page.title(), "斗地主");
}

Deno.test({
  name:
    "two pages and a bot play a game through while workers are reloaded and killed and a page is loaded anew",
  ignore: !hasChromium || !hasNpm,
  async fn() {
    await using table = await startTable("--wait", "2", "--turn", "120");
    const [, master] = await table.line(/kill -HUP (\d+)$/);
    const url = table.ready![1]!;
    await using browser = await openBrowser();
    const ann = await Person.comes(browser, `${url}?lang=en`, {
      viewport: { width: 1100, height: 820 },
    });
    const bob = await Person.comes(browser, `${url}?lang=zh`, {
      viewport: { width: 390, height: 844 },
      colorScheme: "dark",
    });
    const people = [ann, bob];
    assertEquals(await ann.page.title(), "Fight the Landlord");
    assertEquals(await bob.page.title(), "斗地主");
    await ann.sitsDown("Ann");
    await bob.sitsDown("小明");
    for (const { page } of people) {
      await page.waitForSelector(".hand", PATIENCE);
    }
    const names = await ann.page.locator(".who strong").allTextContents();
    assertEquals(names.filter((name) => name.startsWith("🤖")).length, 1);
    assert(names.includes("小明"));
    const wide = "document.documentElement.scrollWidth > window.innerWidth";
    for (const { page } of people) {
      assertEquals(await page.evaluate(wide), false);
    }

    await usesKeys(ann);
    await changesLook(bob);
    // Until somebody is the landlord, and the three cards lie open.
    await goesOn(people, async () => !await ann.has(".middle .back"));
    // What is said is heard at the table.
    await ann.page.fill("[data-key=say]", "hello 你好");
    await ann.page.press("[data-key=say]", "Enter");
    await bob.page.waitForSelector("text=hello 你好", PATIENCE);
    await ann.page.locator("h1").click();

    const before = await ann.server("pid");
    Deno.kill(Number(master), "SIGHUP");
    await eventually(() => /reloaded: the new processes/.test(table.stderr), {
      ...PATIENCE,
      what: "a reload",
    });
    await goesOn(people, async () => await ann.server("pid") !== before);

    // Loaded anew, with the same cards in the hand.
    const held = await bob.hand();
    await bob.page.reload();
    await bob.page.waitForSelector(".hand", PATIENCE);
    const now = await bob.hand();
    assert(now.length > 0);
    assertEquals(now.filter((card) => !held.includes(card)), []);

    // A duplicate of the window goes on with the game; the first one says so when it is used.
    const kept = await ann.page.evaluate("({ ...sessionStorage })");
    const twin = new Person(await ann.page.context().newPage());
    await twin.page.addInitScript((kept: unknown) => {
      Object.assign(sessionStorage, kept);
    }, kept);
    await twin.page.goto(`${url}?lang=en`);
    await twin.page.waitForSelector(".hand", PATIENCE);
    await ann.page.fill("[data-key=say]", "still there?");
    await ann.page.press("[data-key=say]", "Enter");
    await ann.page.waitForSelector("[data-key=here]", PATIENCE);
    await twin.page.close();
    await ann.page.click("[data-key=here]");
    await ann.page.waitForSelector(".hand", PATIENCE);
    assertEquals(twin.errors, []);

    Deno.kill(await ann.server("pid"), "SIGKILL");
    await goesOn(
      people,
      async () => await ann.has(".result") && await bob.has(".result"),
    );
    const won = await Promise.all(
      people.map(({ page }) => page.textContent(".result h2")),
    );
    assertMatch(won[0]!, /^You have (won|lost) [+-]\d+$/);
    assertMatch(won[1]!, /^你(赢|输)了 [+-]\d+$/);
    for (const person of people) {
      assertEquals(await person.server("reconnects"), 0);
      assertEquals(person.errors, []);
    }
    assert(await ann.server("reloads") > 0);

    table.kill("SIGTERM");
    assertEquals((await table.finished(60_000)).code, 0);
  },
});

Deno.test({
  name:
    "the card table says what is wrong with its flags, and fills its hall with bots",
  ignore: !hasNpm,
  async fn() {
    const wrong = await startProcess(Deno.execPath(), {
      args: ["run", "-A", MAIN, "--bot", "3"],
      cwd: ROOT,
    });
    await using _wrong = wrong;
    assertEquals((await wrong.finished(60_000)).code, 2);
    assertMatch(wrong.stderr, /^table: there is no flag --bot;/);
    await using half = await startProcess(Deno.execPath(), {
      args: ["run", "-A", MAIN, "--workers", "1.5"],
      cwd: ROOT,
    });
    assertEquals((await half.finished(60_000)).code, 2);
    assertEquals(
      half.stderr.trim(),
      'table: --workers takes a whole number, got "1.5"',
    );
    await using timeless = await startProcess(Deno.execPath(), {
      args: ["run", "-A", WORKER, "--store", ":memory:", "--turn", "abc"],
      cwd: ROOT,
    });
    assertEquals((await timeless.finished(60_000)).code, 2);
    assertEquals(
      timeless.stderr.trim(),
      'worker: --turn takes a number, got "abc"',
    );
    await using table = await startTable("--bots", "60");
    await table.line(/^60 bots play$/, 60_000);
    table.kill("SIGTERM");
    assertEquals((await table.finished(60_000)).code, 0);
  },
});
