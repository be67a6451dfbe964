// TaskWriter: what a worker writes to a gateway on one connection: asks, answers, commands.

import { MAGIC, Task, TaskCmd, TaskOffset } from "@maple/box";
import {
  addressAnswer,
  DenoConn,
  FrameSocket,
  type FrameTransport,
  LINK_BUFFER_BYTES,
  writeAsk,
  writeInt32,
} from "@maple/box/internal";
import { WorkerError } from "./errors.ts";

const MAX_OUTBOX_BYTES = 64 * 1024 * 1024;
// What one handler sends in one go, or many while the gateway is busy, must not take the connection
// from all others.
const MAX_LONE_BYTES = 4 * MAX_OUTBOX_BYTES;
// The gateway and its clients can go on while the worker does. In smaller pieces it would cost both
// more than it gives.
const PACE = { frames: 32, ms: 1 };

/** The body of an ASK that tells nothing. */
export const NO_BODY: Uint8Array = new Uint8Array(0);

/** Writes Tasks to a gateway on one connection. */
export class TaskWriter {
  /** What carries them. */
  readonly socket: FrameTransport;
  /** Bytes of a Task that the gateway takes. */
  frameBytes = Infinity;
  readonly #gateway: string;
  readonly #header: Uint8Array = headerTemplate();

  /**
   * @param conn The connection, which belongs to this object from now on.
   * @param gateway Its host and port, for messages.
   */
  constructor(conn: Deno.Conn<Deno.NetAddr>, gateway: string) {
    this.#gateway = gateway;
    this.socket = new FrameSocket(new DenoConn(conn), {
      framing: Task,
      frameBytes: 2 ** 31 - 1,
      outboxBytes: MAX_OUTBOX_BYTES,
      loneBytes: MAX_LONE_BYTES,
      bufferBytes: LINK_BUFFER_BYTES,
      ownFrames: true,
      pace: PACE,
    });
  }

  /**
   * Sends a packed Task.
   *
   * @throws {WorkerError} as {@linkcode TaskWriter.checkSize}.
   */
  send(task: Uint8Array): boolean {
    this.checkSize(task.length);
    return !this.socket.closed && this.socket.send(task);
  }

  /**
   * Sends a packed box to the client that a task is about.
   *
   * @param task The task's frame.
   * @returns false when the connection is gone.
   */
  answer(task: Uint8Array, box: Uint8Array): boolean {
    const at = this.#writeHeader(TaskCmd.WRITE_TO_CLIENT, box);
    if (at < 0) return false;
    addressAnswer(task, this.socket.buffer, at);
    return true;
  }

  /** Asks for a task, acknowledges one, or both. */
  ask(
    deliveryId: number,
    tookMs: number,
    body: Uint8Array,
    unrun = false,
  ): void {
    if (this.socket.closed) return;
    const at = this.#writeHeader(TaskCmd.WORKER_ASK_FOR_TASK, body);
    if (at >= 0) writeAsk(this.socket.buffer, at, deliveryId, tookMs, unrun);
  }

  /**
   * Refuses a Task that the gateway would close the connection for.
   *
   * @param bytes Those of the whole Task.
   * @throws {WorkerError} when it is too long.
   */
  checkSize(bytes: number): void {
    const max = Math.min(this.frameBytes, MAX_OUTBOX_BYTES);
    if (bytes <= max) return;
    throw new WorkerError(
      `Cannot send ${bytes} bytes: ${
        max === this.frameBytes
          ? `gateway ${this.#gateway} takes messages of up to ${max} (its option innerFrameBytes)`
          : `a worker sends messages of up to ${max}`
      }`,
    );
  }

  // Header and body of one Task; answers where it begins in the buffer, or -1.
  #writeHeader(cmd: number, body: Uint8Array): number {
    const length = TaskOffset.body + body.length;
    const at = this.socket.reserve(length);
    if (at < 0) return -1;
    const { buffer } = this.socket;
    buffer.set(this.#header, at);
    writeInt32(buffer, at + TaskOffset.packetLen, length);
    writeInt32(buffer, at + TaskOffset.cmd, cmd);
    buffer.set(body, at + TaskOffset.body);
    return at;
  }
}

function headerTemplate(): Uint8Array {
  const header = new Uint8Array(TaskOffset.body);
  writeInt32(header, 0, MAGIC);
  return header;
}
