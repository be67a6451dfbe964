// The gateway as a program.

import {
  createLogger,
  describeFlags,
  followLogSignals,
  formatAddress,
  printLine,
  readFlags,
  type RoleLogger,
  runCommand,
  setProcessName,
  StatusAccess,
  statusUrl,
  watchUnhandled,
  whenFree,
} from "@maple/box/internal";
import config from "./deno.json" with { type: "json" };
import { loadConfigFile } from "./config_file.ts";
import { fail } from "./errors.ts";
import { dropPermissions } from "./drop_permissions.ts";
import { Gateway } from "./gateway.ts";
import { MetricsServer } from "./metrics/server.ts";
import { reportOf } from "./metrics/report.ts";
import { CHANGEABLE } from "./limits.ts";
import { DEFAULTS } from "./option_table.ts";
import { reload, type Reloading } from "./reload.ts";
import { FLAGS } from "./setting_table.ts";
import { checkFiles, readSettings, type Settings } from "./settings.ts";
import { StatFile } from "./metrics/stat_file.ts";

const READ_AGAIN = [
  ...["tlsCert", "tlsKey", "deny", "denyFile"],
  ...["innerSecretFile", "innerOpen", "metricsTokenFile"],
];

const USAGE = `maple gateway ${config.version}
Holds client connections and forwards between them and the workers that ask.

Usage: maple-gateway [flags]

${describeFlags(FLAGS)}

TERM and INT: stop accepting, let the workers finish what is queued, close; with --lame-duck
tell load balancers first, and have the clients move; a second one closes at once.
HUP: open the log file again, read the config file, the certificates, the secrets and
--deny-file again, change what can be changed (--log-level, --deny, --conns-max,
--conns-per-address, --connect-rate, --client-rate, --client-bytes-rate, --rate-action,
--client-queue-max, --inner-conns-max, --inner-reserve, --inner-open). Who has come by a secret
that is gone is disconnected. Without --inner-secret-file the secrets are those of
MAPLE_INNER_SECRET: role:secret,..., and without --metrics-token-file those who ask for metrics
bring a token of MAPLE_METRICS_TOKEN, if it has one: Authorization: Bearer TOKEN.
USR1, USR2: log one level more, one level less.
`;

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
  const { version } = config;
  const commandLine = readFlags(args, FLAGS, { usage: USAGE, version });
  if (!commandLine) return 0;
  const read = () => {
    const file = commandLine.flags.get("config");
    const settings = readSettings(
      commandLine,
      file === undefined ? undefined : loadConfigFile(String(file)),
    );
    checkFiles(settings);
    return settings;
  };
  const settings = read();
  setProcessName("maple-gateway");
  const logger = openLog(settings);
  using unhandled = watchUnhandled(logger);
  const changers = new Map<string, (now: Settings) => void>([
    ["logLevel", ({ logLevel }) => logger.setLevel(logLevel)],
  ]);
  const reloading: Reloading = { read, logger, changers };
  using _reloads = reloadOnHangup(settings, reloading);
  for (const remark of settings.remarks) logger.tell(remark, "WARN");
  await using gateway = new Gateway({ ...settings.gateway, logger });
  const access = new StatusAccess({ file: settings.metricsTokenFile, fail });
  // Of clients nothing is told but to whoever brings a token.
  const statusReport = () => reportOf(gateway, { addresses: !access.isOpen });
  await using metrics = settings.metrics === undefined
    ? undefined
    : await whenFree(
      () =>
        new MetricsServer(settings.metrics!, statusReport, {
          logger,
          hosts: settings.metricsHosts.split(",").map((name) => name.trim()),
          access,
        }),
      { bindTimeout: gateway.limits.bindTimeout, logger },
    );
  await gateway.listen();
  if (metrics) {
    logger.info(`metrics and dashboard at ${statusUrl(metrics.addr)}`);
  }
  await using _statFile = settings.statFile === undefined
    ? undefined
    : await StatFile.start(settings.statFile, {
      report: () => reportOf(gateway, { addresses: true }),
      logger,
    });
  stopOnSignal(gateway, (line) => logger.info(line));
  using _levels = followLogSignals(logger);
  printLine(
    `maple gateway ready outer=${formatAddress(gateway.outerAddr!)} inner=${
      formatAddress(gateway.innerAddr!)
    }${
      Object.entries({
        ws: gateway.wsAddr,
        tls: gateway.tlsAddr,
        wss: gateway.wssAddr,
      }).map(([name, addr]) => addr ? ` ${name}=${formatAddress(addr)}` : "")
        .join("")
    }`,
  );
  for (const name of CHANGEABLE) {
    changers.set(
      name,
      ({ gateway: { [name]: now = DEFAULTS[name] } }) =>
        gateway.setLimits({ [name]: now }),
    );
  }
  reloading.renew = ({ gateway: now, metricsTokenFile }) => {
    const renewed: string[] = [];
    // First: of all that is renewed only they can still be refused.
    const { innerSecretFile = "", innerOpen = "" } = now;
    const proof = gateway.renewSecrets({ innerSecretFile, innerOpen });
    if (innerSecretFile !== "") {
      renewed.push(`the secrets are read again (${proof})`);
    }
    if (gateway.tlsAddr ?? gateway.wssAddr) {
      const { tlsCert, tlsKey } = now;
      gateway.renewCertificates({ tlsCert: tlsCert!, tlsKey: tlsKey! });
      renewed.push("the certificates are read again");
    }
    const { deny = DEFAULTS.deny, denyFile = DEFAULTS.denyFile } = now;
    gateway.renewDeny({ deny, denyFile });
    if (denyFile !== "") {
      const { denied } = gateway.stats();
      renewed.push(`denyFile is read again (ranges denied: ${denied})`);
    }
    access.renew(metricsTokenFile);
    if (metricsTokenFile !== "") renewed.push("the tokens are read again");
    return renewed;
  };
  // What is read again is in effect already.
  for (const name of READ_AGAIN) changers.set(name, () => {});
  unhandled.started();
  if (isProgram) {
    const dropped = dropPermissions(settings);
    if (dropped.length > 0) logger.info(`gives up: ${dropped.join(", ")}`);
  }
  // By a signal, or as an admin has asked.
  await gateway.finished;
  return 0;
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
  atStart: Settings,
  reloading: Reloading,
): Disposable {
  // Windows has it when the console is closed, which is to end the program.
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  let settings = atStart;
  const onHangup = () => {
    settings = reload(settings, reloading);
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
