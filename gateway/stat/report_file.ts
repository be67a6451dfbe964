// readReport: reads the stat file of a gateway and checks that it is one, whole and of a gateway
// that lives.

import { GatewayError } from "../errors.ts";
import { DEFAULTS } from "../option_table.ts";
import { newCounters } from "../metrics/counter_values.ts";
import {
  type GatewayReport,
  REPORT_FORMAT,
  REPORT_FORMAT_VERSION,
} from "../metrics/report.ts";

/** Seconds without a new report after which the gateway counts as gone; it writes one a second. */
export const STALE_SECONDS = 5;

// A thousand workers take a quarter of a megabyte.
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a stat file.
 *
 * @throws {GatewayError} with one line, when it is missing, unreadable, broken or something else.
 */
export async function readReport(path: string): Promise<GatewayReport> {
  let text: string;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new Error("it is no file");
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, too many`);
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new GatewayError(
        `There is no ${path}: a gateway writes it when started with --stat-file`,
        { cause },
      );
    }
    throw new GatewayError(`Cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseReport(path, text);
}

/**
 * Reads a report from JSON.
 *
 * @param path What stands in the message.
 * @throws {GatewayError} with one line, when it is broken or something else.
 */
export function parseReport(path: string, text: string): GatewayReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GatewayError(`${path} is broken: it is no whole JSON`, { cause });
  }
  if (!isObject(value) || value["format"] !== REPORT_FORMAT) {
    throw new GatewayError(
      `${path} is no stat file of a gateway: its format is not "${REPORT_FORMAT}"`,
    );
  }
  if (value["formatVersion"] !== REPORT_FORMAT_VERSION) {
    throw new GatewayError(
      `${path} has format version ${
        JSON.stringify(value["formatVersion"])
      }, expected ${REPORT_FORMAT_VERSION}: use the viewer of the gateway's own version`,
    );
  }
  fillIn(value);
  const broken = firstUnfit(value, REPORT_SHAPE, "");
  if (broken !== undefined) {
    throw new GatewayError(`${path} is broken: ${broken} does not fit`);
  }
  return value as unknown as GatewayReport;
}

// What an older gateway does not count yet, it has counted as nothing.
function fillIn(report: Record<string, unknown>): void {
  const stats = report["stats"];
  if (!isObject(stats)) return;
  report["trouble"] ??= [];
  stats["io"] ??= "deno";
  stats["groups"] ??= 0;
  stats["groupMembers"] ??= 0;
  stats["largestGroups"] ??= [];
  stats["cluster"] ??= null;
  stats["clientsRelayed"] ??= 0;
  stats["clientsRelayedBy"] ??= {};
  const limits = report["limits"];
  if (isObject(limits)) limits["groupsMax"] ??= DEFAULTS.groupsMax;
  for (const [name, zero] of Object.entries(newCounters())) {
    const value = stats[name];
    if (value === undefined) stats[name] = zero;
    else if (isObject(value)) stats[name] = { ...zero, ...value };
  }
}

/** In one line why the gateway of this report is gone; undefined when it is not. */
export function goneReason(
  path: string,
  report: GatewayReport,
  now: number,
): string | undefined {
  const age = (now - Date.parse(report.time)) / 1000;
  if (report.stats.state === "closed") {
    return `The gateway has closed, at ${report.time}`;
  }
  if (age <= STALE_SECONDS) return undefined;
  return `The gateway is gone: ${path} is ${
    Math.floor(age)
  } s old, last written at ${report.time}`;
}

type Shape =
  | "number"
  | "string"
  | {
    readonly [name: string]: Shape;
  }
  | readonly [Shape]
  | ((value: unknown) => boolean);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(Number.isFinite);

const isHistogram = (value: unknown): boolean =>
  isObject(value) && isNumbers(value["bounds"]) && isNumbers(value["counts"]) &&
  value["bounds"].length > 0 &&
  value["counts"].length === value["bounds"].length + 1 &&
  Number.isFinite(value["count"]) && Number.isFinite(value["sum"]);

const isWhenOrNull = (value: unknown): boolean =>
  value === null || isTime(value);

const isTime = (value: unknown): boolean =>
  typeof value === "string" && !Number.isNaN(Date.parse(value));

const isCounts = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every(Number.isFinite);

const isAddressOrNull = (value: unknown): boolean =>
  value === null || typeof value === "string";

const isTextIfAny = (value: unknown): boolean =>
  value === undefined || typeof value === "string";

const isNumberIfAny = (value: unknown): boolean =>
  value === undefined || Number.isFinite(value);

const isCommand = (value: unknown): boolean =>
  value === "other" || Number.isInteger(value);

const isClusterOrNull = (value: unknown): boolean =>
  value === null || firstUnfit(value, CLUSTER_SHAPE, "cluster") === undefined;

const isBoolean = (value: unknown): boolean => typeof value === "boolean";

function shapeOfCounter(
  [name, zero]: [string, number | object],
): [string, Shape] {
  return [
    name,
    typeof zero === "number" ? "number" : numbers(...Object.keys(zero)),
  ];
}

function numbers(...names: readonly string[]): Record<string, Shape> {
  return Object.fromEntries(names.map((name) => [name, "number"]));
}

const CLUSTER_SHAPE: Shape = {
  ...{ name: "string", bus: "string", state: "string" },
  gateways: [{
    ...{ state: "string", inner: "string", outer: "string", version: "string" },
    own: isBoolean,
    ...numbers("node", "clients", "users", "workers", "loopDelay", "startedAt"),
  }],
};

// What the viewer shows or computes with; what is added later does not matter to it.
const REPORT_SHAPE: Shape = {
  version: "string",
  time: isTime,
  startedAt: isWhenOrNull,
  outer: isAddressOrNull,
  ws: isAddressOrNull,
  tls: isAddressOrNull,
  wss: isAddressOrNull,
  inner: isAddressOrNull,
  nodeId: "number",
  limits: numbers(
    ...["connsMax", "queueMax", "queueBytes", "innerConnsMax", "groupsMax"],
  ),
  stats: {
    ...Object.fromEntries(Object.entries(newCounters()).map(shapeOfCounter)),
    clientsOver: numbers("tcp", "ws", "tls", "wss"),
    ...numbers("clients", "clientsPeak", "users", "innerLinks", "workers"),
    clientsRelayed: "number",
    clientsRelayedBy: isCounts,
    ...numbers("groups", "groupMembers"),
    ...numbers("idleCredits", "queued", "queuedPeak", "queuedBytes", "inHand"),
    ...numbers("oldestSeconds", "loopDelay", "rss", "uptime", "pid"),
    generation: isNumberIfAny,
    io: "string",
    queueTime: isHistogram,
    workTime: isHistogram,
    commands: [{
      cmd: isCommand,
      ...numbers("count", "seconds", "maxSeconds"),
    }],
    largestGroups: [{ name: "string", members: "number" }],
    cluster: isClusterOrNull,
    workerLinks: [{
      address: "string",
      name: isTextIfAny,
      pid: isNumberIfAny,
      ...numbers("credits", "inHand", "done", "connectedSeconds"),
      ...numbers("seenSeconds"),
    }],
    state: "string",
  },
  trouble: [{ what: "string", count: "number", now: isBoolean }],
};

// The name of the first part that does not fit.
function firstUnfit(
  value: unknown,
  shape: Shape,
  name: string,
): string | undefined {
  if (shape === "number") return Number.isFinite(value) ? undefined : name;
  if (shape === "string") return typeof value === "string" ? undefined : name;
  if (typeof shape === "function") return shape(value) ? undefined : name;
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return name;
    return value.map((one, i) => firstUnfit(one, shape[0], `${name}[${i}]`))
      .find((unfit) => unfit !== undefined);
  }
  if (!isObject(value)) return name;
  return Object.entries(shape).map(([key, part]) =>
    firstUnfit(value[key], part, name === "" ? key : `${name}.${key}`)
  ).find((unfit) => unfit !== undefined);
}
