// runParent: a gateway as several processes, of which this one is the parent: it starts them,
// replaces those that die, and is their one face to whoever looks at them.

import {
  CHILD_ENV,
  ChildProcess,
  followLogSignals,
  formatAddress,
  howToSharePorts,
  type LogLevel,
  Master,
  maySharePorts,
  mayTakeEnv,
  type RoleLogger,
  selfCommand,
  SHARING_FLAG,
  type StatusAccess,
  statusUrl,
  stopLimitMs,
} from "@maple/box/internal";
import { Relay } from "../cluster/relay.ts";
import { fail, GatewayError } from "../errors.ts";
import { Gateway } from "../gateway.ts";
import { reportOf } from "../metrics/report.ts";
import {
  openMetrics,
  openStatFile,
  type ShownOptions,
} from "../program_status.ts";
import { resolveOptions } from "../resolve_options.ts";
import type { Settings } from "../settings.ts";
import { ChildReports } from "./reports.ts";
import { findPorts, type SharedPorts } from "./shared_ports.ts";
import type { ChildTold } from "./told.ts";

/** How long the event loop of a process may be blocked until it is replaced. */
const BLOCKED_MS = 30_000;
const WHAT = "Cannot serve from several processes";

/** What a parent needs. */
export interface ParentOptions {
  /** The settings that are in effect. */
  readonly inEffect: { settings: Settings };
  /** How many processes there are. */
  readonly count: number;
  /** Where it logs to, and what its children log. */
  readonly logger: RoleLogger;
  /** Who may ask the status port. */
  readonly access: StatusAccess;
}

/** A gateway of several processes, as its parent. */
export class Parent {
  readonly #options: ParentOptions;
  #master: Master | undefined;
  #exitCode = 0;

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
   * @returns The exit code.
   * @throws {GatewayError} with one line, when it cannot start.
   */
  async run(onReady: (ports: SharedPorts) => void): Promise<number> {
    const { inEffect, count, logger, access } = this.#options;
    const { settings } = inEffect;
    const options = resolveOptions(settings.gateway);
    const { bindTimeout, io } = options;
    checkSupport(options.io);
    const command = selfCommand(io === "deno" ? [SHARING_FLAG] : []);
    await using idle = new Gateway({ ...settings.gateway, logger });
    let isReady = false;
    using reports = new ChildReports({
      own: () => reportOf(idle, { addresses: true }),
      processes: () => this.#master?.processes() ?? [],
      ask: () => this.#tell({ report: true }),
      isReady: () => isReady,
      isLeaving: () => this.#master?.stopping ?? false,
    });
    const shown: ShownOptions = {
      report: (options) => reports.report(options),
      logger,
    };
    await using metrics = await openMetrics(settings, {
      ...shown,
      ...{ access, bindTimeout },
    });
    const ports = await findPorts(options, { count, logger });
    await using relay = options.cluster !== "" ? undefined : new Relay({
      clusterName: nameOf(options.clusterName),
      waitingBytes: options.clusterBytes,
      logger,
    });
    const stopMs = 1000 * (
      options.lameDuckNotice + options.lameDuck + options.moveTimeout +
      options.drainTimeout + options.linger
    );
    const env = { [CHILD_ENV.STOP_LIMIT]: String(stopLimitMs(stopMs)) };
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    const master = this.#master = new Master({
      workers: count,
      ...{ workTimeoutMs: BLOCKED_MS, workTimeoutOption: "" },
      stopTimeoutMs: stopMs,
      reloadTimeoutMs: 0,
      hurries: true,
    }, {
      logger,
      startChild: (start) =>
        new ChildProcess(command, {
          ...start,
          ...{ role: "gateway", env },
          onStderr: settings.logFile === undefined
            ? undefined
            : (line) => logger.pass(line),
        }),
      firstTold: (): ChildTold => ({
        task: {
          settings: inEffect.settings,
          count,
          ports,
          relay: relay?.address,
        },
      }),
      onEnd: (child) => {
        const clients = reports.ended(child);
        if (master.stopping) return;
        if (isReady) {
          logger.warn(
            `process ${child.index} has ended with its ${clients} clients, which have to come again`,
          );
          return;
        }
        // It has said why. One that cannot start now would not start later either.
        failed.reject(new GatewayError(`${child.name} has not started`));
      },
    });
    const signals = this.#followSignals(master);
    using _signals = signals;
    using _levels = followLogSignals(
      logger,
      (level) => master.setLogLevel(level),
    );
    try {
      await Promise.race([
        master.ready(),
        master.ended(),
        failed.promise,
      ]);
    } catch (error) {
      master.stopNow();
      await master.ended();
      throw error;
    }
    if (master.stopping) {
      await master.ended();
      return this.#exitCode;
    }
    isReady = true;
    reports.addresses = addressesOf(ports);
    reports.started();
    if (metrics) {
      logger.info(`metrics and dashboard at ${statusUrl(metrics.addr)}`);
    }
    await using _statFile = await openStatFile(settings, shown);
    onReady(ports);
    await master.ended();
    logger.info("closed");
    return this.#exitCode;
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

function addressesOf({ outer, ws, tls, wss, inner }: SharedPorts) {
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

// What is missing is told before anything is started.
function checkSupport(io: string): void {
  const { os, standalone } = Deno.build;
  if (os !== "linux") {
    throw fail(
      `${WHAT}: ${os} does not spread the connections of one port over several listeners; use processes 1`,
    );
  }
  if (standalone && io === "deno" && !maySharePorts()) {
    throw fail(`${WHAT}: ${howToSharePorts()}; or use io epoll`);
  }
  const env = [CHILD_ENV.INDEX, CHILD_ENV.CONTROL];
  if (!env.every(mayTakeEnv)) {
    throw fail(`${WHAT} without --allow-env, by which they know what they are`);
  }
  const run = { name: "run", command: Deno.execPath() } as const;
  if (Deno.permissions.querySync(run).state !== "granted") {
    throw fail(`${WHAT} without --allow-run, to start them`);
  }
}
