/**
 * The trigger as a program: what `deno run -A jsr:@maple/trigger` runs.
 *
 * @example
 * ```ts ignore
 * import { main } from "@maple/trigger/main";
 *
 * Deno.exit(await main(["close-users", "--uids", "1,2"]));
 * ```
 *
 * @module
 */

import { Box, type Task, TaskCmd } from "@maple/box";
import {
  ABOUT_FLAGS,
  nearest,
  readFlags,
  runCommand,
  SILENT,
  subUsageOf,
  tellRemarks,
  UsageError,
  usageOf,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { COMMAND } from "./command.ts";
import { TriggerError } from "./errors.ts";
import type { TriggerGateway, TriggerOptions } from "./options.ts";
import { type Flags, type Program, PROGRAMS, toJson } from "./programs.ts";
import { Trigger } from "./trigger.ts";

// The exit code when with --receipt nobody was reached.
const NOBODY = 3;
// Those of the programs that are not called, which the environment may hold as well.
const OTHERS = [...PROGRAMS.values()].flatMap(({ flags }) => flags);

export { COMMAND };

/**
 * Runs one program.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code: 0 when the gateway has taken it, 1 when not, 2 after a mistake in the
 * command line, 3 when with `--receipt` it has reached nobody.
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("maple trigger", () => run(args));
}

async function run([name, ...args]: readonly string[]): Promise<number> {
  const { version } = config;
  if (name !== undefined && ["-h", "--help", "--version"].includes(name)) {
    readFlags([name], ABOUT_FLAGS, {
      usage: usageOf(COMMAND, version),
      version,
    });
    return 0;
  }
  const program = PROGRAMS.get(name ?? "");
  if (name === undefined || !program) {
    const meant = nearest(name ?? "", [...PROGRAMS.keys()]);
    const got = name === undefined ? "nothing" : `"${name}"`;
    throw new UsageError(
      `The first argument is one of ${
        [...PROGRAMS.keys()].join(", ")
      }, got ${got}; ${
        meant === undefined ? "" : `is ${meant} meant? Else `
      }see --help`,
    );
  }
  const commandLine = readFlags(args, [...program.flags, ...COMMAND.flags], {
    usage: subUsageOf(COMMAND, { name, ...program }),
    version,
    environment: { command: COMMAND.name, others: OTHERS },
  });
  if (!commandLine) return 0;
  tellRemarks(COMMAND.name, commandLine);
  return await work(program, commandLine.flags);
}

// Whom it trusts, where it is over TLS.
function trust(flags: Flags): Pick<TriggerGateway, "tls"> {
  const file = flags.get("tls-ca");
  if (file === undefined) return flags.get("tls") === true ? { tls: {} } : {};
  try {
    return { tls: { caCerts: [Deno.readTextFileSync(String(file))] } };
  } catch (error) {
    throw new UsageError(
      `Cannot read --tls-ca "${file}": ${(error as Error).message}`,
    );
  }
}

// A secret that cannot be used is a mistake of who calls.
function makeTrigger(
  gateway: TriggerGateway,
  options: TriggerOptions,
): Trigger {
  try {
    return new Trigger(Box, [gateway], options);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function work(program: Program, flags: Flags): Promise<number> {
  // A mistake in the flags is told before a gateway is asked for.
  const task = "task" in program ? await program.task(flags) : undefined;
  const host = String(flags.get("host") ?? "127.0.0.1");
  const port = Number(flags.get("port") ?? 28000);
  const timeout = Number(flags.get("timeout") ?? 10);
  const secretFile = flags.get("secret-file");
  const trigger = makeTrigger({ host, port, ...trust(flags) }, {
    timeout,
    name: "maple-trigger",
    ...(secretFile !== undefined && { secretFile: String(secretFile) }),
    logger: SILENT,
  });
  let taken: boolean;
  let code = 0;
  try {
    if ("ask" in program) {
      console.log(toJson(await program.ask(trigger, flags)));
    } else if (flags.get("receipt") === true) {
      code = await sendAndTell(trigger, task!);
    } else await trigger.send(task!);
  } finally {
    taken = await trigger.close();
  }
  if (!taken) {
    throw new TriggerError(
      "connection",
      `The gateway at ${host}:${port} did not say that it has taken it`,
    );
  }
  return code;
}

async function sendAndTell(trigger: Trigger, task: Task): Promise<number> {
  const receipt = await trigger.send(task, { receipt: true });
  const reached = receipt.delivered > 0;
  const isTask = task.cmd === TaskCmd.WRITE_TO_WORKER;
  console.log(toJson(isTask ? { taken: reached } : receipt));
  return reached ? 0 : NOBODY;
}
