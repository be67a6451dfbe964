// HavenRequest: one box of a client, and what a handler can do about it.

import type { BoxFields, BoxOf, Int64 } from "@maple/box";
import { ipFromBytes, ipToBytes } from "@maple/box";
import type { Connection } from "./connection.ts";
import { AppRequest, type RequestHost } from "./request.ts";
import type { UntypedState } from "./state.ts";

/** The client of a request, as the request needs it. */
export interface RequestClient<F extends object, C extends object> {
  /** Its connection. */
  readonly conn: Connection<F, C>;
  /** The user logged in on it, 0 = none. */
  readonly uid: Int64;
  /** The bit mask given at login. */
  readonly userdata: Int64;
  /** Binds a user to it. */
  login(uid: Int64, userdata: Int64): boolean;
  /** Unbinds the user. */
  logout(): boolean;
  /** Joins groups. */
  join(names: readonly string[]): boolean;
  /** Leaves groups, without names all. */
  leave(names: readonly string[]): boolean;
}

/**
 * One box that came from a client of a haven server; or, in the hooks `createClient` and
 * `closeClient`, the news of a client, with an empty box.
 *
 * @typeParam F The fields of the box's header.
 * @typeParam S What `state` holds.
 * @typeParam C What `conn.state` holds.
 */
export class HavenRequest<
  F extends object = BoxFields,
  S extends object = UntypedState,
  C extends object = UntypedState,
> extends AppRequest<F, S> {
  /** The client that it came from. */
  readonly conn: Connection<F, C>;
  /** The user who was logged in when the request came; see `AppRequest.uid64`. */
  override readonly uid64: Int64;
  /** The bit mask given at login. */
  override readonly userdata64: Int64;
  readonly #client: RequestClient<F, C>;

  /**
   * Servers make requests; handlers get them.
   *
   * @param host The pipeline of the server.
   * @param box What came.
   * @param client Where it came from.
   * @ignore
   */
  constructor(host: RequestHost, box: BoxOf<F>, client: RequestClient<F, C>) {
    super(host, box);
    this.conn = client.conn;
    this.uid64 = client.uid;
    this.userdata64 = client.userdata;
    this.#client = client;
  }

  /** The number of the client's connection, as log lines tell it. */
  override get connId(): number {
    return this.conn.id;
  }

  /** The client's address and port. */
  get address(): string {
    return this.conn.address;
  }

  /** The client's IP address as text. */
  override get clientAddress(): string {
    const [, host = ""] = /^\[?(.*?)\]?:\d+$/.exec(this.address) ?? [];
    const { bytes, ipv6 } = ipToBytes(host);
    return ipFromBytes(bytes, ipv6);
  }

  /** Closes the client's connection: the same as `closeClient`. */
  close(): void {
    this.closeClient();
  }

  /** Closes the client's connection, after what was sent to it before. */
  override closeClient(): boolean {
    if (this.conn.closed) return false;
    this.conn.close();
    return true;
  }

  /** Unbinds the user of the client's connection. */
  override logoutClient(): boolean {
    return this.#client.logout();
  }

  /** For `joinGroup`. */
  protected override join(names: readonly string[]): boolean {
    return this.#client.join(names);
  }

  /** For `leaveGroup`. */
  protected override leave(names: readonly string[]): boolean {
    return this.#client.leave(names);
  }

  /** For `loginClient`. */
  protected override login(uid: Int64, userdata: Int64): boolean {
    return this.#client.login(uid, userdata);
  }

  /** For `reply`. */
  protected override send(frame: Uint8Array): boolean {
    return this.conn.write(frame);
  }
}
