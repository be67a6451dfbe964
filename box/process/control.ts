// The line between a master and its children: loopback TCP, one JSON object a line. Whoever is left
// alone learns it by the line's end.

import { LineBox } from "../line_box.ts";
import type { Logger, LogLevel } from "../log/logger.ts";
import { FrameSocket } from "../net/frame_socket.ts";
import { DenoConn } from "../net/deno_conn.ts";
import { acceptAll, listenTcp } from "../net/listen.ts";
import {
  LINE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  type Relay,
  type Relayed,
  type Siblings,
} from "./siblings.ts";

/** What a child tells its master. The first message on a line must carry the token. */
export interface ControlMessage {
  /** Which child this is; only the master and the child know it. */
  token?: string;
  /** The child does its work. */
  ready?: boolean;
  /** Why the child does not do its work yet. */
  waiting?: string;
  /** What the child leaves for those that come after it. */
  note?: string;
  /** What the child has counted. */
  stats?: unknown;
  /** The child has handed all that it held to the one that was started in its place. */
  given?: boolean;
  /** The child leaves and wants another in its place: why. */
  replace?: string;
  /** What the other children are to be told. */
  relay?: Relay;
  /** The child wants to know when this has come: see `MasterMessage.marked`. */
  mark?: true;
}

/** What a master tells a child. */
export interface MasterMessage {
  /** The least level that is to be logged. */
  logLevel?: LogLevel;
  /** What a child has told to all others. */
  relayed?: Relayed;
  /** A `mark` of the child has come: the number of the last that was passed on before. */
  marked?: number;
  /** What the program has to tell the child; the master does not look into it. */
  told?: unknown;
  /** The child, which leaves already, is to close at once. */
  hurry?: boolean;
}

/** What a child does about its line. */
export interface ControlClientHandler {
  /** The line has ended before it was closed here. */
  onMasterGone(): void;
  /** The master has told something. */
  onMessage(message: MasterMessage): void;
}

/** How often a child says that its event loop runs. */
export const BEAT_MS = 250;
const RELAYED_BYTES = 4096;

/** What a master does about the lines. */
export interface ControlServerHandler {
  /** A child has told something. */
  onMessage(token: string, message: ControlMessage): void;
  /** The line of a child has ended. */
  onGone(token: string): void;
}

/** The master's end of the lines. */
export interface Control {
  /** The port that it listens on. */
  readonly port: number;
  /** Tells a child something; no effect when it has no line. */
  send(token: string, message: MasterMessage): void;
  /**
   * Tells several children the same.
   *
   * @returns The tokens of those whose lines have no room for it.
   */
  sendAll(tokens: Iterable<string>, message: MasterMessage): string[];
  /** Closes all lines. */
  close(): Promise<void>;
}

/** The master's end of the lines, at a port of loopback. */
export class ControlServer implements Control {
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #sockets = new Set<FrameSocket>();
  readonly #children = new Map<string, FrameSocket>();

  /** @param logger Where faults are logged. */
  constructor(logger: Logger, handler: ControlServerHandler) {
    this.#listener = listenTcp("child processes", "127.0.0.1", 0);
    this.#accepting = acceptAll(this.#listener, logger, (conn) => {
      let token: string | undefined;
      const socket = controlSocket(conn);
      this.#sockets.add(socket);
      socket.run({
        onFrame: (line) => {
          const message = parse<ControlMessage>(line);
          token ??= message?.token;
          if (!message || token === undefined) {
            socket.destroy();
            return;
          }
          this.#children.set(token, socket);
          handler.onMessage(token, message);
        },
        onClose: () => {
          this.#sockets.delete(socket);
          if (token === undefined) return;
          this.#children.delete(token);
          handler.onGone(token);
        },
      });
    });
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Tells a child something; no effect when it has no line. */
  send(token: string, message: MasterMessage): void {
    this.#children.get(token)?.send(new LineBox({ body: message }).pack());
  }

  /** Tells several children the same, where their lines have room. */
  sendAll(tokens: Iterable<string>, message: MasterMessage): string[] {
    const line = new LineBox({ body: message }).pack();
    const full: string[] = [];
    for (const token of tokens) {
      const socket = this.#children.get(token);
      if (!socket) continue;
      if (socket.pendingBytes > LINE_BYTES_MAX) full.push(token);
      else socket.send(line);
    }
    return full;
  }

  /** Closes all lines. */
  async close(): Promise<void> {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#accepting;
  }
}

/** Who a child is. */
export interface ControlIdentity {
  /** By which its master knows it. */
  readonly token: string;
  /** Its number, from 1; its successor has the same. */
  readonly index: number;
}

/** The child's end of its line. */
export class ControlClient implements Siblings {
  /** Called with what other children have told. */
  onRelayed: ((relayed: Relayed) => void) | undefined;
  /** Which place among the children it has. */
  readonly id: string;
  readonly #socket: FrameSocket;
  readonly #marks: ((no: number) => void)[] = [];
  readonly #beat: ReturnType<typeof setInterval>;

  private constructor(id: string, socket: FrameSocket) {
    this.id = id;
    this.#socket = socket;
    this.#beat = setInterval(() => this.send({}), BEAT_MS);
  }

  /** Connects to the master. */
  static async connect(
    port: number,
    { token, index }: ControlIdentity,
    handler: ControlClientHandler,
  ): Promise<ControlClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const socket = controlSocket(conn);
    const client = new ControlClient(String(index), socket);
    socket.run({
      onFrame: (line) => {
        const message = parse<MasterMessage>(line);
        if (!message) return;
        const { relayed, marked } = message;
        if (relayed) client.onRelayed?.(relayed);
        else if (marked !== undefined) client.#marks.shift()?.(marked);
        else handler.onMessage(message);
      },
      onClose: (cause) => {
        // Nothing comes any more that would have to be waited for.
        for (const resolve of client.#marks.splice(0)) resolve(0);
        if (cause.kind !== "local") handler.onMasterGone();
      },
    });
    client.send({ token });
    return client;
  }

  /** Tells the master something. */
  send(message: ControlMessage): void {
    if (this.#socket.closed) return;
    this.#socket.send(new LineBox({ body: message }).pack());
  }

  /**
   * Tells the master what was counted, unless it has not read yet what it was told before or it is
   * too much for a message.
   */
  sendStats(stats: unknown): void {
    if (this.#socket.closed || this.#socket.pendingBytes > 0) return;
    const line = new LineBox({ body: { stats } }).pack();
    if (line.length <= MESSAGE_BYTES_MAX) this.#socket.send(line);
  }

  /** Tells all other children something. */
  tell(relay: Relay): boolean {
    if (this.#socket.closed || this.#socket.pendingBytes > LINE_BYTES_MAX) {
      return false;
    }
    const line = new LineBox({ body: { relay } }).pack();
    // What the master makes of it is no longer than that.
    const room = MESSAGE_BYTES_MAX - RELAYED_BYTES;
    return line.length <= room && this.#socket.send(line);
  }

  /** Resolves when both sides have what was told, see `Siblings`. */
  settle(): Promise<number> {
    if (this.#socket.closed) return Promise.resolve(0);
    return new Promise((resolve) => {
      this.#marks.push(resolve);
      this.send({ mark: true });
    });
  }

  /** Closes the line. */
  close(): void {
    clearInterval(this.#beat);
    this.#socket.destroy();
  }
}

function controlSocket(conn: Deno.TcpConn): FrameSocket {
  conn.setNoDelay(true);
  return new FrameSocket(new DenoConn(conn), {
    framing: LineBox,
    frameBytes: MESSAGE_BYTES_MAX,
    outboxBytes: LINE_BYTES_MAX + 2 * MESSAGE_BYTES_MAX,
  });
}

function parse<T>(line: Uint8Array): T | undefined {
  try {
    return LineBox.fromFrame(line).json<T>();
  } catch {
    return undefined;
  }
}
