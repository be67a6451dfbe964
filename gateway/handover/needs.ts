// What is there at a gateway, and why another one cannot take it.

import { mostGroups, whyNoRoom } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { ResolvedOptions } from "../option_table.ts";
import {
  FORMAT,
  FORMAT_VERSION,
  type Identity,
  type Needs,
  type Offer,
  OLDEST_VERSION,
  PARENT_FORMAT,
} from "./format.ts";

const WHAT: Readonly<Record<keyof Needs, string>> = {
  connsMax: "clients",
  innerConnsMax: "workers and triggers",
  queueMax: "tasks that wait",
  queueBytes: "bytes of tasks that wait",
  groupsMax: "groups",
  groupsPerClient: "groups of one client",
  creditsMax: "tasks that one worker has asked for",
  innerFrameBytes: "bytes of one task",
};

/** What is there now. */
export function needsOf(
  { sessions, groups, queue, dispatcher }: GatewayContext,
  links: Iterable<{ readonly credits: number }>,
): Needs {
  let [innerConnsMax, creditsMax, innerFrameBytes] = [0, 0, 0];
  for (const { credits } of links) {
    innerConnsMax++;
    creditsMax = Math.max(creditsMax, credits);
  }
  for (const session of sessions.all()) {
    for (const { bytes } of session.behind) {
      innerFrameBytes = Math.max(innerFrameBytes, bytes);
    }
  }
  for (const tasks of [queue.ready(), dispatcher.held()]) {
    for (const { bytes } of tasks) {
      innerFrameBytes = Math.max(innerFrameBytes, bytes);
    }
  }
  return {
    connsMax: sessions.size,
    innerConnsMax,
    queueMax: queue.size - queue.room.news,
    queueBytes: queue.bytes,
    groupsMax: groups.count,
    groupsPerClient: mostGroups(sessions.all()),
    creditsMax,
    innerFrameBytes,
  };
}

/** Why a gateway with these options cannot take the place of another; undefined when it can. */
export function whyNot(
  offer: Offer,
  own: Omit<Identity, "tag">,
  options: ResolvedOptions,
): string | undefined {
  const { format, formatVersion, version } = offer;
  if (format === PARENT_FORMAT) {
    return "it is several processes, and this one is one: only a restart changes that";
  }
  if (format !== FORMAT) return "what answers there is no gateway";
  if (formatVersion > FORMAT_VERSION || formatVersion < OLDEST_VERSION) {
    return `it is of version ${version} and hands over in format ${formatVersion}; this one reads ${OLDEST_VERSION} to ${FORMAT_VERSION}`;
  }
  const [its, ours] = [offer.cluster || "none", own.cluster || "none"];
  if (its !== ours) {
    return `its cluster is ${its}, and that of this one ${ours}: only a restart changes that`;
  }
  for (const name of ["nodeId", "boxFields", "order"] as const) {
    if (offer[name] === own[name]) continue;
    return `its ${name} is ${offer[name]}, and that of this one ${
      own[name]
    }: only a restart changes that`;
  }
  return whyNoRoom(WHAT, offer.needs, options);
}

/** The settings that another gateway has and this one would change, `name from -> to`. */
export function changesFrom(
  { settings }: Offer,
  now: Readonly<Record<string, string | number>>,
): string[] {
  return Object.keys({ ...settings, ...now })
    .filter((name) => settings[name] !== now[name])
    .map((name) => `${name} ${told(settings[name])} -> ${told(now[name])}`);
}

// A list of addresses may be longer than a message.
const TEXT_MAX = 1000;

/** Options as they are told to another process: no secrets, of long texts their length. */
export function settingsOf(
  options: ResolvedOptions,
): Record<string, string | number> {
  const { innerSecrets: _, ...told } = options;
  const settings: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(told)) {
    if (typeof value === "number") settings[name] = value;
    if (typeof value !== "string") continue;
    settings[name] = value.length > TEXT_MAX
      ? `${value.length} characters`
      : value;
  }
  return settings;
}

function told(value: string | number | undefined): string {
  return value === undefined || value === "" ? "none" : `${value}`;
}
