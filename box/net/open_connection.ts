// Opens a connection of a Client by whatever can connect to its address, within a time.

import { BoxError } from "../errors.ts";
import { onAbort } from "../on_abort.ts";
import type {
  ClientConnection,
  ClientConnectionEvents,
  Connector,
  WebSocketClass,
} from "./client_connection.ts";
import { lostBy } from "./client_errors.ts";

/** Settings of {@linkcode openConnection}. */
export interface OpenOptions {
  /** What opens which addresses. */
  readonly connectors: Readonly<Record<string, Connector>>;
  /** Seconds that it may take; 0 = without end. */
  readonly timeout: number;
  /** See {@linkcode ClientOptions}. */
  readonly webSocketClass: WebSocketClass | undefined;
  /** Gives it up when it is aborted. */
  readonly signal: AbortSignal;
}

/**
 * Opens a connection.
 *
 * @throws {BoxError} `option` when such an address cannot be connected to.
 */
export async function openConnection(
  url: string | URL,
  events: ClientConnectionEvents,
  { connectors, timeout, webSocketClass, signal }: OpenOptions,
): Promise<ClientConnection> {
  const giveUp = new AbortController();
  const following = onAbort(signal, () => giveUp.abort(signal.reason));
  const timer = timeout === 0 ? undefined : setTimeout(
    () => giveUp.abort(lostBy(`not connected within ${timeout} s`)),
    timeout * 1000,
  );
  try {
    const address = parseUrl(url);
    const connect = address && connectors[address.protocol];
    if (!connect) {
      throw new BoxError(
        "option",
        `Cannot connect to ${url}: it must begin with ${
          Object.keys(connectors).map((protocol) => `${protocol}//`).join(", ")
        }`,
      );
    }
    return await connect(address, events, {
      signal: giveUp.signal,
      webSocketClass,
    });
  } finally {
    clearTimeout(timer);
    following[Symbol.dispose]();
  }
}

// URL.canParse is missing in browsers before the end of 2023.
function parseUrl(url: string | URL): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
