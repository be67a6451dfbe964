// readEnvironment(): flags as variables of the environment, MAPLE_GATEWAY_OUTER_PORT for
// --outer-port of the gateway.

import { type Flag, type FlagValue, flagValue } from "./command_line.ts";
import { nearest } from "./nearest.ts";
import { SECRET_ENV } from "./read_secrets.ts";
import { STATUS_TOKEN_ENV } from "./status_access.ts";

/** What the environment says. */
export interface EnvironmentFlags {
  /** The flags that it gives, by name. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  /** What its owner should know, each in one line. */
  readonly remarks: readonly string[];
}

/** Whose flags are looked for. */
export interface EnvironmentOptions {
  /** The program: `gateway`. */
  readonly command: string;
  /** Further flags that it has and does not take now: those of its other sub-commands. */
  readonly others?: readonly Flag[] | undefined;
  /** The variables. @default {those of this process that it may see} */
  readonly env?: Readonly<Record<string, string>>;
}

// Variables of others: of each program its own, of a master for its children, and of our tests.
const PROGRAMS = ["GATEWAY", "TRIGGER", "STAT", "LOAD"];
const OTHERS = ["WORKER", "HAVEN", "TEST"];
const SECRETS = [SECRET_ENV, STATUS_TOKEN_ENV];

/** The variable that gives a flag; undefined where none does. */
export function variableOf(
  command: string,
  { name, action }: Flag,
): string | undefined {
  if (action) return undefined;
  return `MAPLE_${command}_${name}`.replaceAll("-", "_").toUpperCase();
}

/**
 * Reads the flags that the environment gives; one that is empty gives none.
 *
 * @throws {UsageError} when a value does not fit.
 */
export function readEnvironment(
  table: readonly Flag[],
  { command, others = [], env }: EnvironmentOptions,
): EnvironmentFlags {
  const known = new Map<string, Flag>();
  for (const flag of [...others, ...table]) {
    const variable = variableOf(command, flag);
    if (variable !== undefined) known.set(variable, flag);
  }
  const taken = new Set(table);
  const given = env ?? visible([...known.keys()]);
  const flags = new Map<string, FlagValue>();
  for (const [variable, flag] of known) {
    const text = given[variable];
    if (text === undefined || text === "" || !taken.has(flag)) continue;
    if (isOfKubernetes(variable, given)) continue;
    flags.set(flag.name, flagValue(flag, variable, text));
  }
  const names = [...known.keys()];
  const remarks = Object.keys(given)
    .filter((name) => isUnknown(name, command, given))
    .filter((name) => !known.has(name))
    .map((name) => {
      const meant = nearest(name, [...names, ...SECRETS]);
      return `${name} in the environment means nothing here${
        meant === undefined ? "" : `; is ${meant} meant?`
      }`;
    });
  return { flags, remarks };
}

// Which variables there are Deno tells only whoever may see them all.
function visible(names: readonly string[]): Record<string, string> {
  const may = (variable?: string) =>
    Deno.permissions.querySync({
      name: "env",
      ...(variable === undefined ? {} : { variable }),
    }).state === "granted";
  if (may()) return Deno.env.toObject();
  const seen: Record<string, string> = {};
  for (const name of names) {
    const value = may(name) ? Deno.env.get(name) : undefined;
    if (value !== undefined) seen[name] = value;
  }
  return seen;
}

// Whether it is likely to be a variable of ours that is spelled wrong.
function isUnknown(
  name: string,
  command: string,
  given: Readonly<Record<string, string>>,
): boolean {
  const [, word] = /^MAPLE_([A-Z0-9]*)/.exec(name) ?? [];
  if (word === undefined || SECRETS.includes(name)) return false;
  if (isOfKubernetes(name, given)) return false;
  return word === command.toUpperCase() ||
    ![...PROGRAMS, ...OTHERS].includes(word);
}

/**
 * Whether Kubernetes has set it, which tells each pod of each service: a service that is called
 * maple-gateway-outer makes MAPLE_GATEWAY_OUTER_PORT=tcp://10.0.0.1:29000 of itself.
 */
function isOfKubernetes(
  name: string,
  given: Readonly<Record<string, string>>,
): boolean {
  return Array.from(
    name.matchAll(/_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?=_|$)/g),
  )
    .some(({ index }) => {
      const service = name.slice(0, index);
      if (given[`${service}_SERVICE_HOST`] === undefined) return false;
      return name !== `${service}_PORT` || /^\w+:\/\//.test(given[name]!);
    });
}
