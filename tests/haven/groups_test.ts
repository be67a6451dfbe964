// Groups: the same on a haven server, on a worker without a socket, and on a worker at a gateway.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Box, BoxError, type BoxFields, TcpClient } from "@maple/box";
import { type AnyApp, Blueprint, Haven } from "@maple/haven";
import { type TestableApp, testClient } from "@maple/haven/testing";
import { Worker } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LogCollector } from "../helpers/log_collector.ts";
import { PATIENCE_MS } from "../helpers/within.ts";

/** What tests need of a client. */
interface Client {
  request(data: { cmd: number; body?: string | object }): Promise<Box>;
  read(): Promise<Box | null>;
  close(): unknown;
}

interface Scene extends AsyncDisposable {
  connect(): Promise<Client>;
}

type Register = (app: AnyApp) => void;

async function inMemory(
  app: AnyApp & TestableApp<BoxFields> & AsyncDisposable,
): Promise<Scene> {
  await Promise.resolve();
  return {
    connect: () => Promise.resolve(testClient(app) as unknown as Client),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

const KINDS: Record<string, (register: Register) => Promise<Scene>> = {
  "Haven in memory": (register) => {
    const app = new Haven(Box, { logger: new LogCollector() });
    register(app);
    return inMemory(app);
  },
  "Worker in memory": (register) => {
    const app = new Worker(Box, { logger: new LogCollector() });
    register(app);
    return inMemory(app);
  },
  "Haven": async (register) => {
    const app = new Haven(Box, { logger: new LogCollector() });
    register(app);
    await app.listen({ host: "127.0.0.1", port: 0 });
    return overTcp(app.addr!, app);
  },
  "Worker at a gateway": async (register) => {
    const stack = new AsyncDisposableStack();
    const gateway = stack.use(await GatewayFixture.start());
    const app = stack.use(new Worker(Box, { logger: new LogCollector() }));
    register(app);
    const { hostname: host, port } = gateway.inner;
    await app.attach({ host, port });
    const end = { [Symbol.asyncDispose]: () => stack.disposeAsync() };
    return overTcp(gateway.gateway.outerAddr!, end);
  },
};

function overTcp(
  { hostname, port }: Deno.NetAddr,
  end: AsyncDisposable,
): Scene {
  const clients: TcpClient<BoxFields>[] = [];
  return {
    async connect() {
      const timeout = PATIENCE_MS / 1000;
      const client = new TcpClient(Box, hostname, port, { timeout });
      await client.connect();
      clients.push(client);
      return client as unknown as Client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]();
      await end[Symbol.asyncDispose]();
    },
  };
}

const Cmd = { LOGIN: 1, JOIN: 2, LEAVE: 3, SAY: 4, CLOSE: 5, LOGOUT: 6 };

// What is said has cmd 9, and ends with a word that shows that nothing else came.
function register(app: AnyApp): void {
  app.route(Cmd.LOGIN, (request) => {
    request.loginClient(request.box.json<number>(), 3);
    return { ret: 0 };
  });
  app.route(Cmd.LOGOUT, (request) => ({ ret: Number(request.logoutClient()) }));
  app.route(Cmd.JOIN, (request) => {
    const joined = request.joinGroup(...request.box.json<string[]>());
    return { ret: Number(joined) };
  });
  app.route(Cmd.LEAVE, (request) => {
    const left = request.leaveGroup(...request.box.json<string[]>());
    return { ret: Number(left) };
  });
  app.route(Cmd.SAY, (request) => {
    const text = request.box.text();
    const sent = request.writeToGroups([
      [["a", "b", "a"], { cmd: 9, body: text }],
      [["b"], { cmd: 9, body: `${text} to bit 4` }, { userdata: 4 }],
      [["b"], { cmd: 9, body: `${text} not to 7` }, { exclude: [7] }],
    ]);
    request.writeToUsers([[[-2], { cmd: 9, body: "end" }]]);
    return { ret: Number(sent) };
  });
  app.route(Cmd.CLOSE, (request) => ({
    ret: Number(request.closeGroup(request.box.text())),
  }));
}

async function heard(client: Client): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const box = await client.read();
    if (box === null) return [...texts, "closed"];
    if (box.cmd !== 9) continue;
    if (box.text() === "end") return texts;
    texts.push(box.text());
  }
}

for (const [kind, start] of Object.entries(KINDS)) {
  Deno.test(`groups, ${kind}: members get what is said, until they leave`, async () => {
    await using scene = await start(register);
    const [a, b, c, teller] = [
      await scene.connect(),
      await scene.connect(),
      await scene.connect(),
      await scene.connect(),
    ];
    for (const [client, uid] of [[a, 7], [b, 8]] as const) {
      await client.request({ cmd: Cmd.LOGIN, body: String(uid) });
    }
    assertEquals((await a.request({ cmd: Cmd.JOIN, body: ["a", "b"] })).ret, 1);
    assertEquals((await b.request({ cmd: Cmd.JOIN, body: ["b"] })).ret, 1);
    assertEquals((await c.request({ cmd: Cmd.JOIN, body: [] })).ret, 1);
    assertEquals((await teller.request({ cmd: Cmd.SAY, body: "1" })).ret, 1);
    assertEquals(await heard(a), ["1"]);
    assertEquals(await heard(b), ["1", "1 not to 7"]);
    assertEquals(await heard(c), []);
    // Groups are the connection's, whoever is logged in on it.
    await b.request({ cmd: Cmd.LOGOUT });
    assertEquals((await a.request({ cmd: Cmd.LEAVE, body: ["b"] })).ret, 1);
    await teller.request({ cmd: Cmd.SAY, body: "2" });
    assertEquals(await heard(a), ["2"]);
    assertEquals(await heard(b), ["2", "2 not to 7"]);
    assertEquals((await a.request({ cmd: Cmd.LEAVE, body: [] })).ret, 1);
    await teller.request({ cmd: Cmd.CLOSE, body: "b" });
    await teller.request({ cmd: Cmd.SAY, body: "3" });
    assertEquals(await heard(a), []);
    assertEquals(await heard(b), ["closed"]);
  });

  Deno.test(`groups, ${kind}: joinGroup keeps its place among what a handler does`, async () => {
    await using scene = await start((app) => {
      app.route(1, (request) => {
        const say = (body: string) =>
          request.writeToGroups([[["room"], { cmd: 9, body }]]);
        say("before");
        request.joinGroup("room");
        say("in between");
        request.leaveGroup("room");
        say("behind");
        request.writeToUsers([[[-2], { cmd: 9, body: "end" }]]);
        return { ret: 0 };
      });
    });
    const client = await scene.connect();
    await client.request({ cmd: 1 });
    assertEquals(await heard(client), ["in between"]);
  });

  Deno.test(`groups, ${kind}: the app makes users join and leave, writes and closes`, async () => {
    let app: AnyApp | undefined;
    await using scene = await start((made) => {
      app = made;
      register(made);
    });
    const [a, b] = [await scene.connect(), await scene.connect()];
    await a.request({ cmd: Cmd.LOGIN, body: "1" });
    await b.request({ cmd: Cmd.LOGIN, body: "2" });
    const say = (text: string) => {
      app!.writeToGroups([[["room"], { cmd: 9, body: text }]]);
      app!.writeToUsers([[[-2], { cmd: 9, body: "end" }]]);
    };
    assert(app!.joinGroup("room", [1, 2, 99]));
    assert(app!.joinGroup("room", []));
    say("1");
    assertEquals([await heard(a), await heard(b)], [["1"], ["1"]]);
    assert(app!.leaveGroup("room", [2]));
    say("2");
    assertEquals([await heard(a), await heard(b)], [["2"], []]);
    assert(app!.closeGroup("room"));
    say("3");
    assertEquals([await heard(a), await heard(b)], [["closed"], []]);
    assertThrows(
      () => app!.joinGroup("", [1]),
      BoxError,
      "1 to 128 bytes of UTF-8",
    );
  });

  Deno.test(`groups, ${kind}: leaveGroups tells of who is gone, before closeClient`, async () => {
    const calls: string[] = [];
    await using scene = await start((app) => {
      register(app);
      app.closeClient(({ uid }) => calls.push(`closeClient ${uid}`));
      const part = new Blueprint("part");
      part.leaveAppGroups(async (_, names) => {
        await Promise.resolve();
        calls.push(`blueprint ${names.length}`);
      });
      app.registerBlueprint(part);
      app.leaveGroups(({ uid, writeToGroups: _ }, names) =>
        calls.push(`leaveGroups ${uid} ${names.join(" ")}`)
      );
    });
    const [a, b] = [await scene.connect(), await scene.connect()];
    await a.request({ cmd: Cmd.LOGIN, body: "1" });
    await a.request({ cmd: Cmd.JOIN, body: ["a", "ü", "b"] });
    await a.request({ cmd: Cmd.LEAVE, body: ["b"] });
    await b.request({ cmd: Cmd.JOIN, body: ["a"] });
    await b.request({ cmd: Cmd.LEAVE, body: [] });
    a.close();
    await eventually(() => calls.length === 3);
    b.close();
    await eventually(() => calls.length === 4);
    assertEquals(calls, [
      "blueprint 2",
      "leaveGroups 1 a ü",
      "closeClient 1",
      "closeClient 0",
    ]);
  });
}

Deno.test("Haven bounds the groups of a client and of itself, counts and tells", async () => {
  const log = new LogCollector();
  await using app = new Haven(Box, { logger: log });
  register(app);
  await app.listen({ port: 0, groupsPerClient: 2, groupsMax: 3 });
  await using a = new TcpClient(Box, "127.0.0.1", app.addr!.port);
  await using b = new TcpClient(Box, "127.0.0.1", app.addr!.port);
  await a.connect();
  await b.connect();
  await a.request({ cmd: Cmd.JOIN, body: ["1", "2", "3"] });
  await b.request({ cmd: Cmd.JOIN, body: ["3", "4"] });
  await b.request({ cmd: Cmd.SAY, body: "x" });
  const { groups, groupMembers, groupMessages, groupsRefused } = app.stats();
  assertEquals([groups, groupMembers, groupsRefused], [3, 3, 2]);
  assertEquals(groupMessages, 3);
  const told = log.lines.filter((line) => /does not join a group/.test(line));
  assertEquals(told.length, 1);
});
