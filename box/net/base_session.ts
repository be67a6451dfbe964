// BaseSession: what gateway and haven server keep alike of a client's connection: who is logged in
// on it, and what those count who watch it.

import type { Int64 } from "../int64.ts";
import type { FanSession } from "../fan_out.ts";
import type { Membership } from "../group_table.ts";
import { type FieldPlan, left } from "../records.ts";
import type { ServerTransport } from "./transport.ts";

/** A client's connection with its user. */
export abstract class BaseSession implements FanSession {
  /** Whether it has ever sent a whole frame. */
  heard = false;
  /** Used by the rates, as the three below: frames in its bucket. */
  frameLevel = 0;
  /** Bytes in its other bucket. */
  byteLevel = 0;
  /** When these leaked last. */
  levelAt = 0;
  /** Whether it is not read from because it sent too much. */
  slowed = false;
  /** Whether it has told that it knows how to move to another server. */
  canMove = false;
  /** Steps of the watch since its last frame. */
  quietSteps = 0;
  /** Steps of the watch for which a frame has been on its way. */
  slowSteps = 0;
  /** The table's: the last walk that met the session. */
  walk = 0;
  /** The fan-out's: the last message to many that it has been given, or was not for it. */
  fan = 0;
  /** The table of groups': its first membership. */
  groups: Membership | null = null;
  /** What carries its frames. */
  abstract readonly socket: ServerTransport;
  /** The number of the connection. */
  abstract readonly connId: number;
  #uid: Int64 = 0;
  #userdata: Int64 = 0;

  /** The user logged in on it, 0 = none; when it has ended, as it was. */
  get uid(): Int64 {
    return this.#uid;
  }

  /** The bit mask given at login. */
  get userdata(): Int64 {
    return this.#userdata;
  }

  /** Whether it is logged in, or was written to. */
  get known(): boolean {
    return this.#uid !== 0 || this.socket.hasSent;
  }

  /** Sets who is logged in; 0, 0 is nobody. For the table. */
  setUser(uid: Int64, userdata: Int64): void {
    this.#uid = uid;
    this.#userdata = userdata;
  }

  /** A whole frame came. */
  protected hear(): void {
    this.heard = true;
    this.quietSteps = this.slowSteps = 0;
  }
}

/** What of such a session is handed to another process. */
export const BASE_SESSION_FIELDS: FieldPlan<BaseSession> = {
  connId: "int",
  uid: "int64",
  userdata: "int64",
  heard: "flag",
  known: left("follows from uid and the connection"),
  frameLevel: "number",
  byteLevel: "number",
  levelAt: "time",
  slowed: "flag",
  canMove: "flag",
  quietSteps: "int",
  slowSteps: "int",
  walk: left("no walk is under way"),
  fan: left("nothing is on its way to many"),
  groups: left("by their names"),
  socket: left("a record of its own"),
};
