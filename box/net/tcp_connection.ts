// A client's connection by TCP or TLS, with Deno's sockets.

import { BoxError } from "../errors.ts";
import { Outbox } from "../outbox.ts";
import type {
  ClientConnection,
  ClientConnectionEvents,
  ConnectorOptions,
} from "./client_connection.ts";

const BUFFER_BYTES = 16 * 1024;

/**
 * Opens a connection to `tcp://host:port` or `tls://host:port`.
 *
 * @throws {BoxError} `closed` when the server cannot be reached.
 */
export async function openTcp(
  url: URL,
  events: ClientConnectionEvents,
  { signal }: ConnectorOptions,
): Promise<ClientConnection> {
  const address = {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port),
  };
  let conn: Deno.TcpConn | Deno.TlsConn;
  try {
    conn = await (url.protocol === "tls:"
      ? Deno.connectTls(address)
      : Deno.connect({ ...address, signal }));
  } catch (cause) {
    signal.throwIfAborted();
    const { message } = cause as Error;
    throw new BoxError("closed", `Cannot connect to ${url}: ${message}`, {
      cause,
    });
  }
  if (signal.aborted) {
    conn.close();
    throw signal.reason;
  }
  if ("setNoDelay" in conn) conn.setNoDelay(true);
  return new TcpConnection(conn, events);
}

class TcpConnection implements ClientConnection {
  readonly #conn: Deno.Conn;
  readonly #events: ClientConnectionEvents;
  readonly #outbox: Outbox;
  #closed = false;

  constructor(conn: Deno.Conn, events: ClientConnectionEvents) {
    this.#conn = conn;
    this.#events = events;
    this.#outbox = new Outbox(conn, { onError: (error) => this.#end(error) });
    this.#read();
  }

  send(bytes: Uint8Array): void {
    if (!this.#closed && !this.#outbox.push(bytes)) {
      this.#end("the server does not read what is sent to it");
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // What was sent is written: it is small, or the server does not read.
    const cut = () => {
      this.#outbox.close();
      this.#conn.close();
    };
    if (this.#outbox.pendingBytes === 0) return cut();
    const timer = setTimeout(cut, 1000);
    this.#outbox.end();
    this.#outbox.drained().then(() => {
      clearTimeout(timer);
      cut();
    });
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const buffer = new Uint8Array(BUFFER_BYTES);
        const count = await this.#conn.read(buffer);
        if (count === null) return this.#end("closed by the server");
        if (this.#closed) return;
        this.#events.onBytes(buffer.subarray(0, count));
      }
    } catch (error) {
      this.#end(error);
    }
  }

  #end(why: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.close();
    this.#conn.close();
    this.#events.onEnd(why instanceof Error ? why.message : String(why));
  }
}
