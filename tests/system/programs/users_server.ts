// A haven server of any kind with users, for tests:  users_server.ts KIND OPTIONS
//
// cmd 1 logs in, 2 logs out, 3 tells who one is and who answers, 4 writes to users, 5 disconnects
// them, 6 joins a group, 7 writes to its members, 8 tells what became of a message to users and
// groups, 10 who is there. What the server sends by itself has cmd 9.

import { Box, RET } from "@maple/box";
import { GHaven, Haven, type HavenRunOptions, THaven } from "@maple/haven";

/** What the clients of this server ask for. */
export interface Wish {
  /** Who logs in. */
  uid?: number;
  /** Whom a message is for, or who is disconnected. */
  uids?: number[];
  /** Which group is joined or written to. */
  name?: string;
  /** What a message says. */
  text?: string;
}

if (import.meta.main || "onmessage" in globalThis) {
  const [kind, options] = Deno.args as [string, string];
  const Kind = { Haven, GHaven, THaven }[kind]!;
  const id = crypto.randomUUID();
  const app = new Kind(Box);
  app.route(1, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    return { ret: request.loginClient(uid) ? 0 : RET.INTERNAL };
  });
  app.route(2, (request) => ({ ret: request.logoutClient() ? 0 : 1 }));
  app.route(3, ({ uid }) => ({ body: { uid, id, pid: Deno.pid } }));
  app.route(4, (request) => {
    const { uids = [], text } = request.box.json<Wish>();
    const sent = request.writeToUsers([[uids, { cmd: 9, body: text }]]);
    return { ret: sent ? 0 : 1 };
  });
  app.route(5, (request) => {
    const { uids = [] } = request.box.json<Wish>();
    return { ret: request.closeUsers(uids) ? 0 : 1 };
  });
  app.route(6, (request) => {
    const { name } = request.box.json<{ name: string }>();
    return { ret: request.joinGroup(name) ? 0 : 1 };
  });
  app.route(7, (request) => {
    const { name = "", text } = request.box.json<Wish>();
    const sent = request.writeToGroups([[[name], { cmd: 9, body: text }]]);
    return { ret: sent ? 0 : 1 };
  });
  app.route(8, async (request) => {
    const { uids = [], name, text } = request.box.json<Wish>();
    const data = { cmd: 9, body: text };
    const receipt = name === undefined
      ? await request.writeToUsers([[uids, data]], { receipt: true })
      : await request.writeToGroups([[[name], data]], { receipt: true });
    return { body: { ...receipt } };
  });
  app.route(10, async (request) => {
    const { uids = [], name = "" } = request.box.json<Wish>();
    const online = await request.online(uids);
    const users = await app.users();
    const size = await app.groupSize(name);
    const members = await request.groupMembers(name);
    return { body: { online, users, size, members } };
  });
  await app.run(JSON.parse(options) as HavenRunOptions);
}
