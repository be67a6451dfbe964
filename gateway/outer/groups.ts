// Groups: how clients join and leave the groups of a gateway, within its limits.

import { encodeGroups, TaskOffset } from "@maple/box";
import type { GatewayContext } from "../context.ts";
import type { ClientSession } from "./client_session.ts";

const EMPTY: Uint8Array = new Uint8Array(0);

/** How clients join and leave groups. */
export class Groups {
  readonly #context: GatewayContext;
  #tells = true;

  /** @param context What it works on. */
  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /**
   * A client joins groups. Those that it may not join are counted.
   *
   * @param by Who wants it, for the log.
   * @returns Whether it is in all of them now.
   */
  join(session: ClientSession, names: readonly string[], by: string): boolean {
    const { fanOut, groups, counters } = this.#context;
    fanOut.settle(session);
    if (session.socket.closed) return false;
    let isIn = true;
    for (const name of names) {
      const outcome = groups.join(session, name);
      if (outcome !== "clientFull" && outcome !== "full") continue;
      isIn = false;
      counters.groupsRefused[outcome]++;
      this.#tell(outcome, session, by);
      // There is no use in trying a hundred thousand names.
      if (outcome === "clientFull") break;
    }
    return isIn;
  }

  /** A client leaves groups, without names all; gives true, for receipts. */
  leave(session: ClientSession, names: readonly string[]): true {
    const { fanOut, groups } = this.#context;
    fanOut.settle(session);
    if (names.length === 0) groups.leaveAll(session);
    else for (const name of names) groups.leave(session, name);
    return true;
  }

  /** A client is gone: takes it out of its groups, and gives their names. */
  gone(session: ClientSession): string[] {
    const { groups } = this.#context;
    const names = groups.namesOf(session);
    groups.leaveAll(session);
    return names;
  }

  /**
   * Tells of the groups of a client that is gone, in the body of its last task. More than
   * `innerFrameBytes` would close the connection of each worker that it is given to: the groups
   * that it has joined last are left out then.
   */
  bodyOf({ connId }: ClientSession, names: readonly string[]): Uint8Array {
    if (names.length === 0) return EMPTY;
    const { options, logger } = this.#context;
    const room = options.innerFrameBytes - TaskOffset.body;
    let told = names;
    let body = encodeGroups({ names, uids: [] });
    while (body.length > room) {
      told = told.slice(0, told.length >> 1);
      body = encodeGroups({ names: told, uids: [] });
    }
    if (told !== names) {
      logger.warn(
        `of the ${names.length} groups of client ${connId}, which is gone, workers are told the first ${told.length}: more are longer than innerFrameBytes, ${options.innerFrameBytes}`,
        { conn: connId },
      );
    }
    return body;
  }

  // Once: what else is refused, the counters tell.
  #tell(
    outcome: "clientFull" | "full",
    session: ClientSession,
    by: string,
  ): void {
    if (!this.#tells) return;
    this.#tells = false;
    const { logger, options } = this.#context;
    const why = outcome === "full"
      ? `there are ${options.groupsMax} groups, the most that groupsMax allows`
      : `it is in ${options.groupsPerClient} groups, the most that groupsPerClient allows`;
    logger.warn(
      `client ${session.connId} does not join a group as ${by} wants: ${why}; this is told once, and counted`,
      { conn: session.connId },
    );
  }
}
