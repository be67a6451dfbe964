// The line between a master and its children: loopback TCP, one JSON object a line. Whoever is left alone learns it by the line's end.

import { LineBox } from "@maple/box";
import {
  acceptAll,
  type FrameHandler,
  FrameSocket,
  listenTcp,
  type Logger,
} from "@maple/box/internal";

/** What a child tells its master. The first message on a line must carry the token. */
export interface ControlMessage {
  /** Which child this is; only the master and the child know it. */
  token?: string;
  /** The child does its work. */
  ready?: boolean;
}

/** How often a child says that its event loop runs. */
export const BEAT_MS = 250;
const MAX_MESSAGE_BYTES = 4096;

/** The master's end of the lines. */
export class ControlServer {
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #sockets = new Set<FrameSocket>();

  /**
   * @param logger Where faults are logged.
   * @param onMessage Called for each message with the child's token.
   * @param onGone Called when the line of a child has ended.
   */
  constructor(
    logger: Logger,
    onMessage: (token: string, message: ControlMessage) => void,
    onGone: (token: string) => void,
  ) {
    this.#listener = listenTcp("child processes", "127.0.0.1", 0);
    this.#accepting = acceptAll(this.#listener, logger, (conn) => {
      let token: string | undefined;
      const socket: FrameSocket = controlSocket(conn, {
        onFrame: (line) => {
          const message = parse(line);
          token ??= message?.token;
          if (!message || token === undefined) socket.destroy();
          else onMessage(token, message);
        },
        onClose: () => {
          this.#sockets.delete(socket);
          if (token !== undefined) onGone(token);
        },
      });
      this.#sockets.add(socket);
      socket.run();
    });
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Closes all lines. */
  async close(): Promise<void> {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#accepting;
  }
}

/** The child's end of its line. */
export class ControlClient {
  readonly #socket: FrameSocket;
  readonly #beat: ReturnType<typeof setInterval>;

  private constructor(socket: FrameSocket) {
    this.#socket = socket;
    this.#beat = setInterval(() => this.send({}), BEAT_MS);
  }

  /**
   * Connects to the master.
   *
   * @param onMasterGone Called when the line ends before it is closed here.
   */
  static async connect(
    port: number,
    token: string,
    onMasterGone: () => void,
  ): Promise<ControlClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const socket = controlSocket(conn, {
      onFrame: () => {},
      onClose: (cause) => {
        if (cause.kind !== "local") onMasterGone();
      },
    });
    socket.run();
    const client = new ControlClient(socket);
    client.send({ token });
    return client;
  }

  /** Tells the master something. */
  send(message: ControlMessage): void {
    if (this.#socket.closed) return;
    this.#socket.send(new LineBox({ body: message }).pack());
  }

  /** Closes the line. */
  close(): void {
    clearInterval(this.#beat);
    this.#socket.destroy();
  }
}

function controlSocket(conn: Deno.TcpConn, handler: FrameHandler): FrameSocket {
  conn.setNoDelay(true);
  return new FrameSocket(conn, handler, {
    framing: LineBox,
    maxFrameBytes: MAX_MESSAGE_BYTES,
  });
}

function parse(line: Uint8Array): ControlMessage | undefined {
  try {
    return LineBox.fromFrame(line).json<ControlMessage>();
  } catch {
    return undefined;
  }
}
