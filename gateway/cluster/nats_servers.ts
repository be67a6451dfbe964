// Where the servers of a NATS bus are, and how a gateway shows them who it is.

import { formatAddress, listOf } from "@maple/box/internal";

/** One server of a NATS bus. */
export interface NatsServer {
  /** Its host. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
  /** Whether it must be spoken to over TLS; where it wants to be, it is in any case. */
  readonly tls: boolean;
  /** The user's name; undefined where none is given. */
  readonly user?: string;
  /** The password, where a user is given. */
  readonly pass?: string;
  /** What is given in place of a user. */
  readonly token?: string;
}

const DEFAULT_PORT = 4222;
const SCHEME = /^(nats|tls):\/\//;

/**
 * Reads a list of servers, with commas between: `nats://HOST:PORT`, `tls://USER:PASSWORD@HOST`,
 * `nats://TOKEN@HOST`. Those that name no user or token are shown those of the first that does.
 *
 * @param source What an error begins with, as in `Option cluster`.
 * @throws {Error} made by `fail`, when one of them is none; no password is in it.
 */
export function parseNatsServers(
  source: string,
  text: string,
  fail: (message: string) => Error,
): NatsServer[] {
  const servers = listOf(text).map((one) => {
    const server = parseServer(one);
    if (server) return server;
    throw fail(
      `${source} must be servers of NATS as in nats://HOST:PORT, with commas between them, got ${
        JSON.stringify(withoutPasswords(one))
      }`,
    );
  });
  const first = servers.find(({ user, token }) => user ?? token);
  if (!first) return servers;
  const { user, pass, token } = first;
  const shown = {
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
  };
  return servers.map((one) =>
    one.user ?? one.token ? one : { ...one, ...shown }
  );
}

/** A list of servers without what nobody else may know. */
export function withoutPasswords(text: string): string {
  return text.replace(/[^/,\s]*@/g, "***@");
}

/** `HOST:PORT`, `[IPV6]:PORT`. */
export function describeServer({ hostname, port }: NatsServer): string {
  return formatAddress({ transport: "tcp", hostname, port });
}

function parseServer(text: string): NatsServer | undefined {
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined && text.includes("://")) return undefined;
  // The port of http is left out in what is read.
  const rest = text.replace(SCHEME, "");
  const url = URL.parse(`http://${rest}`);
  if (!url || url.hostname === "") return undefined;
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return undefined;
  }
  const port = url.port === ""
    ? /:80$/.test(rest) ? 80 : DEFAULT_PORT
    : Number(url.port);
  if (port === 0) return undefined;
  const [user, pass] = [url.username, url.password].map(decode);
  if (user === undefined || pass === undefined) return undefined;
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    tls: scheme === "tls",
    ...(user !== "" && (pass === "" ? { token: user } : { user, pass })),
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
