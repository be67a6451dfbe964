// What HUP does to the gateway as a program: the log file is opened again, the config file is read
// again, and what can change while it runs is changed.

import { reopenLog, type RoleLogger } from "@maple/box/internal";
import { type Change, changesOf, type Settings } from "./settings.ts";

/** What a program needs to reload. */
export interface Reloading {
  /** Reads the settings anew. */
  readonly read: () => Settings;
  /** Where the program logs to. */
  readonly logger: RoleLogger;
  /** What can change while it runs: how to change it, by the name of the setting. */
  readonly changers: ReadonlyMap<string, (now: Settings) => void>;
  /**
   * What is read again though no setting has changed.
   *
   * @returns What is told of it.
   * @throws {Error} with one line, when it cannot be used: then all stays as it is.
   */
  renew?: (now: Settings) => readonly string[];
  /** Tells what has changed. @default {a line of the log, whatever its level} */
  readonly tell?: (line: string) => void;
}

/**
 * Reloads, and tells in one line what has changed and what only a restart changes. Nothing that is
 * wrong with the file ends the program, or changes a part of what it says.
 *
 * @param settings Those that are in effect.
 * @returns Those that are in effect now.
 */
export function reload(
  settings: Settings,
  { read, logger, changers, renew, tell = (line) => logger.tell(line) }:
    Reloading,
): Settings {
  reopenLog(logger);
  let now: Settings;
  let renewed: readonly string[];
  try {
    now = read();
    renewed = renew?.(now) ?? [];
  } catch (error) {
    logger.error(
      `SIGHUP: the log is opened again, all settings stay as they are: ${
        (error as Error).message
      }`,
    );
    return settings;
  }
  const changes = changesOf(settings, now);
  const [changed, fixed] = [true, false].map((can) =>
    changes.filter(({ name }) => changers.has(name) === can)
  );
  for (const { name } of changed!) changers.get(name)!(now);
  tell(
    `SIGHUP: ${["the log is opened again", ...renewed].join("; ")}; ${
      changed!.length > 0 ? `changed: ${listOf(changed!)}` : "nothing changed"
    }${fixed!.length > 0 ? `; only a restart changes ${listOf(fixed!)}` : ""}`,
  );
  return withChanges(settings, changed!, now);
}

function listOf(changes: readonly Change[]): string {
  return changes.map(({ name, from, to }) => `${name} ${from} -> ${to}`)
    .join(", ");
}

function withChanges(
  settings: Settings,
  changed: readonly Change[],
  now: Settings,
): Settings {
  const { gateway, remarks: _, ...program } = now;
  const all: Record<string, unknown> = { ...gateway, ...program };
  const inProgram = changed.filter(({ name }) => name in program);
  const inGateway = changed.filter(({ name }) => !(name in program));
  const pick = (list: readonly Change[]) =>
    Object.fromEntries(list.map(({ name }) => [name, all[name]]));
  return {
    ...settings,
    ...pick(inProgram),
    gateway: { ...settings.gateway, ...pick(inGateway) },
  };
}
