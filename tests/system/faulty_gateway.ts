// A gateway as a program of its own, which dies or stands still at a message of its handover.

import type { GatewayOptions } from "@maple/gateway";
import { pathOf } from "../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../helpers/process.ts";
import type { Fault } from "./programs/handover_fault.ts";

/** The line of one that is ready, with its ports, or has refused. */
export const READY =
  /^gateway (?:ready outer=\S+:(\d+) inner=\S+:(\d+)|refused: ).*$/;

/** Starts one; with a fault it may not come so far as that it is ready. */
export function startGateway(
  options: GatewayOptions,
  fault?: Fault,
): Promise<RunningProcess> {
  return startProcess(Deno.execPath(), {
    args: gatewayArgs(options, fault),
    ...(fault ? {} : { ready: READY }),
  });
}

/** The arguments of Deno for one. */
export function gatewayArgs(options: GatewayOptions, fault?: Fault): string[] {
  return [
    ...["run", "--quiet", "-A", "--config", pathOf("../../deno.json")],
    pathOf("../system/programs/handover_gateway.ts"),
    JSON.stringify(options),
    ...(fault ? [JSON.stringify(fault)] : []),
  ];
}

/** A fault at a message. */
export function at(
  call: Fault["call"],
  message: Fault["message"],
  when: Fault["when"],
  what: Fault["what"] = "kill",
): Fault {
  return { call, message, when, what };
}

/** The same at one of what is given early. */
export function early(fault: Fault): Fault {
  return { ...fault, early: true };
}

/** When it happens, as the name of a test says it. */
export function momentOf({ call, message, when, early }: Fault): string {
  const what = early ? `early ${message}` : message;
  return `${when} it has ${call === "send" ? "sent" : "got"} ${what}`;
}
