// The stage of files: each is read in this process, and some by the real program as well.

import { UsageError } from "@maple/box/internal";
import { GatewayError } from "@maple/gateway";
import { parseConfigFile } from "../../../gateway/config_file.ts";
import { resolveOptions } from "../../../gateway/resolve_options.ts";
import { SETTINGS } from "../../../gateway/setting_table.ts";
import { readSettings } from "../../../gateway/settings.ts";
import { toText } from "../../../gateway/stat/cells.ts";
import { originalLines } from "../../../gateway/stat/original_lines.ts";
import { parseReport } from "../../../gateway/stat/report_file.ts";
import { renderScreen } from "../../../gateway/stat/screen.ts";
import { GATEWAY_MAIN } from "../../helpers/gateway_process.ts";
import { pathOf } from "../../helpers/paths.ts";
import { runProcess } from "../../helpers/process.ts";
import { contentOf, type FuzzInput } from "./input.ts";
import type { Stage } from "./stage.ts";
import type { FuzzTarget } from "./target.ts";

// A process costs a thousand times what reading in this one does.
const PROGRAM_EVERY = 400;
const READ_MS = 2000;
const LINE_MAX = 3000;
const CONTROL = /\p{Cc}/u;
const COMMAND_LINE = { flags: new Map<string, string>(), words: [] };

/** Starts it. */
export function startFilesStage(): Promise<Stage> {
  return Promise.resolve(new FilesStage());
}

class FilesStage implements Stage {
  readonly messages = 0;
  readonly honestDone = 0;
  readonly #faults: string[] = [];
  readonly #folder = Deno.makeTempDirSync({ prefix: "maple_fuzz_" });
  #count = 0;

  async deliver({ name }: FuzzTarget, input: FuzzInput): Promise<void> {
    const bytes = contentOf(input);
    const text = new TextDecoder().decode(bytes);
    const start = performance.now();
    if (name === "config") this.#readConfig(text);
    else this.#readStat(text);
    const ms = performance.now() - start;
    if (ms > READ_MS) this.#faults.push(`${name}: read in ${ms} ms`);
    if (this.#count++ % PROGRAM_EVERY !== 0) return;
    const file = `${this.#folder}/${this.#count}`;
    Deno.writeFileSync(file, bytes);
    await this.#run(name, file);
    Deno.removeSync(file);
  }

  faults(): string[] {
    return this.#faults.splice(0);
  }

  settle(): Promise<string[]> {
    return Promise.resolve(this.faults());
  }

  memory(): Record<string, number> {
    return {};
  }

  [Symbol.asyncDispose](): Promise<void> {
    Deno.removeSync(this.#folder, { recursive: true });
    return Promise.resolve();
  }

  #readConfig(text: string): void {
    try {
      const file = { path: "FILE", text };
      parseConfigFile(file, SETTINGS);
      resolveOptions(readSettings(COMMAND_LINE, file).gateway);
    } catch (error) {
      this.#refused("config", error);
    }
  }

  #readStat(text: string): void {
    try {
      const report = parseReport("FILE", text);
      const lines = [
        ...originalLines(report),
        ...renderScreen({ report, rates: null }, { width: 80 })
          .map((line) => toText(line, { width: 80, colors: false })),
      ];
      const steering = lines.find((line) => CONTROL.test(line));
      if (steering === undefined) return;
      this.#faults.push(
        `stat: shows control characters: ${JSON.stringify(steering)}`,
      );
    } catch (error) {
      this.#refused("stat", error);
    }
  }

  #refused(name: string, error: unknown): void {
    const { message, stack } = error as Error;
    if (!(error instanceof UsageError || error instanceof GatewayError)) {
      this.#faults.push(`${name}: throws ${stack}`);
    } else if (message === "") {
      this.#faults.push(`${name}: refused without a word`);
    }
  }

  // It may read and nothing else: a file may name any port and any other file.
  async #run(name: string, file: string): Promise<void> {
    const main = name === "config"
      ? [GATEWAY_MAIN, "--config", file]
      : [pathOf("../../gateway/stat.ts"), "-f", file, "-l", "1"];
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...[
          "run",
          "--quiet",
          "--no-prompt",
          "--config",
          pathOf("../../deno.json"),
        ],
        ...["--allow-read", "--allow-env", "--allow-sys", ...main],
      ],
    });
    const isGood = name === "stat" && code === 0;
    if (!isGood && code !== 1 && code !== 2) {
      this.#faults.push(
        `${name}: the program ends with code ${code}: ${stderr}`,
      );
    }
    const said = stderr.split("\n").filter((line) => line !== "");
    if (said.some((line) => line.startsWith("    at "))) {
      this.#faults.push(`${name}: the program ends with a stack: ${stderr}`);
    }
    if (!isGood && said.length === 0) {
      this.#faults.push(`${name}: the program ends without a word`);
    }
    const long = said.find((line) => line.length > LINE_MAX);
    if (long !== undefined) {
      this.#faults.push(
        `${name}: the program prints a line of ${long.length} characters: ${
          long.slice(0, 200)
        }`,
      );
    }
    const steering = [...stdout, ...said].find((line) => CONTROL.test(line));
    if (steering !== undefined) {
      this.#faults.push(
        `${name}: the program prints control characters: ${
          JSON.stringify(steering)
        }`,
      );
    }
  }
}
