// Conn: one connection that carries bytes, whatever is below it.

import type { WebSocketPiece } from "./web_socket_piece.ts";

/**
 * Who takes the bytes of a {@linkcode Conn}. A step between the connection and the frames, one that
 * decodes a WebSocket for instance, is a `Conn` around another: it hands on the space of the sink
 * that it was given, decodes in place what was put there, and tells how much is left.
 */
export interface ByteSink {
  /**
   * Handles what has come so far; to be called before each read. Nothing may be read until the
   * promise that it gives, if it gives one, has resolved; then it is called again.
   */
  next(): Promise<void> | undefined;
  /** Where the next bytes go: room for one at least. It is valid until `filled` is called. */
  space(): Uint8Array;
  /**
   * Tells that bytes were put there, from its beginning.
   *
   * @param count How many of them are for the sink.
   * @param read How many were read: more than that, where a step has taken some out. It tells the
   * sink whether there is more to come than it has room for. @default {count}
   */
  filled(count: number, read?: number): void;
  /**
   * Tells that nothing more comes: the other side has ended its sending, or the connection is
   * closed here or broken. To be called once.
   *
   * @param error Why, where it is broken.
   * @returns When the sink has done its work.
   */
  ended(error?: unknown): Promise<void>;
}

/**
 * One connection that carries bytes. It fits a source that is asked and answers by promises (Deno's
 * sockets) as well as one that calls when there is something, and takes a write at once.
 */
export interface Conn {
  /** Address and port of the other side. */
  readonly remoteAddr: Deno.NetAddr;
  /**
   * Gives what comes to the sink. To be called once.
   *
   * @returns When the sink has been told of the end and has done its work. Never rejects.
   */
  run(sink: ByteSink): Promise<void>;
  /**
   * Writes some of the bytes, which stay as they are until then.
   *
   * @returns How many: at once, or a promise where the other side has to be waited for.
   */
  write(bytes: Uint8Array): number | Promise<number>;
  /** Tells the other side that nothing more comes; it may still send. */
  closeWrite(): Promise<void>;
  /** Closes it at once. May be called twice. */
  close(): void;
  /**
   * What another process needs to go on with it; nothing changes here. Without this, and where it
   * gives nothing, none can.
   */
  give?(): ConnPiece | undefined;
}

/** A connection whose descriptor is known, so that another process can have it. */
export interface OwnSocket extends Conn {
  /** The descriptor. */
  readonly descriptor: number;
  /** Who takes its bytes; undefined before `run`. */
  readonly sink: ByteSink | undefined;
  /** Closes the descriptor and no more: where another process has it too, that one goes on. */
  release(): void;
  /** Lets go of the descriptor, which somebody else closes. */
  forget(): void;
}

/** What lies between a socket and the bytes of its frames. */
export interface ConnPiece {
  /** The socket, whose descriptor goes along. */
  readonly socket: OwnSocket;
  /** Address and port of the other side, as far as is known. */
  readonly remoteAddr: Deno.NetAddr;
  /** Bytes that were read from the socket, and that nobody has looked at. */
  readonly unread: Uint8Array;
  /** Bytes of a write under way that this process still writes itself. @default {0} */
  readonly writing?: number;
  /** Where a WebSocket stands; undefined for others. */
  readonly webSocket?: WebSocketPiece;
}
