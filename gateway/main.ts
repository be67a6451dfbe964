/**
 * The gateway as a program: what `deno run -A jsr:@maple/gateway` runs.
 *
 * @example
 * ```ts ignore
 * import { main } from "@maple/gateway/main";
 *
 * Deno.exit(await main(["--outer-port", "29000"], { isProgram: true }));
 * ```
 *
 * @module
 */

import {
  createLogger,
  followLogSignals,
  type Logger,
  printLine,
  readFlags,
  type RoleLogger,
  runCommand,
  setProcessName,
  StatusAccess,
  statusUrl,
  tellServiceManager,
  UsageError,
  usageOf,
  watchUnhandled,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { COMMAND } from "./command.ts";
import { loadConfigFile } from "./config_file.ts";
import { fail } from "./errors.ts";
import { type Dropped, dropPermissions } from "./drop_permissions.ts";
import { Gateway } from "./gateway.ts";
import { reportOf } from "./metrics/report.ts";
import { checkCount } from "./processes/check_count.ts";
import { runChild, takePlace } from "./processes/child.ts";
import { type InEffect, Parent } from "./processes/parent.ts";
import { renewProcesses } from "./processes/renew_processes.ts";
import type { HistoryPiece } from "./metrics/history.ts";
import type { MetricsServer } from "./metrics/server.ts";
import { CHANGEABLE } from "./limits.ts";
import {
  type MetricsOptions,
  openMetrics,
  openStatFile,
  type ReadyAddresses,
  readyLine,
  type ShownOptions,
} from "./program_status.ts";
import { reload, type Reloading } from "./reload.ts";
import { changersOf, READ_AGAIN, renewFiles } from "./renewing.ts";
import { FLAGS } from "./setting_table.ts";
import { checkFiles, readTold, type Settings, settingsOf } from "./settings.ts";
import { tellSettings } from "./tell_settings.ts";

const NOTHING = () => {};

export { COMMAND };

/**
 * Runs the gateway until it gets TERM or INT.
 *
 * @param args The command line, for instance `Deno.args`.
 * @param options `isProgram`: it is all that this process does, which then gives up the permissions
 * that it does not need any more.
 * @returns The exit code: 0, 1 after a failure, 2 after a mistake in the command line or the config
 * file.
 */
export function main(
  args: readonly string[],
  { isProgram = false }: { readonly isProgram?: boolean } = {},
): Promise<number> {
  return runCommand("maple gateway", () => run(args, isProgram));
}

async function run(
  args: readonly string[],
  isProgram: boolean,
): Promise<number> {
  const place = takePlace();
  if (place) return await runChild(place, { isProgram });
  const { version } = config;
  const commandLine = readFlags(args, FLAGS, {
    usage: usageOf(COMMAND, version),
    version,
    environment: { command: COMMAND.name },
  });
  if (!commandLine) return 0;
  const read = (line: InEffect["commandLine"]) => {
    const file = line.flags.get("config");
    const told = readTold(
      line,
      file === undefined ? undefined : loadConfigFile(String(file)),
    );
    const settings = settingsOf(told);
    checkFiles(settings, told);
    return { settings, told };
  };
  const { settings, told } = read(commandLine);
  const count = processesOf(settings);
  const isCheck = commandLine.flags.get("check") === true;
  if (isCheck && settings.gateway.handover === undefined) {
    throw new UsageError("--check needs --handover PATH");
  }
  if (commandLine.flags.get("check-config") === true) {
    for (const line of tellSettings(settings, told)) printLine(line);
    return 0;
  }
  setProcessName("maple-gateway");
  const logger = openLog(settings);
  using unhandled = watchUnhandled(logger);
  const changers = new Map<string, (now: Settings) => void>([
    ["logLevel", ({ logLevel }) => logger.setLevel(logLevel)],
  ]);
  const inEffect: InEffect = { settings, commandLine };
  const reloading: Reloading = {
    read: () => read(inEffect.commandLine).settings,
    logger,
    changers,
  };
  using _reloads = reloadOnHangup(inEffect, reloading);
  for (const remark of settings.remarks) logger.tell(remark, "WARN");
  const access = new StatusAccess({ file: settings.metricsTokenFile, fail });
  const renew = (
    renewed: readonly string[],
    { metricsTokenFile }: Settings,
  ) => {
    access.renew(metricsTokenFile);
    if (metricsTokenFile === "") return renewed;
    return [...renewed, "the tokens are read again"];
  };
  if (count > 1) {
    checkCount(settings.gateway, count);
    if (settings.gateway.handover) {
      const options = { commandLine, count, isCheck, logger, tell: printLine };
      if (await renewProcesses(settings, options)) return 0;
      if (isCheck) {
        return tellNobody(settings.gateway.handover);
      }
    }
    const parent = new Parent({ inEffect, count, logger, access });
    for (const name of [...CHANGEABLE, ...READ_AGAIN]) {
      changers.set(name, NOTHING);
    }
    changers.set("logLevel", ({ logLevel }) => {
      logger.setLevel(logLevel);
      parent.setLogLevel(logLevel);
    });
    // First what can be refused.
    reloading.renew = (now) => {
      const renewed = renew([], now);
      return [...parent.reload(now), ...renewed];
    };
    await parent.run((ports) => {
      tellReady(ports, logger);
      unhandled.started();
      if (isProgram) tellDropped(dropPermissions(settings, ["run"]), logger);
    });
    return 0;
  }
  await using gateway = new Gateway({ ...settings.gateway, logger });
  gateway.handover.endsThen = isProgram;
  const shown: ShownOptions = {
    report: (options) => reportOf(gateway, options),
    logger,
  };
  if (isCheck) return await check(gateway, settings.gateway.handover!);
  const { bindTimeout } = gateway.limits;
  const asked = { ...shown, access, bindTimeout };
  // The gateway before has the port until it has handed over.
  const takesOver = settings.gateway.handover !== undefined;
  const listen = async (): Promise<ReadyAddresses> => {
    await gateway.listen();
    // The clients of the one before may be its own now: it does not end without a word any more.
    stopOnSignal(gateway, (line) => logger.info(line));
    return {
      outer: gateway.outerAddr!,
      inner: gateway.innerAddr!,
      ws: gateway.wsAddr,
      tls: gateway.tlsAddr,
      wss: gateway.wssAddr,
    };
  };
  let addresses = takesOver ? await listen() : undefined;
  await using metrics = takesOver
    ? await openMetricsAfter(gateway, settings, asked)
    : await openMetrics(settings, asked);
  addresses ??= await listen();
  if (metrics) {
    gateway.handover.giveProgram = () => metrics.give();
    logger.info(`metrics and dashboard at ${statusUrl(metrics.addr)}`);
  }
  await using statFile = await openStatFile(settings, shown);
  using _levels = followLogSignals(logger);
  tellReady(addresses, logger);
  for (const [name, change] of changersOf(gateway)) changers.set(name, change);
  reloading.renew = (now) => renew(renewFiles(gateway, now), now);
  unhandled.started();
  if (isProgram) tellDropped(dropPermissions(settings), logger);
  // By a signal, or as an admin has asked; or another one has taken its place.
  await Promise.race([gateway.finished, gateway.replaced]);
  if (gateway.isReplaced) await statFile?.abandon();
  return 0;
}

function tellReady(addresses: ReadyAddresses, logger: Logger): void {
  printLine(readyLine(addresses));
  tellServiceManager("READY=1", logger);
}

// Without its metrics the gateway goes on that has taken the place of another, with all its
// clients.
async function openMetricsAfter(
  gateway: Gateway,
  settings: Settings,
  options: MetricsOptions,
): Promise<MetricsServer | undefined> {
  try {
    return await openMetrics(settings, {
      ...options,
      history: gateway.handover.program as HistoryPiece | undefined,
    });
  } catch (error) {
    if (gateway.stats().generation === 1) throw error;
    options.logger.error(
      `no metrics are served: ${(error as Error).message}`,
    );
    return undefined;
  }
}

// What a handover would take and change.
async function check(gateway: Gateway, path: string): Promise<number> {
  const lines = await gateway.checkHandover();
  if (!lines) return tellNobody(path);
  for (const line of lines) printLine(line);
  return 0;
}

function tellNobody(path: string): number {
  printLine(`no gateway listens at ${path}`);
  return 1;
}

// 0 = as many as there are processors.
function processesOf({ processes }: Settings): number {
  return processes === 0 ? navigator.hardwareConcurrency : processes;
}

function tellDropped(dropped: readonly Dropped[], logger: Logger): void {
  if (dropped.length > 0) logger.info(`gives up: ${dropped.join(", ")}`);
}

function openLog(settings: Settings): RoleLogger {
  const { logFile } = settings;
  const folder = logFile?.replace(/[^/\\]*$/, "");
  if (folder) makeFolder(folder);
  return createLogger({
    role: "gateway",
    level: settings.logLevel,
    format: settings.logFormat,
    file: logFile,
    fileMaxBytes: settings.logFileMaxBytes,
    fileMaxCount: settings.logFileMaxCount,
  });
}

function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch {
    // What is wrong is told when the file cannot be opened.
  }
}

// A HUP that comes while it starts must not end it either.
function reloadOnHangup(
  inEffect: Pick<InEffect, "settings">,
  reloading: Reloading,
): Disposable {
  // Windows has it when the console is closed, which is to end the program.
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  const onHangup = () => {
    inEffect.settings = reload(inEffect.settings, reloading);
  };
  Deno.addSignalListener("SIGHUP", onHangup);
  return {
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", onHangup),
  };
}

function stopOnSignal(gateway: Gateway, tell: (line: string) => void): void {
  const stop = (signal: Deno.Signal) => {
    const isLeaving = gateway.state !== "serving";
    tell(`${signal}: ${isLeaving ? "closing at once" : "leaving"}`);
    const closed = isLeaving ? gateway.closeNow() : gateway.close();
    // Told by its `finished`.
    closed.catch(() => {});
  };
  Deno.addSignalListener("SIGINT", () => stop("SIGINT"));
  // Windows knows no other one.
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", () => stop("SIGTERM"));
  }
}
