// What shells complete behind maple, and its page of the manual: as these programs see them.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMAND as GATEWAY } from "../../gateway/command.ts";
import { COMMAND as TRIGGER } from "../../trigger/command.ts";
import { isInstalled } from "../helpers/installed.ts";
import { pathOf, ROOT } from "../helpers/paths.ts";
import { type Finished, runProcess } from "../helpers/process.ts";

const untested = "what it completes is not tested";
const [hasBash, hasZsh, hasMan, hasMandoc] = await Promise.all([
  isInstalled(["bash", "--version"], { packages: "bash", untested }),
  isInstalled(["zsh", "--version"], { packages: "zsh", untested }),
  isInstalled(["man", "--version"], {
    packages: "man-db",
    untested: "the page of the manual is not tried with it",
  }),
  isInstalled(["mandoc", "-h"], {
    packages: "mandoc",
    untested: "the page of the manual is not checked by it",
  }),
]);

function maple(...args: string[]): Promise<Finished> {
  return runProcess(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${ROOT}/mod.ts`, ...args],
  });
}

/** What `maple` prints, as a file. */
class Printed implements AsyncDisposable {
  readonly path: string;
  readonly text: string;

  private constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  static async of(...args: string[]): Promise<Printed> {
    const { code, stdout, stderr } = await maple(...args);
    assertEquals([code, stderr], [0, ""]);
    const path = await Deno.makeTempFile({ prefix: "maple_printed_" });
    const text = stdout.join("\n") + "\n";
    await Deno.writeTextFile(path, text);
    return new Printed(path, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path);
  }
}

Deno.test({
  name:
    "bash completes the programs of maple, their flags and the values of these",
  ignore: !hasBash,
  fn: async () => {
    await using script = await Printed.of("completion", "bash");
    assertEquals(
      (await runProcess("bash", { args: ["-n", script.path] })).code,
      0,
    );
    const complete = async (...words: string[]) => {
      const driver = pathOf("../system/programs/complete.bash");
      const { code, stdout, stderr } = await runProcess("bash", {
        args: [driver, script.path, ...words],
        cwd: ROOT,
      });
      assertEquals([code, stderr], [0, ""]);
      return stdout.filter((line) => line !== "");
    };
    const all = await complete("maple", "");
    for (const name of ["gateway", "trigger", "stat", "load", "help", "man"]) {
      assert(all.includes(name), name);
    }
    assertEquals(await complete("maple", "g"), ["gateway"]);
    assertEquals(await complete("maple", "help", "tr"), ["trigger"]);
    assertEquals(await complete("maple", "completion", "z"), ["zsh"]);
    assertEquals(await complete("maple", "trigger", "ba"), ["ban"]);
    assertEquals(await complete("maple", "trigger", "ban", "--add"), [
      "--address",
    ]);
    assertEquals(await complete("maple", "trigger", "ban", "--uids"), []);
    const flags = await complete("maple", "gateway", "-");
    for (const { name, short } of GATEWAY.flags) {
      assert(flags.includes(`--${name}`), name);
      if (short !== undefined) assert(flags.includes(`-${short}`), short);
    }
    assertEquals(await complete("maple", "gateway", "--log-level", "W"), [
      "WARN",
    ]);
    assertEquals(await complete("maple", "gateway", "--io", "=", "e"), [
      "epoll",
    ]);
    assertEquals(await complete("maple", "gateway", "--io", "="), [
      "deno",
      "epoll",
    ]);
    // What nobody can guess; what is a file; what stands behind a flag without a value.
    assertEquals(await complete("maple", "gateway", "--outer-port", ""), []);
    assertEquals(await complete("maple", "gateway", "-c", "LICEN"), [
      "LICENSE",
    ]);
    assertEquals(
      await complete("maple", "gateway", "--reuse-port", "--outer-p"),
      ["--outer-port"],
    );
    assertEquals(await complete("maple", "nothing", ""), []);
  },
});

Deno.test({
  name: "zsh completes them too",
  ignore: !hasZsh,
  fn: async () => {
    await using script = await Printed.of("completion", "zsh");
    assertEquals(
      (await runProcess("zsh", { args: ["-n", script.path] })).code,
      0,
    );
    for (
      const [line, expected] of [
        ["maple gat", "maple gateway "],
        ["maple help tr", "maple help trigger "],
        ["maple completion b", "maple completion bash "],
        ["maple gateway --handover-t", "maple gateway --handover-timeout="],
        [
          "maple gateway --reuse-port --order n",
          "maple gateway --reuse-port --order none ",
        ],
        ["maple gateway --log-level=W", "maple gateway --log-level=WARN "],
        ["maple gateway --config LICEN", "maple gateway --config LICENSE "],
        ["maple trigger ba", "maple trigger ban "],
        ["maple trigger ban --addr", "maple trigger ban --address="],
        ["maple trigger ban --secret", "maple trigger ban --secret-file="],
      ] as const
    ) {
      const driver = pathOf("../system/programs/complete.zsh");
      const { stdout, stderr } = await runProcess("zsh", {
        args: ["-f", driver, script.path, line],
        cwd: ROOT,
      });
      assertEquals([stdout, stderr], [[expected], ""]);
    }
  },
});

Deno.test("maple man has every program and every flag", async () => {
  await using page = await Printed.of("man");
  const plain = page.text.replaceAll("\\-", "-");
  for (const { name, subCommands = [], flags } of [GATEWAY, TRIGGER]) {
    assertStringIncludes(plain, `.SH "MAPLE ${name.toUpperCase()}"\n`);
    for (const sub of subCommands) {
      assertStringIncludes(plain, `.SS "maple ${name} ${sub.name}"\n`);
    }
    const all = [...flags, ...subCommands.flatMap(({ flags }) => flags)];
    for (const flag of all) {
      assertStringIncludes(plain, `\\fB--${flag.name}\\fR`);
      assertStringIncludes(plain, flag.help);
    }
  }
});

Deno.test({
  name: "maple man is a page that man shows without a warning",
  ignore: !hasMan,
  fn: async () => {
    await using page = await Printed.of("man");
    const { code, stdout, stderr } = await runProcess("man", {
      args: ["--warnings", "-l", page.path],
      env: { MANPAGER: "cat", MANWIDTH: "100", LC_ALL: "C" },
    });
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout.join("\n"), "--outer-port PORT");
  },
});

Deno.test({
  name:
    "maple man is a page in which mandoc finds nothing but that it has no date",
  ignore: !hasMandoc,
  fn: async () => {
    await using page = await Printed.of("man");
    const { stdout, stderr } = await runProcess("mandoc", {
      args: ["-T", "lint", "-W", "warning", page.path],
    });
    assertEquals([...stdout, ...stderr.split("\n")].filter(Boolean).length, 1);
    assertStringIncludes(`${stdout}${stderr}`, "missing date");
  },
});

for (
  const [args, words] of [
    [["completion"], "maple completion takes bash or zsh, got nothing"],
    [["completion", "fish"], "maple completion takes bash or zsh, got fish"],
    [["completion", "bash", "zsh"], "got bash zsh"],
    [["man", "gateway"], "maple man takes no argument"],
  ] as const
) {
  Deno.test(`maple ${args.join(" ")} ends with 2 and one line`, async () => {
    const { code, stdout, stderr } = await maple(...args);
    assertEquals([code, stdout], [2, []]);
    assertStringIncludes(stderr, words);
    assertEquals(stderr.split("\n").length, 2);
  });
}
