// A chat: who logs in comes into the room, which is a group; what one says is heard by all who are
// there, the host shows people out, and now and then all are told the time. One file for a haven
// server and for workers behind a gateway: chat_haven.ts and chat_worker.ts register it,
// chat_client.ts talks to either.

import type { BoxFields } from "@maple/box";
import { type AnyApp, type AppRequest, Reply } from "@maple/haven";

/** The commands of the chat. */
export const Cmd = {
  /** `{"uid": 7}` comes in. */
  LOGIN: 1,
  /** Says something to all in the room. */
  SAY: 2,
  /** `{"uid": 7}` is shown out; only user 1 may do that. */
  KICK: 3,
  /** Leaves, without closing the connection. */
  LEAVE: 4,
  /** From the server: what there is to hear. */
  HEAR: 100,
  /** From the server: the time. */
  TIME: 101,
} as const;

/** What the server answers beside 0. */
export const Ret = { LOGIN_FIRST: 1, NOT_THE_HOST: 2 } as const;

const HOST = 1;
const ROOM = "the room";

/** What a request keeps for its handler. */
type State = { user: string };
type ChatRequest = AppRequest<BoxFields, State>;

/** Registers the chat, on whatever serves. */
export function registerChat(
  app: AnyApp<ChatRequest>,
  { tickSeconds = 60 } = {},
): void {
  const tell = (body: string) =>
    app.writeToGroups([[[ROOM], { cmd: Cmd.HEAR, body }]]);

  app.beforeRequest((request) => {
    if (request.cmd !== Cmd.LOGIN && request.uid === 0) {
      return request.interrupt({ ret: Ret.LOGIN_FIRST });
    }
    request.state.user = `user ${request.uid}`;
  });

  app.route(Cmd.LOGIN, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    // Whoever was here on another connection is not any more.
    app.leaveGroup(ROOM, [uid]);
    request.loginClient(uid);
    request.joinGroup(ROOM);
    tell(`user ${uid} is here`);
    return { ret: 0 };
  }, "login");

  app.route(Cmd.SAY, ({ box, state }) => {
    tell(`${state.user}: ${box.text()}`);
    return { ret: 0 };
  }, "say");

  app.route(Cmd.KICK, (request) => {
    allow(request);
    const { uid } = request.box.json<{ uid: number }>();
    request.closeUsers([uid]);
    return { ret: 0 };
  }, "kick");

  app.route(Cmd.LEAVE, (request) => {
    request.leaveGroup(ROOM);
    request.logoutClient();
    tell(`${request.state.user} has left`);
    return { ret: 0 };
  }, "leave");

  // Of who has left the room before, nothing is to be told.
  app.leaveGroups(({ uid }) => tell(`user ${uid} is gone`));

  app.repeatTimer(tickSeconds, () => {
    // Each process has this timer; all are told once.
    if (!app.isFirst) return;
    const body = new Date().toISOString();
    app.writeToGroups([[[ROOM], { cmd: Cmd.TIME, body }]]);
  });
}

function allow({ uid }: ChatRequest): void {
  if (uid !== HOST) throw new Reply({ ret: Ret.NOT_THE_HOST });
}
