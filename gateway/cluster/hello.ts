// Hello: what a gateway tells the others of itself each second, as JSON.

/** What a gateway is doing: `starting` = nobody can connect to it yet. */
export type MemberState = "starting" | "serving" | "draining";

/** What a gateway tells the others of itself. */
export interface Hello {
  /** The number that it drew at its start, which is in each of its tasks. */
  readonly tag: number;
  /** Where workers and triggers reach it, `HOST:PORT`; empty while they cannot. */
  readonly inner: string;
  /** Where clients reach it, in the same form. */
  readonly outer: string;
  /** What it is doing. */
  readonly state: MemberState;
  /** How many clients it has. */
  readonly clients: number;
  /** How many users are logged in on these. */
  readonly users: number;
  /** How many workers it has. */
  readonly workers: number;
  /** When it was started, in milliseconds since 1970, by its own clock. */
  readonly startedAt: number;
  /** Seconds by which its event loop was late, at most, in the last second. */
  readonly loopDelay: number;
  /** The highest stamp of a login that it has given or seen. */
  readonly stamp: number;
  /** How many messages about logins it has sent. */
  readonly logins: number;
  /** The version of its program. */
  readonly version: string;
}

/** The same without what its part in the cluster is, which is added when it is sent. */
export type OwnHello = Omit<Hello, "stamp" | "logins">;

/** What is known of a gateway that has told nothing yet. */
export const UNTOLD: Hello = {
  tag: 0,
  inner: "",
  outer: "",
  state: "starting",
  clients: 0,
  users: 0,
  workers: 0,
  startedAt: 0,
  loopDelay: 0,
  stamp: 0,
  logins: 0,
  version: "",
};

const STATES: readonly MemberState[] = ["starting", "serving", "draining"];
const TEXT_MAX = 300;

/** The body of a `hello`. */
export function encodeHello(hello: Hello): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(hello));
}

/** Reads it; what cannot be read in it counts as not told. */
export function decodeHello(body: Uint8Array): Hello {
  const told = parse(body);
  const hello: Record<string, unknown> = { ...UNTOLD };
  for (const [name, untold] of Object.entries(UNTOLD)) {
    const value = told[name];
    if (typeof value !== typeof untold) continue;
    if (typeof value === "number" && !Number.isFinite(value)) continue;
    hello[name] = typeof value === "string" ? value.slice(0, TEXT_MAX) : value;
  }
  if (!STATES.includes(hello.state as MemberState)) hello.state = "starting";
  return hello as unknown as Hello;
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const value = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
