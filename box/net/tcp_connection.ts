// A client's connection by TCP or TLS, with Deno's sockets.

import { BoxError } from "../errors.ts";
import { checkNumber, PEER_PORT } from "../options.ts";
import { Outbox } from "../outbox.ts";
import { startTls } from "./start_tls.ts";
import type {
  ClientConnection,
  ClientConnectionEvents,
  ConnectorOptions,
} from "./client_connection.ts";

const BUFFER_BYTES = 16 * 1024;
// How long a server may take to read what was sent before it was closed.
const LINGER_MS = 1000;

/** How a server is reached by TCP or TLS. */
export interface OpenTcpOptions extends ConnectorOptions {
  /** With TLS: authorities to trust, beside those that Deno trusts, in PEM. */
  readonly caCerts?: string[] | undefined;
}

/**
 * Opens a connection to `tcp://HOST:PORT` or `tls://HOST:PORT`.
 *
 * @throws {BoxError} `closed` when the server cannot be reached, `option` without a port.
 */
export async function openTcp(
  url: URL,
  events: ClientConnectionEvents,
  { signal, caCerts }: OpenTcpOptions,
): Promise<ClientConnection> {
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port);
  checkNumber(
    `Cannot connect to ${url}: its port`,
    port,
    PEER_PORT,
    (message) => new BoxError("option", message),
  );
  try {
    const conn = await Deno.connect({ hostname, port, signal });
    conn.setNoDelay(true);
    return new TcpConnection(
      url.protocol === "tls:"
        ? await startTls(conn, { hostname, signal, caCerts })
        : conn,
      events,
    );
  } catch (cause) {
    signal.throwIfAborted();
    const { message } = cause as Error;
    throw new BoxError("closed", `Cannot connect to ${url}: ${message}`, {
      cause,
    });
  }
}

class TcpConnection implements ClientConnection {
  readonly #conn: Deno.Conn;
  readonly #events: ClientConnectionEvents;
  readonly #outbox: Outbox;
  readonly #reading: Promise<void>;
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(conn: Deno.Conn, events: ClientConnectionEvents) {
    this.#conn = conn;
    this.#events = events;
    this.#outbox = new Outbox(conn, {
      // The client has a limit of its own.
      maxBytes: Number.MAX_SAFE_INTEGER,
      onError: (error) => this.#end(error),
    });
    this.#reading = this.#read();
  }

  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  send(bytes: Uint8Array): void {
    if (!this.#closing) this.#outbox.push(bytes);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#finish();
  }

  async #finish(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      const timer = setTimeout(() => this.#outbox.close(), LINGER_MS);
      this.#outbox.end();
      await this.#outbox.drained();
      clearTimeout(timer);
      this.#cut();
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const buffer = new Uint8Array(BUFFER_BYTES);
        const count = await this.#conn.read(buffer);
        if (count === null) return this.#end("closed by the server");
        if (this.#ended) return;
        this.#events.onBytes(buffer.subarray(0, count));
      }
    } catch (error) {
      this.#end(error);
    }
  }

  #end(why: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cut();
    this.#events.onEnd(why instanceof Error ? why.message : String(why));
  }

  #cut(): void {
    this.#outbox.close();
    this.#conn.close();
  }
}
