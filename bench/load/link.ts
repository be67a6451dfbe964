// Link: one connection to the server that is measured, the same for TCP, TLS and WebSocket.

import { Box } from "@maple/box";
import { DenoConn, FrameSocket } from "@maple/box/internal";
import type { Target } from "./options.ts";

// How long the other side of a WebSocket may take to agree that it is closed.
const CLOSE_MS = 2000;

/** Whoever works with a {@linkcode Link}. */
export interface LinkHandler {
  /** One whole frame, valid during the call. */
  onFrame(frame: Uint8Array): void;
  /** Called once, when the connection has ended, whoever ended it. */
  onClose(reason: string): void;
}

/** One connection. */
export interface Link {
  /** Sends a frame, which may be changed as soon as this returns. */
  send(frame: Uint8Array): void;
  /** Closes at once and waits until all of it is gone. */
  close(): Promise<void>;
}

/** Settings of {@linkcode openLink}. */
export interface LinkOptions {
  /** Certificates of authorities to trust, in PEM. */
  caCerts?: string[];
  /** Milliseconds that connecting may take. */
  timeoutMs: number;
}

/**
 * Connects.
 *
 * @throws {Error} when the server does not take the connection in time.
 */
export function openLink(
  target: Target,
  handler: LinkHandler,
  options: LinkOptions,
): Promise<Link> {
  return target.protocol === "ws" || target.protocol === "wss"
    ? openWebSocket(target.url, handler, options)
    : openSocket(target, handler, options);
}

async function openSocket(
  { protocol, hostname, port }: Target,
  handler: LinkHandler,
  { caCerts, timeoutMs }: LinkOptions,
): Promise<Link> {
  const opening: Promise<Deno.TcpConn | Deno.TlsConn> = protocol === "tls"
    ? connectTls({ hostname, port, ...(caCerts ? { caCerts } : {}) })
    : Deno.connect({ hostname, port });
  const conn = await inTime(opening, timeoutMs, () => {
    opening.then((late) => late.close(), () => {});
  });
  if ("setNoDelay" in conn) conn.setNoDelay(true);
  const socket = new FrameSocket(new DenoConn(conn), {
    framing: Box,
    frameBytes: 2 ** 30,
    outboxBytes: 2 ** 30,
  });
  const running = socket.run({
    onFrame: (frame) => handler.onFrame(frame),
    onClose: ({ message }) => handler.onClose(message),
  });
  return {
    send: (frame) => {
      socket.send(frame);
    },
    close: () => {
      socket.destroy();
      return running;
    },
  };
}

// Deno would shake hands with the first bytes: a certificate that is not trusted is to be told
// before.
async function connectTls(
  options: Deno.ConnectTlsOptions,
): Promise<Deno.TlsConn> {
  const conn = await Deno.connectTls(options);
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
}

async function openWebSocket(
  url: string,
  handler: LinkHandler,
  { caCerts, timeoutMs }: LinkOptions,
): Promise<Link> {
  const client = caCerts && Deno.createHttpClient({ caCerts });
  // The types of Deno 2.4 know lists of protocols only.
  const options = { client } as unknown as string[];
  const socket = client ? new WebSocket(url, options) : new WebSocket(url);
  socket.binaryType = "arraybuffer";
  let failure = "";
  const closed = new Promise<void>((resolve) => {
    socket.onerror = (event) => {
      if (event instanceof ErrorEvent) failure = event.message;
    };
    socket.onclose = () => resolve();
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    closed.then(() => reject(new Error(failure || "closed by the other side")));
  });
  await inTime(opened, timeoutMs, () => socket.close())
    .finally(() => client?.close());
  closed.then(() => handler.onClose(failure || "closed by the other side"));
  socket.onmessage = ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return;
    const frame = new Uint8Array(data);
    if (Box.frameLength(frame, 0, frame.length) === frame.length) {
      handler.onFrame(frame);
    }
  };
  return {
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) {
        socket.send(frame as Uint8Array<ArrayBuffer>);
      }
    },
    close: () => {
      socket.close();
      return inTime(closed, CLOSE_MS, () => {}).catch(() => {});
    },
  };
}

async function inTime<T>(
  work: Promise<T>,
  timeoutMs: number,
  giveUp: () => void,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      giveUp();
      reject(new Error("timed out"));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
