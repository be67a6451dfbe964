// Connection: one client of a haven server, for hooks, handlers and whoever wants to send it
// something.

import type { BoxClass, BoxData, BoxFields } from "@maple/box";
import { packBox, type Transport } from "@maple/box/internal";
import { checkSize } from "./message_size.ts";
import type { UntypedState } from "./state.ts";

/** What a connection is made of. */
export interface ConnectionInit<F extends object> {
  /** Its number. */
  readonly id: number;
  /** The client's address. */
  readonly address: string;
  /** The class of its boxes. */
  readonly boxClass: BoxClass<F>;
  /** What carries the frames. */
  readonly transport: Transport;
  /** Bytes that may wait to be sent to it. */
  readonly outboxBytes: number;
  /** What the application keeps of it, where another process has had it before. */
  readonly state?: object | undefined;
}

/**
 * One client of a haven server, connected by TCP or WebSocket.
 *
 * @typeParam F The fields of the boxes' header.
 * @typeParam C What `state` holds.
 *
 * @example Sending to a client when it has not asked
 * ```ts
 * import { Box } from "@maple/box";
 * import { Haven } from "@maple/haven";
 *
 * const app = new Haven(Box);
 * app.createConn((conn) => conn.write({ cmd: 9, body: `welcome, ${conn.address}` }));
 * ```
 */
export class Connection<
  F extends object = BoxFields,
  C extends object = UntypedState,
> {
  /**
   * Its number, unique in the life of the server; it stays when HUP hands the client to another
   * process.
   */
  readonly id: number;
  /** The client's address and port, `127.0.0.1:50000`. */
  readonly address: string;
  readonly #boxClass: BoxClass<F>;
  readonly #transport: Transport;
  readonly #outboxBytes: number;
  #state: C | undefined;

  /**
   * Servers make connections; hooks and handlers get them.
   *
   * @ignore
   */
  constructor(init: ConnectionInit<F>) {
    this.id = init.id;
    this.address = init.address;
    this.#boxClass = init.boxClass;
    this.#transport = init.transport;
    this.#outboxBytes = init.outboxBytes;
    this.#state = init.state as C | undefined;
  }

  /** What the application keeps about this client, its user for instance; empty at first. */
  get state(): C {
    return this.#state ??= {} as C;
  }

  /** Whether it is closed: nothing can be sent any more. */
  get closed(): boolean {
    return this.#transport.closed;
  }

  /**
   * Sends a box, whether the client has asked for one or not. Neither `beforeResponse` nor
   * `afterResponse` hooks are called: it is no answer to a request.
   *
   * @param data The fields of a new box; or a box or packed bytes, sent as they are.
   * @returns false when the connection is closed, or is closed now because the client does not read
   * what was sent to it (`outboxBytes`).
   * @throws {BoxError} when the header does not have or hold a field; a HavenError `limit` when the
   * box is longer than `outboxBytes`.
   */
  write(data: BoxData<F>): boolean {
    const frame = packBox(this.#boxClass, data);
    checkSize(frame.length, this.#outboxBytes);
    return this.#transport.send(frame);
  }

  /**
   * Closes the connection after what was sent before. Requests of it that wait are dropped. May be
   * called twice.
   */
  close(): void {
    this.#transport.close();
  }
}
