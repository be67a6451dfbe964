// Users of a haven server: login, messages, disconnection, and the hooks of a client's life.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Box,
  BoxError,
  type BoxFields,
  type Int64,
  RET,
  type TcpClient,
} from "@maple/box";
import { type AnyApp, HavenError } from "@maple/haven";
import { eventually } from "../helpers/eventually.ts";
import { call, HavenFixture } from "./haven_fixture.ts";
import { quietHaven } from "./quiet_haven.ts";

/** What clients ask for in these tests. */
interface Wish {
  uid?: number;
  userdata?: number;
  uids?: number[];
  mask?: number;
  exclude?: number[];
}

/** cmd 1 logs in, 2 logs out, 3 tells who one is, 4 writes to users, 5 closes them, 6 closes. */
function register(app: AnyApp): void {
  app.route(1, (request) => {
    const { uid, userdata } = request.box.json<{ uid: Int64 } & Wish>();
    return { ret: Number(request.loginClient(uid, userdata)) };
  });
  app.route(2, (request) => ({ ret: Number(request.logoutClient()) }));
  app.route(3, ({ uid, userdata, clientAddress }) => ({
    body: { uid, userdata, clientAddress },
  }));
  app.route(4, (request) => {
    const { uids = [], mask = 0, exclude = [] } = request.box.json<Wish>();
    const row = [uids, { cmd: 9, body: "news" }, mask, exclude] as const;
    return { ret: Number(request.writeToUsers([row])) };
  });
  app.route(5, (request) => {
    const { uids = [], mask = 0, exclude = [] } = request.box.json<Wish>();
    return { ret: Number(request.closeUsers(uids, mask, exclude)) };
  });
  app.route(6, (request) => {
    request.writeToClient({ body: "bye" });
    request.closeClient();
  });
}

type Client = TcpClient<BoxFields>;

async function login(client: Client, uid: number, userdata = 0): Promise<void> {
  const body = { uid, userdata };
  assertEquals((await call(client, { cmd: 1, body })).ret, 1);
}

async function whoIs(client: Client): Promise<unknown> {
  const { uid, userdata } = (await call(client, { cmd: 3 })).json<Wish>();
  return [uid, userdata];
}

/** Which of the clients have got a message that was sent by `sender`. */
async function reached(
  sender: Client,
  clients: readonly Client[],
  wish: Wish,
): Promise<number[]> {
  await sender.write({ cmd: 4, body: wish });
  const met: number[] = [];
  for (const [index, client] of clients.entries()) {
    if (client !== sender) await client.write({ cmd: 2 ** 20 });
    const expected = client === sender ? 4 : 2 ** 20;
    for (;;) {
      const box = await client.read();
      if (box?.cmd === expected) break;
      assertEquals([box?.cmd, box?.text()], [9, "news"]);
      met.push(index);
    }
  }
  return met;
}

Deno.test("Haven: a login lasts, a logout ends it, and a request tells who asked", async () => {
  await using server = await HavenFixture.start(register);
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 3 })).json(), {
    ...{ uid: 0, userdata: 0, clientAddress: "127.0.0.1" },
  });
  await login(client, 7, 5);
  assertEquals(await whoIs(client), [7, 5]);
  assertEquals(server.app.stats().users, 1);
  await login(client, 8);
  assertEquals(await whoIs(client), [8, 0]);
  assertEquals(server.app.stats().users, 1);
  assertEquals((await call(client, { cmd: 2 })).ret, 1);
  assertEquals(await whoIs(client), [0, 0]);
  assertEquals(server.app.stats().users, 0);
});

Deno.test("Haven: a login elsewhere moves the user, and the other connection stays", async () => {
  await using server = await HavenFixture.start(register);
  await using first = await server.connect();
  await using second = await server.connect();
  await login(first, 7, 1);
  await login(second, 7, 2);
  assertEquals([await whoIs(first), await whoIs(second)], [[0, 0], [7, 2]]);
  assertEquals((await call(first, { cmd: 2 })).ret, 1);
  assertEquals(await whoIs(second), [7, 2]);
});

Deno.test("Haven: a request keeps the uid that it came with", async () => {
  const seen: number[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      seen.push(request.uid);
      request.loginClient(7);
      seen.push(request.uid);
      return "";
    });
  });
  await using client = await server.connect();
  await call(client, { cmd: 1 });
  await call(client, { cmd: 1 });
  assertEquals(seen, [0, 0, 7, 7]);
});

Deno.test("loginClient() throws for what is no uid", async () => {
  const errors: unknown[] = [];
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      for (const uid of [0, -1, 1.5, NaN, 2n ** 63n, "7", undefined, null]) {
        try {
          request.loginClient(uid as number);
        } catch (error) {
          errors.push((error as BoxError).code, (error as Error).message);
        }
      }
      assertThrows(
        () => request.loginClient(1, 2n ** 64n),
        BoxError,
        "userdata",
      );
      return "";
    });
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, 0);
  const got = ["0", "-1", "1.5", "NaN", `${2n ** 63n}`, '"7" (a string)'];
  assertEquals(
    errors,
    [...got, "undefined", "null"].flatMap((what) => [
      "value",
      `Cannot log in: a uid is a positive integer, got ${what}`,
    ]),
  );
  assertEquals(server.app.stats().users, 0);
});

Deno.test("Haven: messages reach those whom a gateway would send them to", async () => {
  await using server = await HavenFixture.start(register);
  const clients: Client[] = [];
  for (let i = 0; i < 4; i++) clients.push(await server.connect());
  const [a, b, c] = clients as [Client, Client, Client];
  await login(a, 11, 1);
  await login(b, 12, 3);
  await login(c, 13, 2);
  const to = (wish: Wish) => reached(a, clients, wish);
  assertEquals(await to({ uids: [12, 13] }), [1, 2]);
  assertEquals(await to({ uids: [12, 12, 99] }), [1]);
  assertEquals(await to({ uids: [-1] }), [0, 1, 2]);
  assertEquals(await to({ uids: [-2] }), [0, 1, 2, 3]);
  assertEquals(await to({ uids: [-3] }), [3]);
  assertEquals(await to({ uids: [-1], mask: 2 }), [1, 2]);
  assertEquals(await to({ uids: [-2], exclude: [12] }), [0, 2, 3]);
  assertEquals(await to({ uids: [] }), []);
  const { userMessages, userDeliveries } = server.app.stats();
  assertEquals([userMessages, userDeliveries], [8, 16]);
  for (const client of clients) client.close();
});

Deno.test("Haven: users are disconnected, after what was sent before", async () => {
  await using server = await HavenFixture.start(register);
  await using a = await server.connect();
  await using b = await server.connect();
  await login(a, 11);
  await login(b, 12);
  assertEquals((await call(a, { cmd: 5, body: { uids: [12, 99] } })).ret, 1);
  assertEquals(await b.read(), null);
  assertEquals(await whoIs(a), [11, 0]);
  assertEquals((await call(a, { cmd: 6 })).text(), "bye");
  assertEquals(await a.read(), null);
});

Deno.test("Haven: writeToUsers() and closeUsers() of the app are for timers and the like", async () => {
  await using server = new HavenFixture(Box);
  assertEquals(server.app.writeToUsers([[[-2], { cmd: 9 }]]), false);
  assertEquals(server.app.closeUsers([-2]), false);
  register(server.app);
  await server.app.listen({ port: 0 });
  await using client = await server.connect();
  await login(client, 7);
  assertEquals(server.app.writeToUsers([[[7], { cmd: 9, sn: 3 }]]), true);
  assertEquals((await client.read())?.sn, 3);
  assertEquals(server.app.closeUsers([7]), true);
  assertEquals(await client.read(), null);
  assertThrows(
    () => server.app.writeToUsers([[["7" as unknown as number], {}]]),
    BoxError,
    'got "7" (a string)',
  );
});

Deno.test("Haven does nothing to users before it serves: false, or an error for who wants to know", async () => {
  await using app = quietHaven();
  assertEquals(app.writeToUsers([[[-2], {}]]), false);
  assertEquals(app.closeUsers([-2]), false);
  assertEquals(app.writeToGroups([[["t"], {}]]), false);
  assertEquals(app.closeGroup("t"), false);
  assertEquals(app.joinGroup("t", [-1]), false);
  assertEquals(app.leaveGroup("t", [-1]), false);
  const asked = { receipt: true } as const;
  for (
    const ask of [
      () => app.writeToUsers([[[-2], {}]], asked),
      () => app.closeUsers([-2], 0, [], asked),
      () => app.writeToGroups([[["t"], {}]], asked),
      () => app.closeGroup("t", asked),
      () => app.online([1]),
      () => app.groupSize("t"),
    ]
  ) {
    const error = await assertRejects<HavenError>(
      ask,
      HavenError,
      "Cannot reach users: this process or thread does not serve",
    );
    assertEquals(error.code, "state");
  }
});

Deno.test("Haven calls the hooks of a client's life in their order, with the user as it was", async () => {
  const seen: string[] = [];
  await using server = await HavenFixture.start((app) => {
    register(app);
    app.createConn(async (conn) => {
      await Promise.resolve();
      seen.push(`createConn ${conn.id}`);
    });
    app.createClient(async (request) => {
      await Promise.resolve();
      seen.push(`createClient ${request.connId} ${request.clientAddress}`);
      request.writeToClient({ cmd: 8, body: "welcome" });
    });
    app.closeClient(async (request) => {
      seen.push(`closeClient ${request.uid} ${request.userdata}`);
      assertEquals(
        [request.loginClient(9), request.logoutClient()],
        [false, false],
      );
      assertEquals(
        [request.closeClient(), await request.reply({ ret: 1 })],
        [false, false],
      );
    });
    app.closeConn((conn) => seen.push(`closeConn ${conn.id}`));
  });
  {
    await using client = await server.connect();
    assertEquals((await client.read())?.text(), "welcome");
    await login(client, 7, 5);
  }
  await eventually(() => seen.length === 4);
  assertEquals(seen, [
    "createConn 1",
    "createClient 1 127.0.0.1",
    "closeClient 7 5",
    "closeConn 1",
  ]);
  assertEquals([server.app.stats().users, server.log.complaints], [0, []]);
});

Deno.test("a uid beyond 2^53 is there as uid64, and uid says so", async () => {
  const big = 2n ** 60n;
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => ({ ret: Number(request.loginClient(big, big)) }));
    app.route(2, ({ uid64, userdata64 }) => `${uid64 === big} ${userdata64}`);
    app.route(3, (request) => `${request.uid}`);
    app.route(4, (request) => `${request.userdata}`);
  });
  await using client = await server.connect();
  await call(client, { cmd: 1 });
  assertEquals((await call(client, { cmd: 2 })).text(), `true ${big}`);
  assertEquals((await call(client, { cmd: 3 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 4 })).ret, RET.INTERNAL);
  await server.log.line(
    /HavenError: Cannot give uid 1152921504606846976 as a number: it is beyond 2\^53; use uid64/,
  );
  await server.log.line(/use userdata64/);
});
