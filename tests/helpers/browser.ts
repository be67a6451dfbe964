// openBrowser: a real Chromium without a window, where one is installed.

import type { Browser } from "npm:playwright-core@1.65.1";

/** Where Debian's chromium package puts it. */
const CHROMIUM = "/usr/bin/chromium";

const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether it is installed; without it, a line is printed that says what that means. */
export const hasChromium: boolean = await isInstalled();

async function isInstalled(): Promise<boolean> {
  try {
    return (await Deno.stat(CHROMIUM)).isFile;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(
      `${CHROMIUM} is not installed (Debian: chromium): pages are not tested in a browser`,
    );
    return false;
  }
}

/** Starts one; it ends at the end of the test. */
export async function openBrowser(): Promise<Browser & AsyncDisposable> {
  const { chromium } = await import("npm:playwright-core@1.65.1");
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ARGS,
  });
  return Object.assign(browser, {
    [Symbol.asyncDispose]: () => browser.close(),
  });
}
