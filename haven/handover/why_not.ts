// Why a haven server cannot take what another process has.

import { whyNoRoom } from "@maple/box/internal";
import type { ResolvedListen } from "../resolve_options.ts";
import { FORMAT, FORMAT_VERSION, type Needs, type Offer } from "./format.ts";

const WHAT: Readonly<Record<keyof Needs, string>> = {
  connsMax: "clients",
  groupsMax: "groups",
  groupsPerClient: "groups of one client",
};

/** What tells the boxes of a server from others. */
export function boxFieldsOf(
  { fieldNames, headerBytes }: {
    readonly fieldNames: readonly string[];
    readonly headerBytes: number;
  },
): string {
  return `${fieldNames.join(", ")} (${headerBytes} bytes)`;
}

/** Why a server with these options cannot take the place of another; undefined when it can. */
export function whyNot(
  offer: Offer,
  boxFields: string,
  options: Pick<ResolvedListen, keyof Needs>,
): string | undefined {
  const { format, formatVersion, version } = offer;
  if (format !== FORMAT) return "what answers there is no haven server";
  if (formatVersion !== FORMAT_VERSION) {
    return `it is of version ${version} and hands over in format ${formatVersion}; this one reads ${FORMAT_VERSION}`;
  }
  if (offer.boxFields !== boxFields) {
    return `its boxes have ${offer.boxFields}, those of this one ${boxFields}: clients that are connected would not be understood, only a restart changes that`;
  }
  return whyNoRoom(WHAT, offer.needs, options);
}
