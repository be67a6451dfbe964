// renewProcesses: has the processes of a gateway that runs replaced, one after the other, by those
// of this command line, each with all that it holds. Their parent stays, which holds no client.

import {
  type CommandLine,
  type Logger,
  Passing,
  selfCommand,
  Taking,
} from "@maple/box/internal";
import config from "../deno.json" with { type: "json" };
import { fail } from "../errors.ts";
import { Gateway } from "../gateway.ts";
import { PARENT_FORMAT } from "../handover/format.ts";
import { checkSocket } from "../handover/listen_at.ts";
import { DEFAULTS } from "../option_table.ts";
import type { GatewayOptions } from "../options.ts";
import { changesOf, type Settings } from "../settings.ts";
import { busOf, childSettings } from "./child_settings.ts";
import { isOfParent, parentSettings } from "./parent_settings.ts";
import type {
  ParentOffer,
  RenewalQuestion,
  RenewalState,
  Renewed,
} from "./renewal.ts";
import type { SharedPorts } from "./shared_ports.ts";

const ASK_MS = 5000;
const LOOK_MS = 50;
const PIECE_CHARS = 8000;

/** How it is done. */
export interface RenewOptions {
  /** This command line. */
  readonly commandLine: CommandLine;
  /** How many processes it wants. */
  readonly count: number;
  /** Whether it is only told what would be. */
  readonly isCheck: boolean;
  /** Where the gateways of the check log. */
  readonly logger: Logger;
  /** Told of each step, in a line. */
  readonly tell: (line: string) => void;
}

/**
 * Has them replaced.
 *
 * @returns false when no gateway runs at the path of option `handover`.
 * @throws {GatewayError} with one line, when they cannot be, or not all of them.
 */
export async function renewProcesses(
  settings: Settings,
  { commandLine, count, isCheck, logger, tell }: RenewOptions,
): Promise<boolean> {
  const path = settings.gateway.handover!;
  using passing = Passing.open();
  using parent = await Taking.ask<ParentOffer>(passing, path, {
    whose: `the gateway at ${path}`,
    hello: { version: config.version, pid: Deno.pid },
    timeoutMs: ASK_MS,
    fail,
  });
  if (!parent) {
    checkSocket(path);
    return false;
  }
  const { offer } = parent;
  if (offer.format !== PARENT_FORMAT) {
    throw parent.cannot(
      `it is one process, and this one is ${count}: only a restart changes that`,
    );
  }
  if (offer.count !== count) {
    throw parent.cannot(
      `its processes are ${offer.count}, and those of this one ${count}: only a restart changes that`,
    );
  }
  const moved = movedPort(settings.gateway, offer.ports);
  if (moved !== undefined) throw parent.cannot(moved);
  tell(`gateway ${offer.version}, process ${offer.pid}, ${count} processes`);
  const stays = whatStays(settings, offer);
  if (stays !== "") {
    tell(`process ${offer.pid} stays: only a restart changes ${stays}`);
  }
  // All can be replaced, before the first one is.
  for (let index = 1; index <= count; index++) {
    const own = childSettings(settings, { ...offer, index });
    const bus = busOf(own, { ...offer, index });
    await using gateway = new Gateway({ ...own.gateway, bus, logger });
    const lines = await gateway.checkHandover();
    for (const line of lines ?? ["does not run"]) {
      tell(`process ${index}: ${line}`);
    }
  }
  if (isCheck) return true;
  const ask = (question: Omit<RenewalQuestion, "pid">) =>
    parent.question<RenewalState>({ pid: Deno.pid, ...question });
  const renewed: Renewed = {
    ...{ settings, command: selfCommand() },
    commandLine: {
      flags: [...commandLine.flags],
      variables: [...commandLine.variables ?? []],
    },
  };
  const json = JSON.stringify(renewed);
  for (let at = 0; at < json.length; at += PIECE_CHARS) {
    await ask({ at, piece: json.slice(at, at + PIECE_CHARS) });
  }
  let state = await ask({ begin: true });
  while (state.runs) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    state = await ask({});
  }
  const { replaced, why } = state;
  if (why !== undefined) {
    throw fail(`${replaced} of ${count} processes were replaced: ${why}`);
  }
  tell(`${replaced} processes were replaced`);
  return true;
}

// Which settings of the parent are not as this command line wants them.
function whatStays(settings: Settings, { own }: ParentOffer): string {
  if (!own) return "";
  return changesOf({ ...settings, ...parentSettings(own) }, settings)
    .filter(({ name }) => isOfParent(name))
    .map(({ name, from, to }) => `${name} ${from} -> ${to}`)
    .join(", ");
}

// Which port it does not have that is wanted, or the other way round.
function movedPort(
  options: GatewayOptions,
  ports: SharedPorts,
): string | undefined {
  const { outerPort, innerPort } = { ...DEFAULTS, ...options };
  const wanted = { outerPort, innerPort, ...optionalPorts(options) };
  const { outer, inner, ws, tls, wss } = ports;
  const there = {
    ...{ outerPort: outer.port, innerPort: inner.port },
    ...{ wsPort: ws?.port, tlsPort: tls?.port, wssPort: wss?.port },
  };
  for (const name of Object.keys(there) as (keyof typeof there)[]) {
    const [port, its] = [wanted[name], there[name]];
    if (port === its || port === 0 && its !== undefined) continue;
    return `its ${name} is ${its ?? "none"}, and that of this one ${
      port ?? "none"
    }: only a restart changes that`;
  }
  return undefined;
}

function optionalPorts({ wsPort, tlsPort, wssPort }: GatewayOptions) {
  return { wsPort, tlsPort, wssPort };
}
