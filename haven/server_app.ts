// Whom a server works for: what it calls for connections that come and go and for their requests.

import type { BoxClass, BoxOf } from "@maple/box";
import type { Logger } from "@maple/box/internal";
import type { AppCore } from "./app_core.ts";
import type { Connection } from "./connection.ts";
import { HavenRequest } from "./haven_request.ts";
import type { HookList } from "./hooks.ts";
import type { Session } from "./session.ts";

/**
 * Whom a server works for. Each function answers a promise, which never rejects, when something has
 * to be awaited.
 */
export interface ServerApp<F extends object, C extends object> {
  /** The class of the clients' boxes. */
  readonly boxClass: BoxClass<F>;
  /** Where it logs to. */
  readonly logger: Logger;
  /** Calls the hooks for a new connection. */
  onCreate(session: Session<F, C>): Promise<void> | undefined;
  /** Handles a request. */
  onRequest(
    session: Session<F, C>,
    box: BoxOf<F>,
  ): Promise<void> | undefined;
  /** Calls the hooks for a connection that is gone. */
  onClose(session: Session<F, C>): Promise<void> | undefined;
}

/** The hooks that only an app has that holds its clients' connections. */
export interface ConnHooks<F extends object, C extends object> {
  /** Before those that tell of a client. */
  readonly createConn: HookList<[conn: Connection<F, C>]>;
  /** After them. */
  readonly closeConn: HookList<[conn: Connection<F, C>]>;
}

/** An app as its server sees it. */
export function serverApp<
  F extends object,
  S extends object,
  C extends object,
>(
  boxClass: BoxClass<F>,
  core: AppCore<HavenRequest<F, S, C>>,
  { createConn, closeConn }: ConnHooks<F, C>,
): ServerApp<F, C> {
  const { pipeline, createClient, closeClient, leaveGroups } = core;
  const newsOf = (session: Session<F, C>) =>
    new HavenRequest<F, S, C>(pipeline, new boxClass(), session);
  return {
    boxClass,
    get logger() {
      return pipeline.logger;
    },
    onCreate(session) {
      const waiting = createConn.run(session.conn);
      if (createClient.empty) return waiting;
      const news = () => createClient.run(newsOf(session));
      return waiting ? waiting.then(news) : news();
    },
    onRequest(session, box) {
      const request = new HavenRequest<F, S, C>(pipeline, box, session);
      return pipeline.handle(request, pipeline.router.find(request.cmd));
    },
    onClose(session) {
      const last = () => closeConn.run(session.conn);
      const { leftGroups: names } = session;
      const tellsGroups = names.length > 0 && !leaveGroups.empty;
      if (closeClient.empty && !tellsGroups) return last();
      const news = newsOf(session);
      const groups = () =>
        tellsGroups ? leaveGroups.run(news, names) : undefined;
      return inTurn(groups, () => closeClient.run(news), last);
    },
  };
}

// One after the other; a promise when one of them had to be awaited.
function inTurn(
  ...works: (() => Promise<void> | undefined)[]
): Promise<void> | undefined {
  for (const [i, work] of works.entries()) {
    const waiting = work();
    const rest = works.slice(i + 1);
    if (waiting) return waiting.then(() => inTurn(...rest));
  }
  return undefined;
}
