// The gateway as a program.

import {
  createLogger,
  describeFlags,
  followLogSignals,
  formatAddress,
  parseCommandLine,
  printLine,
  runCommand,
  setProcessName,
  statusUrl,
  UsageError,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { Gateway } from "./gateway.ts";
import { MetricsServer } from "./metrics/server.ts";
import { reportOf } from "./metrics/report.ts";
import { FLAGS, readSettings } from "./settings.ts";
import { StatFile } from "./metrics/stat_file.ts";

const USAGE = `maple gateway ${config.version}
Holds client connections and forwards between them and the workers that ask.

Usage: maple-gateway [flags]

${describeFlags(FLAGS)}

TERM and INT: stop accepting, let the workers finish what is queued, close;
a second one closes at once.
USR1, USR2: log one level more, one level less.
`;

/**
 * Runs the gateway until it gets TERM or INT.
 *
 * @param args The command line, for instance `Deno.args`.
 * @returns The exit code: 0, 1 after a failure, 2 after a mistake in the command line or the config
 * file.
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommand("maple gateway", () => run(args));
}

async function run(args: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(args, FLAGS);
  if (commandLine.flags.has("help")) {
    console.log(USAGE);
    return 0;
  }
  if (commandLine.flags.has("version")) {
    console.log(config.version);
    return 0;
  }
  if (commandLine.words.length > 0) {
    throw new UsageError(
      `Unexpected argument "${commandLine.words[0]}"; see --help`,
    );
  }
  const file = commandLine.flags.get("config");
  const settings = readSettings(
    commandLine,
    file === undefined ? undefined : readConfig(String(file)),
  );
  setProcessName("maple-gateway");
  const logger = createLogger({
    role: "gateway",
    level: settings.logLevel,
    format: settings.logFormat,
    file: settings.logFile,
    fileMaxBytes: settings.logFileMaxBytes,
    fileMaxCount: settings.logFileMaxCount,
  });
  if (settings.ignored.length > 0) {
    logger.warn(
      `the config file sets what has no meaning here: ${
        settings.ignored.join(", ")
      }`,
    );
  }
  await using gateway = new Gateway({ ...settings.gateway, logger });
  await using metrics = settings.metrics === undefined
    ? undefined
    : new MetricsServer(settings.metrics, () => reportOf(gateway));
  await gateway.listen();
  if (metrics) {
    logger.info(`metrics and dashboard at ${statusUrl(metrics.addr)}`);
  }
  await using _statFile = settings.statFile === undefined
    ? undefined
    : await StatFile.start(settings.statFile, {
      report: () => reportOf(gateway),
      logger,
    });
  const stopped = stopOnSignal(gateway, (signal) => logger.info(signal));
  using _levels = followLogSignals(logger);
  printLine(
    `maple gateway ready outer=${formatAddress(gateway.outerAddr!)} inner=${
      formatAddress(gateway.innerAddr!)
    }`,
  );
  await stopped;
  return 0;
}

function readConfig(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    throw new UsageError(
      `Cannot read the config file "${file}": ${(error as Error).message}`,
    );
  }
}

function stopOnSignal(
  gateway: Gateway,
  tell: (line: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (signal: Deno.Signal) => {
      tell(`${signal}: ${stopping ? "closing at once" : "leaving"}`);
      const closed = stopping ? gateway.closeNow() : gateway.close();
      stopping = true;
      closed.then(resolve);
    };
    Deno.addSignalListener("SIGINT", () => stop("SIGINT"));
    // Windows knows no other one.
    if (Deno.build.os !== "windows") {
      Deno.addSignalListener("SIGTERM", () => stop("SIGTERM"));
    }
  });
}
