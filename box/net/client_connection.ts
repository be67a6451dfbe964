// What a client is connected by; a WebSocket is one anywhere.

import { BoxError } from "../errors.ts";
import { onAbort } from "../on_abort.ts";

// What servers of ours agree on.
const SUBPROTOCOL = "maple";

/** A connection of a client, which is open. */
export interface ClientConnection {
  /** Bytes that were sent and are not yet taken by the system. */
  readonly pendingBytes: number;
  /** Sends bytes; without effect on one that has ended. */
  send(bytes: Uint8Array): void;
  /**
   * Closes it, after what was sent; its end is told to nobody then. Resolves when nothing is left
   * of it. May be called twice.
   */
  close(): Promise<void>;
}

/** Who is told what comes on a connection. */
export interface ClientConnectionEvents {
  /** Bytes came, which are nobody else's. */
  onBytes(bytes: Uint8Array): void;
  /** It has ended, and why. Called once, and not after `close`. */
  onEnd(reason: string): void;
}

/** A class of WebSockets: the part of the standard's that is used. */
export type WebSocketClass = new (
  url: string,
  protocols: string,
) => WebSocketLike;

/** A WebSocket: the part of the standard's that is used. */
export interface WebSocketLike {
  /** How binary messages are given. */
  binaryType: string;
  /** 1 when it is open. */
  readonly readyState: number;
  /** Bytes that were sent and are not yet taken by the system. */
  readonly bufferedAmount: number;
  /** Called when it is open. */
  onopen: ((event: never) => unknown) | null;
  /** Called with each message. */
  onmessage: ((event: never) => unknown) | null;
  /** Called when it has ended. */
  onclose: ((event: never) => unknown) | null;
  /** Called when it could not be opened or broke. */
  onerror: ((event: never) => unknown) | null;
  /** Sends a binary message. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Closes it in order. */
  close(): void;
}

/** How a connection is opened. */
export interface ConnectorOptions {
  /** Gives it up. */
  readonly signal: AbortSignal;
  /** Used in place of the runtime's own. */
  readonly webSocketClass?: WebSocketClass | undefined;
}

/**
 * Opens a connection to an address; rejects with a `BoxError` `closed` when the server cannot be
 * reached, `option` when it cannot be opened here at all.
 */
export type Connector = (
  url: URL,
  events: ClientConnectionEvents,
  options: ConnectorOptions,
) => Promise<ClientConnection>;

const OPEN = 1;

/** Opens a WebSocket: `ws://` or `wss://`. */
export function openWebSocket(
  url: URL,
  events: ClientConnectionEvents,
  { signal, webSocketClass }: ConnectorOptions,
): Promise<ClientConnection> {
  const Socket = webSocketClass ??
    (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (!Socket) {
    return Promise.reject(
      new BoxError(
        "option",
        "Cannot connect: this runtime has no WebSocket; give one as webSocketClass",
      ),
    );
  }
  let socket: WebSocketLike;
  try {
    socket = new Socket(url.href, SUBPROTOCOL);
  } catch (cause) {
    // It would be the same each time: an address that is none, or a page of https and one of ws.
    return Promise.reject(
      new BoxError(
        "option",
        `Cannot connect to ${url}: ${(cause as Error).message}`,
        { cause },
      ),
    );
  }
  return new Promise((resolve, reject) => {
    socket.binaryType = "arraybuffer";
    let isOpen = false;
    let ended = false;
    let setGone: () => void;
    const gone = new Promise<void>((resolve) => setGone = resolve);
    const end = (): boolean => {
      if (ended) return false;
      ended = true;
      following[Symbol.dispose]();
      socket.close();
      return true;
    };
    const connection: ClientConnection = {
      get pendingBytes() {
        return socket.bufferedAmount;
      },
      send(bytes) {
        if (socket.readyState !== OPEN) return;
        socket.send(bytes as Uint8Array<ArrayBuffer>);
      },
      close() {
        end();
        return gone;
      },
    };
    socket.onopen = () => {
      if (ended) return;
      isOpen = true;
      following[Symbol.dispose]();
      resolve(connection);
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (ended) return;
      if (data instanceof ArrayBuffer) events.onBytes(new Uint8Array(data));
      else if (end()) events.onEnd("the server sent text, which is no box");
    };
    // Browsers do not tell more, and the close follows.
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      setGone();
      if (!end()) return;
      const why = reason === "" ? `code ${code}` : `code ${code}: ${reason}`;
      if (isOpen) events.onEnd(`closed by the server, ${why}`);
      else {
        reject(
          new BoxError(
            "closed",
            `Cannot connect to ${url}: it is not reached, or opens no WebSocket there`,
          ),
        );
      }
    };
    const following = onAbort(signal, () => {
      if (ended) return;
      ended = true;
      socket.close();
      reject(signal.reason);
    });
  });
}
