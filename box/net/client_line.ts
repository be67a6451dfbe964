// ClientLine: one connection of a Client, with what it reads and the heartbeat on it.

import type { BoxClass } from "../box_class.ts";
import type { BoxError } from "../errors.ts";
import { FrameReader } from "../frame_reader.ts";
import type { ClientConnection } from "./client_connection.ts";
import { lostBy, messageOf } from "./client_errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { openConnection, type OpenOptions } from "./open_connection.ts";

/** How a line is opened and what goes over it. */
export interface LineOptions extends OpenOptions {
  /** Called with each whole frame, which is nobody else's. */
  readonly onFrame: (line: ClientLine, frame: Uint8Array) => void;
  /** The class of the boxes. */
  readonly boxClass: BoxClass<object>;
  /** A longer frame ends it. */
  readonly frameBytes: number;
  /** What asks a silent server for a sign of life; undefined where none is asked. */
  readonly heartbeatFrame: Uint8Array | undefined;
  /** Seconds of silence after which it is sent, and may be unanswered; 0 = never. */
  readonly heartbeat: number;
}

/** One connection of a client. */
export class ClientLine {
  /** Resolves when the connection is lost; never once it is closed here. */
  readonly lost: Promise<BoxError>;
  /** In how many milliseconds its server has asked to move, if it has. */
  moveAfter: number | undefined;
  readonly #onFrame: LineOptions["onFrame"];
  readonly #reader: FrameReader;
  #connection!: ClientConnection;
  #heartbeat: Heartbeat | undefined;
  #setLost!: (error: BoxError) => void;
  #isOver = false;

  private constructor({ onFrame, boxClass, frameBytes }: LineOptions) {
    this.#onFrame = onFrame;
    this.#reader = new FrameReader(boxClass, { frameBytes });
    this.lost = new Promise((resolve) => this.#setLost = resolve);
  }

  /**
   * Opens one.
   *
   * @throws {BoxError} See {@linkcode openConnection}.
   */
  static async open(
    url: string | URL,
    options: LineOptions,
  ): Promise<ClientLine> {
    const line = new ClientLine(options);
    const { heartbeatFrame, heartbeat } = options;
    line.#connection = await openConnection(url, {
      onBytes: (bytes) => line.#onBytes(bytes),
      onEnd: (reason) => line.lose(lostBy(reason)),
    }, options);
    if (heartbeatFrame && heartbeat > 0 && !line.#isOver) {
      line.#heartbeat = new Heartbeat({
        intervalMs: heartbeat * 1000,
        ask: () => line.send(heartbeatFrame),
        onSilence: () =>
          line.lose(
            lostBy(`no answer to a heartbeat within ${heartbeat} s`),
          ),
      });
    }
    return line;
  }

  /** Whether it is lost or closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that were sent and are not yet taken by the system. */
  get pendingBytes(): number {
    return this.#connection.pendingBytes;
  }

  /** Sends bytes; without effect on one that is over. */
  send(bytes: Uint8Array): void {
    if (!this.#isOver) this.#connection.send(bytes);
  }

  /** Counts it as lost. */
  lose(error: BoxError): void {
    if (this.#isOver) return;
    this.#end();
    this.#setLost(error);
  }

  /** Closes it, after what was sent. Resolves when nothing is left of it. May be called twice. */
  close(): Promise<void> {
    this.#end();
    return this.#connection.close();
  }

  #end(): void {
    this.#isOver = true;
    this.#heartbeat?.stop();
  }

  #onBytes(bytes: Uint8Array): void {
    this.#heartbeat?.heard();
    try {
      this.#reader.push(bytes);
      // What is done with a frame may close it.
      while (!this.#isOver) {
        const frame = this.#reader.take();
        if (!frame) return;
        this.#onFrame(this, frame);
      }
    } catch (error) {
      this.lose(lostBy(messageOf(error)));
    }
  }
}
