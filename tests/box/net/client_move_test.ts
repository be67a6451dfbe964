// Client: how it moves to another connection when its server asks for it, and loses nothing.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Box, BoxError, type BoxFields, Client, LineBox } from "@maple/box";
import { eventually } from "../../helpers/eventually.ts";
import { bounded } from "../support.ts";
import {
  type ClientPeer,
  ClientPeerServer,
  newClient,
} from "./client_harness.ts";

const MOVE = 77;
const LOGIN = 1;

/** A client that logs in on each connection, and its first one, on which it is. */
async function connected(server: ClientPeerServer, asksEarly = false) {
  const made = newClient({ moveCmd: MOVE });
  let loggedIn = () => {};
  made.client.onConnect(async (session) => {
    await session.request({ cmd: LOGIN });
    loggedIn();
  });
  /** Takes a connection, which begins with the word that its client knows how to move. */
  const welcome = async (asksEarly = false) => {
    const peer = await server.accept();
    const { body, sn } = await peer.expect(MOVE);
    assertEquals([body.length, sn], [0, 0]);
    if (asksEarly) await ask(peer);
    const login = await peer.expect(LOGIN);
    const done = new Promise<void>((resolve) => loggedIn = resolve);
    await peer.write(login.map({}));
    await bounded(done);
    // What the client does then it does before anything else comes.
    await new Promise((resolve) => setTimeout(resolve));
    return peer;
  };
  const opened = made.client.connect(server.url);
  const peer = await welcome(asksEarly);
  await bounded(opened);
  return { ...made, peer, welcome };
}

function ask(peer: ClientPeer, after: unknown = 0): Promise<void> {
  return peer.write(new Box({ cmd: MOVE, body: { after } }));
}

/** Asks something and gives what has come of it, once the peer has the request. */
async function begin(
  client: Client<BoxFields>,
  peer: ClientPeer,
  cmd: number,
  retry = false,
): Promise<
  { answer: Promise<Box>; reply: (by?: ClientPeer) => Promise<void> }
> {
  const answer = client.request({ cmd }, { retry });
  answer.catch(() => {});
  const request = await peer.expect(cmd);
  return {
    answer,
    reply: (by = peer) => by.write(request.map({ body: `${cmd}` })),
  };
}

Deno.test("Client moves when it is asked to: what is under way is answered on the old connection, all else goes over the new one", async () => {
  using server = new ClientPeerServer();
  const { client, states, peer: first, welcome } = await connected(server);
  await using _ = client;
  const news: string[] = [];
  client.on(9, (box) => news.push(box.text()));
  const slow = await begin(client, first, 2);
  await ask(first);
  const second = await welcome();
  // The old one is open as long as an answer is to come, and what comes on it counts.
  const quick = await begin(client, second, 3);
  await quick.reply();
  assertEquals((await bounded(quick.answer)).text(), "3");
  await first.write(new Box({ cmd: 9, body: "old" }));
  await second.write(new Box({ cmd: 9, body: "new" }));
  await slow.reply();
  assertEquals((await bounded(slow.answer)).text(), "2");
  await eventually(() => news.length === 2);
  assertEquals(news.toSorted(), ["new", "old"]);
  // For a while it may still be sent to by who does not know of the new one.
  await first.write(new Box({ cmd: 9, body: "late" }));
  assertEquals(await first.read(), null);
  assertEquals(news.at(-1), "late");
  assertEquals(states, ["connecting", "open"]);
  // And from there to another one.
  await ask(second);
  const third = await welcome();
  client.send({ cmd: 4 });
  await third.expect(4);
  assertEquals(await second.read(), null);
});

Deno.test("Client stays where it is while no other connection can be made, and loses nothing", async () => {
  using server = new ClientPeerServer();
  const { client, states, peer, welcome } = await connected(server);
  await using _ = client;
  server.stop();
  await ask(peer);
  for (let cmd = 10; cmd < 13; cmd++) {
    const request = await begin(client, peer, cmd);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await request.reply();
    assertEquals((await bounded(request.answer)).text(), `${cmd}`);
  }
  server.restart();
  // One that is lost before its login is answered is none.
  const lost = await server.accept();
  await lost.expect(MOVE);
  await lost.expect(LOGIN);
  lost.close();
  const second = await welcome();
  client.send({ cmd: 4 });
  await second.expect(4);
  assertEquals(states, ["connecting", "open"]);
});

Deno.test("Client: a request is lost with the old connection, or is sent again over the new one", async () => {
  using server = new ClientPeerServer();
  const { client, states, peer: first, welcome } = await connected(server);
  await using _ = client;
  const lost = await begin(client, first, 2);
  const again = await begin(client, first, 3, true);
  await ask(first);
  const second = await welcome();
  const there = await begin(client, second, 5);
  first.close();
  const error = await bounded(assertRejects(() => lost.answer));
  assert(error instanceof BoxError);
  assertEquals([error.code, error.maybeDone], ["closed", true]);
  await second.expect(3);
  await again.reply(second);
  await there.reply();
  assertEquals((await bounded(again.answer)).text(), "3");
  assertEquals((await bounded(there.answer)).text(), "5");
  assertEquals(states, ["connecting", "open"]);
});

Deno.test("Client connects anew as ever when its connection is lost while it moves", async () => {
  using server = new ClientPeerServer();
  const made = await connected(server);
  const { client, states, until, peer: first, welcome } = made;
  await using _ = client;
  await ask(first);
  const halfway = await server.accept();
  await halfway.expect(MOVE);
  const waiting = until("waiting");
  const open = until("open");
  first.close();
  await waiting;
  // It is given up for the one that is made now.
  await halfway.expect(LOGIN);
  assertEquals(await halfway.read(), null);
  const second = await welcome();
  await open;
  client.send({ cmd: 4 });
  await second.expect(4);
  assertEquals(states.slice(2), ["waiting", "connecting", "open"]);
});

Deno.test("Client that is asked to move before it is logged in does so then", async () => {
  using server = new ClientPeerServer();
  const { client, welcome } = await connected(server, true);
  await using _ = client;
  await welcome(true);
  const third = await welcome();
  client.send({ cmd: 4 });
  await third.expect(4);
});

Deno.test("Client passes over what asks for nothing, and waits as long as it is told", async () => {
  using server = new ClientPeerServer();
  const { client, peer } = await connected(server);
  await using _ = client;
  // Such as the answer of a worker that does not know the command.
  await peer.write(new Box({ cmd: MOVE, ret: -10000, sn: 0 }));
  for (const after of [-1, "1", null, 3_600_000]) await ask(peer, after);
  await peer.write(new Box({ cmd: MOVE, body: "{" }));
  const request = await begin(client, peer, 2);
  await request.reply();
  await bounded(request.answer);
  // None of it is anybody's box.
  await peer.write(new Box({ cmd: 5, body: "news" }));
  for await (const box of client) {
    assertEquals(box.text(), "news");
    break;
  }
});

Deno.test("Client that is closed while it moves leaves nothing open", async () => {
  using server = new ClientPeerServer();
  const { client, peer: first, welcome } = await connected(server);
  const slow = await begin(client, first, 2);
  await ask(first);
  const second = await welcome();
  await ask(second);
  const third = await server.accept();
  await third.expect(MOVE);
  await bounded(client[Symbol.asyncDispose]());
  const error = await bounded(assertRejects(() => slow.answer));
  assertEquals((error as BoxError).code, "closed");
  assertEquals(await first.read(), null);
  assertEquals(await second.read(), null);
  await third.expect(LOGIN);
  assertEquals(await third.read(), null);
});

Deno.test("Client says nothing of moving without moveCmd, which needs a cmd", async () => {
  using server = new ClientPeerServer();
  const { client } = newClient();
  await using _ = client;
  const opened = client.connect(server.url);
  const peer = await server.accept();
  await bounded(opened);
  client.send({ cmd: 4 });
  await peer.expect(4);
  await ask(peer);
  for await (const box of client) {
    assertEquals(box.cmd, MOVE);
    break;
  }
  assertThrows(
    () => new Client(LineBox, { moveCmd: 1 }),
    BoxError,
    "cmd",
  );
  assertThrows(
    () => new Client(Box, { moveCmd: 0.5 }),
    BoxError,
    "Option moveCmd must be a whole number",
  );
});
