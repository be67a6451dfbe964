// What the load tool can be told.

import {
  ABOUT_FLAGS,
  type CommandLine,
  type Flag,
  parseCommandLine,
  tellRemarks,
  UsageError,
  withEnvironment,
} from "@maple/box/internal";

/** How a server is reached. */
export type Protocol = "tcp" | "tls" | "ws" | "wss";

/** Which server. */
export interface Target {
  /** How it is reached. */
  readonly protocol: Protocol;
  /** Name or IP address. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
  /** The whole address of a WebSocket. */
  readonly url: string;
}

/** What the load tool can be told, with the defaults filled in. */
export interface LoadOptions {
  /** The server. */
  readonly target: Target;
  /** Connections of all processes together. */
  readonly connections: number;
  /** Requests that each connection sends; undefined = until the time is over; 0 = only listen. */
  readonly requests: number | undefined;
  /** Seconds; undefined = until all requests are answered. */
  readonly duration: number | undefined;
  /** Seconds at first that are not counted. */
  readonly warmUp: number;
  /** The command of each request. */
  readonly cmd: number;
  /** Bytes of each request's body. */
  readonly bodyBytes: number;
  /** Requests in flight on each connection. */
  readonly depth: number;
  /**
   * Requests a second that are due on all connections together; undefined = each as soon as it may.
   */
  readonly rate: number | undefined;
  /** Processes. */
  readonly processes: number;
  /** Seconds after which a request counts as failed. */
  readonly timeout: number;
  /** The uid that the first connection logs in with; undefined = no login. */
  readonly login: number | undefined;
  /** The command of the login. */
  readonly loginCmd: number;
  /** Certificates of authorities to trust, in PEM. */
  readonly caFile: string | undefined;
  /** Print one JSON object. */
  readonly json: boolean;
  /** With JSON: everything that another process needs to merge it. */
  readonly raw: boolean;
  /** Say "ready" when connected, start at a line on stdin. */
  readonly wait: boolean;
  /** Print how it goes once a second; undefined = on a terminal. */
  readonly progress: boolean | undefined;
  /** Measure the same against a plain echo server as well. */
  readonly ceiling: boolean;
}

/** What the load tool is to do: put a server under load, be one, or tell its flags. */
export type Job =
  | { readonly kind: "load"; readonly options: LoadOptions }
  | { readonly kind: "serve" }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/** The flags of the load tool. */
export const FLAGS: readonly Flag[] = [
  {
    name: "url",
    short: "u",
    type: "string",
    value: "SERVER",
    help: "HOST:PORT, tls://HOST:PORT, ws://HOST:PORT/PATH or wss://...",
  },
  count("connections", "c", "connections (10)", { min: 1, max: 1_000_000 }),
  count("requests", "r", "requests of each connection; 0 = only listen", {
    min: 0,
  }),
  seconds("duration", "d", "seconds that it lasts (10, unless -r is given)"),
  {
    name: "warm-up",
    type: "number",
    value: "S",
    min: 0,
    max: 86_400,
    help: "seconds at first that are not counted; not with -r (0)",
  },
  count("cmd", "m", "command of the requests (1)", {
    min: -(2 ** 31),
    max: 2 ** 31 - 1,
  }),
  {
    ...count("body", "b", "bytes of each body (40)", {
      min: 0,
      max: 16 * 1024 * 1024,
    }),
    value: "BYTES",
  },
  count("depth", undefined, "requests in flight on each connection (1)", {
    min: 1,
    max: 65_536,
  }),
  {
    name: "rate",
    type: "number",
    min: 0.001,
    max: 1e9,
    help:
      "requests a second, all together, on schedule; times count from the schedule",
  },
  count("processes", "p", "processes that share the connections (1)", {
    min: 1,
    max: 256,
  }),
  seconds("timeout", "o", "seconds after which a request has failed (10)"),
  {
    ...count(
      "login",
      undefined,
      "log each connection in first, with this uid and those after it",
      { min: 1 },
    ),
    value: "UID",
  },
  count("login-cmd", undefined, 'command of the login; body {"uid":N} (2)', {
    min: -(2 ** 31),
    max: 2 ** 31 - 1,
  }),
  {
    name: "ca-file",
    type: "string",
    value: "FILE",
    help: "certificates (PEM) to trust, for tls:// and wss://",
  },
  bool("json", "print one JSON object"),
  action("raw", "with --json: also every bucket and every connection"),
  action("wait", 'print "ready" when connected, start at a line on stdin'),
  bool("progress", "print how it goes to stderr (on a terminal)"),
  bool("ceiling", "measure a plain echo server as well: the tool's own limit"),
  action("serve", "be that echo server: print the address and serve"),
  ...ABOUT_FLAGS,
];

function bool(name: string, help: string): Flag {
  return { name, type: "boolean", help };
}

// How the tool runs itself.
function action(name: string, help: string): Flag {
  return { ...bool(name, help), action: true };
}

function count(
  name: string,
  short: string | undefined,
  help: string,
  range: { min: number; max?: number },
): Flag {
  return {
    name,
    type: "integer",
    help,
    ...(short === undefined ? {} : { short }),
    ...range,
  };
}

function seconds(name: string, short: string, help: string): Flag {
  return {
    name,
    short,
    type: "number",
    value: "S",
    min: 0.01,
    max: 86_400,
    help,
  };
}

/**
 * Reads a command line.
 *
 * @throws {UsageError} when it cannot be understood.
 */
export function readJob(args: readonly string[]): Job {
  const commandLine = parseCommandLine(args, FLAGS);
  const { flags, words } = commandLine;
  if (flags.get("help") === true) return { kind: "help" };
  if (flags.get("version") === true) return { kind: "version" };
  if (words.length > 0) {
    throw new UsageError(`Unexpected argument "${words[0]}"; see --help`);
  }
  if (flags.get("serve") === true) return { kind: "serve" };
  const given = withEnvironment(commandLine, FLAGS, { command: "load" });
  tellRemarks("load", given);
  return { kind: "load", options: loadOptions(given) };
}

function loadOptions(commandLine: CommandLine): LoadOptions {
  const { flags } = commandLine;
  const url = flags.get("url");
  if (url === undefined) throw new UsageError("Which server? Give -u SERVER");
  const number = (name: string) => flags.get(name) as number | undefined;
  const requests = number("requests");
  const duration = number("duration") ??
    (requests === undefined || requests === 0 ? 10 : undefined);
  const warmUp = number("warm-up") ?? 0;
  if (warmUp > 0 && requests !== undefined && requests > 0) {
    throw new UsageError("--warm-up goes with -d, not with -r");
  }
  const connections = number("connections") ?? 10;
  const processes = number("processes") ?? 1;
  if (processes > connections) {
    throw new UsageError(
      `--processes takes no more than the ${connections} connections, got ${processes}`,
    );
  }
  return {
    target: parseTarget(String(url)),
    connections,
    requests,
    duration,
    warmUp,
    cmd: number("cmd") ?? 1,
    bodyBytes: number("body") ?? 40,
    depth: number("depth") ?? 1,
    rate: number("rate"),
    processes,
    timeout: number("timeout") ?? 10,
    login: number("login"),
    loginCmd: number("login-cmd") ?? 2,
    caFile: flags.get("ca-file") as string | undefined,
    json: flags.get("json") === true,
    raw: flags.get("raw") === true,
    wait: flags.get("wait") === true,
    progress: flags.get("progress") as boolean | undefined,
    ceiling: flags.get("ceiling") === true,
  };
}

/**
 * Reads the address of a server.
 *
 * @throws {UsageError} when it is none.
 */
export function parseTarget(text: string): Target {
  const [, scheme = "tcp"] = /^([a-z]+):\/\//.exec(text) ?? [];
  const address = text.replace(/^[a-z]+:\/\//, "");
  const known = ["tcp", "tls", "ws", "wss"].includes(scheme);
  // As http, so that every scheme is read by the same rules.
  const url = known ? URL.parse(`http://${address}`) : null;
  const port = /:(\d+)$/.exec(address.split("/")[0]!)?.[1];
  const usual = scheme === "ws" ? 80 : scheme === "wss" ? 443 : undefined;
  if (!url?.hostname || (port === undefined && usual === undefined)) {
    throw new UsageError(
      `-u takes HOST:PORT, tls://HOST:PORT, ws:// or wss://, got "${text}"`,
    );
  }
  return {
    protocol: scheme as Protocol,
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port ?? usual),
    url: `${scheme}://${address}`,
  };
}
