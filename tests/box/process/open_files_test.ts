// How many files may be open, and how they are shared out.

import { assert, assertEquals } from "@std/assert";
import { fitOpenFiles, openFilesMax } from "@maple/box/internal";
import { pathOf } from "../../helpers/paths.ts";
import { runProcess } from "../../helpers/process.ts";

const LINUX = Deno.build.os === "linux";
const MODULE = JSON.stringify(pathOf("../../box/process/open_files.ts"));

Deno.test("fitOpenFiles() leaves alone what fits", () => {
  for (const filesMax of [11_128, 20_000, 1_000_000]) {
    const places = { connsMax: 10_000, innerConnsMax: 1000 };
    assertEquals(fitOpenFiles(places, filesMax), places);
  }
});

Deno.test("fitOpenFiles() lowers what does not fit, and keeps some for everything else", () => {
  const fit = (connsMax: number, innerConnsMax: number, filesMax: number) => {
    const places = fitOpenFiles({ connsMax, innerConnsMax }, filesMax);
    return [places.connsMax, places.innerConnsMax];
  };
  assertEquals(fit(10_000, 1000, 11_127), [9999, 1000]);
  assertEquals(fit(10_000, 1000, 1024), [672, 224]);
  assertEquals(fit(10_000, 1000, 256), [96, 32]);
  assertEquals(fit(10_000, 1000, 64), [24, 8]);
  // Few clients leave the rest to workers and triggers.
  assertEquals(fit(100, 1000, 1024), [100, 796]);
  assertEquals(fit(500_000, 2 ** 31 - 1, 20_000), [14_904, 4968]);
  assertEquals(fit(1, 1, 1), [1, 1]);
});

async function maxUnder(prefix: string, flags: string): Promise<string> {
  const code = `
    const { openFilesMax } = await import(${MODULE});
    console.log(openFilesMax());
  `;
  const { stdout, stderr } = await runProcess("bash", {
    args: [
      "-c",
      `${prefix} exec "$0" run --quiet --no-prompt ${flags} - <<< "$1"`,
      Deno.execPath(),
      code,
    ],
  });
  assertEquals(stderr, "");
  return stdout.join();
}

Deno.test({
  name:
    "openFilesMax() is what the system allows, and undefined where it may not look",
  ignore: !LINUX,
  async fn() {
    assertEquals(await maxUnder("ulimit -n 300;", "-A"), "300");
    assertEquals(await maxUnder("", "--allow-net"), "undefined");
    assert(openFilesMax()! > 0);
  },
});

Deno.test({
  name: "openFilesMax() raises the limit of a process that may have more",
  ignore: !LINUX || !await hasPrlimit(),
  async fn() {
    const code = `
      const { openFilesMax } = await import(${MODULE});
      await new Deno.Command("prlimit", {
        args: ["--pid=" + Deno.pid, "--nofile=200:400"],
      }).output();
      console.log(openFilesMax());
    `;
    const { stdout } = await runProcess(Deno.execPath(), {
      args: ["eval", "--quiet", code],
    });
    assertEquals(stdout, ["400"]);
  },
});

async function hasPrlimit(): Promise<boolean> {
  try {
    await new Deno.Command("prlimit", { args: ["--version"] }).output();
    return true;
  } catch {
    return false;
  }
}
