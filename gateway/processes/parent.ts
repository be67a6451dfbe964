// runParent: a gateway as several processes, of which this one is the parent: it starts them,
// replaces those that die, and is their one face to whoever looks at them.

import {
  CHILD_ENV,
  ChildProcess,
  type CommandLine,
  followLogSignals,
  formatAddress,
  type LogLevel,
  Master,
  type RoleLogger,
  type SelfCommand,
  selfCommand,
  SHARING_FLAG,
  type StatusAccess,
  statusUrl,
  stopLimitMs,
  type WatchedChild,
} from "@maple/box/internal";
import { Relay } from "../cluster/relay.ts";
import { GatewayError } from "../errors.ts";
import { Gateway } from "../gateway.ts";
import { reportOf } from "../metrics/report.ts";
import {
  openMetrics,
  openStatFile,
  type ShownOptions,
} from "../program_status.ts";
import type { ResolvedOptions } from "../option_table.ts";
import { resolveOptions } from "../resolve_options.ts";
import type { Settings } from "../settings.ts";
import { checkSupport } from "./check_support.ts";
import { parentSettings } from "./parent_settings.ts";
import { Renewal, type Renewed } from "./renewal.ts";
import { StopLimits } from "./stop_limits.ts";
import { type Addresses, ChildReports } from "./reports.ts";
import { findPorts, type SharedPorts } from "./shared_ports.ts";
import type { ChildTold } from "./told.ts";

/** How long the event loop of a process may be blocked until it is replaced. */
const BLOCKED_MS = 30_000;

/** What the gateway goes by now. */
export interface InEffect {
  /** The settings. */
  settings: Settings;
  /** What is read again at HUP. */
  commandLine: Pick<CommandLine, "flags" | "variables" | "remarks">;
}

/** What a parent needs. */
export interface ParentOptions {
  /** What is in effect. */
  readonly inEffect: InEffect;
  /** How many processes there are. */
  readonly count: number;
  /** Where it logs to, and what its children log. */
  readonly logger: RoleLogger;
  /** Who may ask the status port. */
  readonly access: StatusAccess;
}

/** What its processes are started with. */
interface Start {
  readonly options: ResolvedOptions;
  readonly ports: SharedPorts;
  readonly relay: Relay | undefined;
  readonly reports: ChildReports;
}

/** A gateway of several processes, as its parent. */
export class Parent {
  readonly #options: ParentOptions;
  readonly #failed = Promise.withResolvers<never>();
  #master: Master | undefined;
  #command: SelfCommand | undefined;
  #isReady = false;
  readonly #limits = new StopLimits();

  /** Nothing is started yet. */
  constructor(options: ParentOptions) {
    this.#options = options;
  }

  /**
   * Tells all processes the settings of now, whose files can be used.
   *
   * @returns What they read again.
   */
  reload(settings: Settings): string[] {
    this.#tell({ settings });
    const { innerSecretFile, denyFile, tlsPort, wssPort } = settings.gateway;
    return [
      innerSecretFile ? "the secrets are" : "",
      (tlsPort ?? wssPort) === undefined ? "" : "the certificates are",
      denyFile ? "denyFile is" : "",
    ].filter((what) => what !== "").map((what) => `${what} read again`);
  }

  /** Has all processes log as much as this one. */
  setLogLevel(level: LogLevel): void {
    this.#master?.setLogLevel(level);
  }

  /**
   * Runs until it is stopped and all processes have ended.
   *
   * @param onReady Called with where the gateway is reached when all processes serve.
   * @throws {GatewayError} with one line, when it cannot start.
   */
  async run(onReady: (ports: SharedPorts) => void): Promise<void> {
    const { inEffect: { settings }, count, logger, access } = this.#options;
    const options = resolveOptions(settings.gateway);
    const { bindTimeout, cluster, clusterBytes } = options;
    checkSupport(options.io);
    await using relay = cluster !== "" ? undefined : new Relay({
      clusterName: nameOf(options.clusterName),
      waitingBytes: clusterBytes,
      logger,
    });
    // It serves nobody; what it tells of this process is added to what the others tell.
    await using idle = new Gateway({ ...settings.gateway, logger });
    using reports = this.#reportsOf(idle, relay);
    const shown: ShownOptions = {
      report: (options) => reports.report(options),
      logger,
    };
    await using metrics = await openMetrics(settings, {
      ...shown,
      ...{ access, bindTimeout },
    });
    const ports = await findPorts(options, { count, logger });
    await using _renewal = settings.gateway.handover
      ? new Renewal({
        path: settings.gateway.handover,
        offer: {
          ...{ count, ports, relay: relay?.address },
          own: parentSettings(settings),
        },
        renew: (renewed, onReplaced) => this.#renew(renewed, onReplaced),
        logger,
      })
      : undefined;
    const master = this.#start({ options, ports, relay, reports });
    using _signals = this.#followSignals(master);
    using _levels = followLogSignals(
      logger,
      (level) => master.setLogLevel(level),
    );
    await this.#untilReady(master);
    if (master.stopping) return await master.ended();
    this.#isReady = true;
    reports.started(addressesOf(ports));
    if (metrics) {
      logger.info(`metrics and dashboard at ${statusUrl(metrics.addr)}`);
    }
    await using _statFile = await openStatFile(settings, shown);
    onReady(ports);
    await master.ended();
    logger.info("closed");
  }

  #reportsOf(idle: Gateway, relay: Relay | undefined): ChildReports {
    return new ChildReports({
      own: () => reportOf(idle, { addresses: true }),
      processes: () => this.#master?.processes() ?? [],
      ask: () => this.#tell({ report: true }),
      dropped: () => relay?.dropped ?? 0,
      isReady: () => this.#isReady,
      isLeaving: () => this.#master?.stopping ?? false,
    });
  }

  #start({ options, ports, relay, reports }: Start): Master {
    const { inEffect, count, logger } = this.#options;
    this.#command = selfCommand(options.io === "deno" ? [SHARING_FLAG] : []);
    const limits = this.#limits;
    limits.widen(options);
    const onStderr = inEffect.settings.logFile === undefined
      ? undefined
      : (line: string) => logger.pass(line);
    const master = this.#master = new Master({
      workers: count,
      ...{ workTimeoutMs: BLOCKED_MS, workTimeoutOption: "" },
      ...{ reloadTimeoutMs: 0, hurries: true },
      get stopTimeoutMs() {
        return limits.stopMs;
      },
      get replacedTimeoutMs() {
        return limits.replacedMs;
      },
    }, {
      logger,
      startChild: (start) =>
        new ChildProcess(this.#command!, {
          ...start,
          role: "gateway",
          env: {
            [CHILD_ENV.STOP_LIMIT]: String(stopLimitMs(limits.stopMs)),
            // The service manager knows this process, and none of those.
            NOTIFY_SOCKET: "",
          },
          onStderr,
        }),
      firstTold: (): ChildTold => {
        const { settings } = inEffect;
        return { task: { settings, count, ports, relay: relay?.address } };
      },
      onEnd: (child) => {
        const clients = reports.ended(child);
        // One that has never begun had none.
        if (this.#isReady && child.stats === undefined) return;
        if (!master.stopping) this.#onLoss(master, child, clients);
      },
    });
    return master;
  }

  // New processes come by other settings, and those that are started later as well.
  async #renew(
    { command, settings, commandLine }: Renewed,
    onReplaced: () => void,
  ): Promise<string | undefined> {
    if (!this.#isReady) return "not all of them serve yet";
    const { inEffect, logger } = this.#options;
    this.#limits.widen(resolveOptions(settings.gateway));
    const before = { ...inEffect, command: this.#command, level: logger.level };
    this.#command = command;
    inEffect.settings = { ...settings, ...parentSettings(before.settings) };
    if (commandLine) {
      const { flags, variables } = commandLine;
      inEffect.commandLine = {
        flags: new Map(flags),
        variables: new Map(variables),
      };
    }
    this.#logAs(settings.logLevel);
    let replaced = 0;
    const why = await this.#master!.replaceEach(() => {
      replaced++;
      onReplaced();
    });
    if (why === undefined) {
      logger.info(`${replaced} processes were replaced`);
      this.#renewTokens(settings);
      return undefined;
    }
    logger.error(
      `${replaced} of ${this.#options.count} processes were replaced, the others go on as they are: ${why}`,
    );
    if (replaced === 0) {
      this.#command = before.command;
      inEffect.settings = before.settings;
      inEffect.commandLine = before.commandLine;
      this.#logAs(before.level);
    }
    return why;
  }

  #logAs(level: LogLevel): void {
    const { logger } = this.#options;
    if (logger.level !== level) {
      logger.setLevel(level, "as the new processes");
    }
    // Also where they have been told another one before.
    this.setLogLevel(level);
  }

  #renewTokens({ metricsTokenFile }: Settings): void {
    const { access, logger } = this.#options;
    try {
      access.renew(metricsTokenFile);
    } catch (error) {
      logger.error(`the tokens stay as they are: ${(error as Error).message}`);
    }
  }

  #onLoss(
    master: Master,
    { index, name }: WatchedChild,
    clients: number,
  ): void {
    if (this.#isReady) {
      this.#options.logger.warn(
        `process ${index} has ended with its ${clients} clients, which have to come again`,
      );
      return;
    }
    // It has said why. One that cannot start now would not start later either: none is started in
    // its place.
    this.#failed.reject(new GatewayError(`${name} has not started`));
    master.stopNow();
  }

  // All serve, or it was stopped before.
  async #untilReady(master: Master): Promise<void> {
    try {
      await Promise.race([
        master.ready(),
        master.ended(),
        this.#failed.promise,
      ]);
    } catch (error) {
      await master.ended();
      throw error;
    }
  }

  #tell(told: ChildTold): void {
    this.#master?.tell(told);
  }

  #followSignals(master: Master): Disposable {
    const { logger } = this.#options;
    const stack = new DisposableStack();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const stop = () => {
        logger.info(
          `${signal}: ${master.stopping ? "closing at once" : "leaving"}`,
        );
        master.stop();
      };
      Deno.addSignalListener(signal, stop);
      stack.defer(() => Deno.removeSignalListener(signal, stop));
    }
    return stack;
  }
}

// Two machines without a bus between them are two clusters, to workers that are attached to both.
function nameOf(clusterName: string): string {
  return `${clusterName.slice(0, 50)}-${crypto.randomUUID().slice(0, 8)}`;
}

function addressesOf(
  { outer, ws, tls, wss, inner }: SharedPorts,
): Addresses {
  const text = (addr: Deno.NetAddr | undefined) =>
    addr ? formatAddress(addr) : null;
  return {
    outer: text(outer),
    ws: text(ws),
    tls: text(tls),
    wss: text(wss),
    inner: text(inner),
  };
}
