// HavenRequest: one box of a client, and what a handler can do about it.

import type { BoxData, BoxFields, BoxOf } from "@maple/box";
import type { Connection } from "./connection.ts";
import { AppRequest, type RequestHost } from "./request.ts";

/**
 * One box that came from a client of a haven server.
 *
 * @typeParam F The fields of the box's header.
 */
export class HavenRequest<F extends object = BoxFields> extends AppRequest<F> {
  /** The client that it came from. */
  readonly conn: Connection<F>;

  /**
   * Servers make requests; handlers get them.
   *
   * @param host The pipeline of the server.
   * @param box What came.
   * @param conn Where it came from.
   */
  constructor(host: RequestHost, box: BoxOf<F>, conn: Connection<F>) {
    super(host, box);
    this.conn = conn;
  }

  /** The number of the client's connection, as log lines tell it. */
  override get connId(): number {
    return this.conn.id;
  }

  /** The client's address and port. */
  get address(): string {
    return this.conn.address;
  }

  /**
   * Answers the request: the same as `reply`.
   *
   * @param data An object becomes the box's `map` of it; a box or packed bytes are sent as they
   * are.
   * @returns As `reply`: no need to await it.
   * @throws {HavenError} As `reply`.
   */
  write(data: BoxData<F>): Promise<boolean> {
    return this.reply(data);
  }

  /** Closes the client's connection, after what was sent to it before. */
  close(): void {
    this.conn.close();
  }

  /** For `reply`. */
  protected override send(frame: Uint8Array): boolean {
    return this.conn.write(frame);
  }
}
