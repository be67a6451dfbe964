// Haven: requests, answers and connections of a server in this process.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Box, boxClass, LineBox, RET } from "@maple/box";
import {
  type AppRequest,
  Blueprint,
  type Connection,
  GHaven,
  Haven,
  HavenError,
  HavenRequest,
  THaven,
} from "@maple/haven";
import { LogCollector } from "../helpers/log_collector.ts";
import { within } from "../helpers/within.ts";
import { call, HavenFixture } from "./haven_fixture.ts";

Deno.test("Haven answers requests with cmd and sn of the request", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(
      1,
      (request) => request.write({ ret: 5, body: request.box.body }),
    );
    app.route(2, async (request) => {
      await Promise.resolve();
      await request.reply({ body: { text: request.box.text() } });
    });
  });
  await using client = await server.connect();
  const first = await call(client, { cmd: 1, sn: 7, body: "hello" });
  assertEquals([first.cmd, first.sn, first.ret, first.text()], [
    1,
    7,
    5,
    "hello",
  ]);
  const second = await call(client, { cmd: 2, sn: 8, body: "you" });
  assertEquals([second.cmd, second.sn, second.json()], [2, 8, { text: "you" }]);
  assertEquals(server.log.complaints, []);
});

Deno.test("HavenRequest tells what the request is and where it came from", async () => {
  const seen: unknown[] = [];
  const user = new Blueprint<HavenRequest>("user").route(9, (request) => {
    seen.push(
      request instanceof HavenRequest,
      request.cmd,
      request.endpoint,
      request.blueprint,
      request.address === request.conn.address,
      request.conn.id,
    );
    request.write({});
  }, "login");
  await using server = await HavenFixture.start((app) => {
    app.registerBlueprint(user);
  });
  await using client = await server.connect();
  await call(client, { cmd: 9 });
  assertEquals(seen, [true, 9, "user.login", "user", true, 1]);
});

Deno.test("HavenRequest.write() may be called any number of times where respondOnce is off", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      for (let i = 0; i < 3; i++) request.write({ body: `${i}` });
      request.write(request.box.map({ body: "box" }));
      request.write(request.box.map({ body: "bytes" }).pack());
    });
  }, { respondOnce: false });
  await using client = await server.connect();
  await client.write({ cmd: 1, sn: 3 });
  for (const text of ["0", "1", "2", "box", "bytes"]) {
    const answer = await client.read();
    assertEquals([answer?.sn, answer?.text()], [3, text]);
  }
});

Deno.test("Haven takes a second answer for an error", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      request.write({ ret: 1 });
      request.write({ ret: 2 });
    });
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, 1);
  await server.log.line(/Cannot answer .* a second time/);
});

Deno.test("Haven answers an unknown cmd and a handler that throws, and goes on", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, () => {
      throw new Error("no luck");
    }, "unlucky");
    app.route(2, () => Promise.reject(new Error("no luck later")));
    app.route(3, (request) => request.write({ ret: 0 }));
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 404 })).ret, RET.INVALID_CMD);
  assertEquals((await call(client, { cmd: 1 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 2 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 3 })).ret, 0);
  await server.log.line(/No route for .*cmd: 404/);
  const line = await server.log.line(/endpoint: unlucky .*Error: no luck/);
  assertEquals(line.includes("haven_test.ts"), true);
  await server.log.line(/no luck later/);
});

Deno.test("HavenRequest.interrupt() in a hook keeps the handler from running", async () => {
  const calls: string[] = [];
  await using server = await HavenFixture.start((app) => {
    app.beforeRequest((request) => {
      if (request.box.version === 0) return request.interrupt({ ret: 1 });
    });
    app.afterRequest(() => calls.push("after"));
    app.route(1, (request) => {
      calls.push("handler");
      return request.write({ ret: 0 });
    });
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, 1);
  assertEquals((await call(client, { cmd: 1, version: 1 })).ret, 0);
  assertEquals(calls, ["after", "handler", "after"]);
});

Deno.test("Connection.write() sends at any time, in any form", async () => {
  await using server = await HavenFixture.start((app) => {
    app.createConn((conn) => {
      conn.write({ cmd: 9, body: "fields" });
      conn.write(new Box({ cmd: 9, body: "box" }));
      conn.write(new Box({ cmd: 9, body: "bytes" }).pack());
    });
  });
  await using client = await server.connect();
  for (const text of ["fields", "box", "bytes"]) {
    const box = await client.read();
    assertEquals([box?.cmd, box?.text()], [9, text]);
  }
  const [conn] = server.app.connections;
  assertEquals([conn!.write({ cmd: 10 }), conn!.closed], [true, false]);
  assertEquals((await client.read())?.cmd, 10);
});

Deno.test("Connection.state lasts as long as the connection", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, ({ conn, box }) => void (conn.state.name = box.text()));
    app.route(
      2,
      (request) => request.write({ body: `${request.conn.state.name}` }),
    );
  });
  await using ann = await server.connect();
  await using bob = await server.connect();
  await ann.write({ cmd: 1, body: "ann" });
  await bob.write({ cmd: 1, body: "bob" });
  assertEquals((await call(ann, { cmd: 2 })).text(), "ann");
  assertEquals((await call(bob, { cmd: 2 })).text(), "bob");
});

Deno.test("HavenRequest.close() closes after the answer", async () => {
  let conn: Connection | undefined;
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      request.write({ body: "bye" });
      request.close();
      request.conn.close();
      conn = request.conn;
    });
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).text(), "bye");
  assertEquals(await client.read(), null);
  assertEquals([conn!.closed, conn!.write({ cmd: 1 })], [true, false]);
  assertEquals(server.app.connections, []);
  await server.until(({ closed }) => closed.local === 1);
});

Deno.test("Haven serves boxes of any class, lines too", async () => {
  const TinyBox = boxClass([["cmd", "B"], ["bodyLen", "B"]]);
  await using tiny = new HavenFixture(TinyBox);
  tiny.app.route(3, (request) => request.reply({ body: request.box.body }));
  await tiny.app.listen({ port: 0 });
  await using tinyClient = await tiny.connect();
  assertEquals((await call(tinyClient, { cmd: 3, body: "x" })).text(), "x");

  await using lines = new HavenFixture(LineBox);
  lines.app.route(
    0,
    (request) => request.reply({ body: request.box.text().toUpperCase() }),
  );
  await lines.app.listen({ port: 0 });
  await using conn = new Connected(await lines.connectRaw());
  await conn.write("hello\r\nyou\n");
  assertEquals(await conn.read(10), "HELLO\nYOU\n");
});

class Connected implements AsyncDisposable {
  constructor(readonly conn: Deno.Conn) {}
  async write(text: string): Promise<void> {
    await this.conn.write(new TextEncoder().encode(text));
  }
  async read(count: number): Promise<string> {
    let text = "";
    while (text.length < count) {
      const buffer = new Uint8Array(count);
      const got = await within(this.conn.read(buffer), "an answer");
      if (got === null) break;
      text += new TextDecoder().decode(buffer.subarray(0, got));
    }
    return text;
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.conn.close();
    return Promise.resolve();
  }
}

Deno.test("Haven runs handlers that were written for any kind of app", async () => {
  const echo = (request: AppRequest) =>
    request.reply({ body: request.box.body });
  await using server = await HavenFixture.start((app) => app.route(1, echo));
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1, body: "a" })).text(), "a");
});

Deno.test("Haven.listen() rejects on a server that was started or closed before", async () => {
  await using server = await HavenFixture.start(() => {});
  const again = () => server.app.listen({ port: 0 });
  assertEquals((await assertRejects(again, HavenError)).code, "state");
  const first = server.app.close();
  assertStrictEquals(server.app.close(), first);
  await first;
  assertEquals((await assertRejects(again, HavenError)).code, "state");
});

Deno.test("Haven.listen() says that a port is in use, and can then be called again", async () => {
  await using server = await HavenFixture.start(() => {});
  await using other = new HavenFixture(Box);
  const error = await assertRejects(
    () => other.app.listen({ port: server.port, bindTimeout: 0 }),
    HavenError,
    `Cannot listen for clients at 127.0.0.1:${server.port}: the address is in use`,
  );
  assertEquals(error.code, "listen");
  const web = await assertRejects(
    () =>
      other.app.listen({
        port: 0,
        websocketPort: server.port,
        bindTimeout: 0,
      }),
    HavenError,
    `Cannot listen for WebSockets at 127.0.0.1:${server.port}: the address is in use`,
  );
  assertEquals(web.code, "listen");
  await other.app.listen({ port: 0 });
  assertEquals(other.app.addr!.port > 0, true);
});

Deno.test("Haven.listen() refuses options that do not fit", async () => {
  for (
    const [options, message] of [
      [
        { port: 65536 },
        "Option port must be a whole number from 0 to 65535, got 65536",
      ],
      [
        { websocketPort: -1 },
        "Option websocketPort must be a whole number from 0 to 65535, got -1",
      ],
      [
        { timeout: NaN },
        "Option timeout must be a number from 0 to 2147483, got NaN",
      ],
      [
        { connsMax: 0 },
        "Option connsMax must be a whole number from 1 to 2147483647, got 0",
      ],
      [{ frameBytes: 1.5 }, "Option frameBytes must be"],
      [{ outboxBytes: 0 }, "Option outboxBytes must be"],
      [
        { outboxMax: 1 } as object,
        "Option outboxMax is called outboxBytes now",
      ],
      [{ connQueueMax: 0 }, "Option connQueueMax must be"],
      [
        { groupsPerClient: 10_001 },
        "Option groupsPerClient must be a whole number from 1 to 10000, got 10001",
      ],
      [
        { stopTimeout: -1 },
        "Option stopTimeout must be a number from 0 to 2147483, got -1",
      ],
      [
        { websocketPath: "play" },
        'Option websocketPath takes a path such as /play, or * for any, got "play"',
      ],
      [
        { websocketOrigins: "a.example" },
        'Option websocketOrigins takes origins such as https://example.org, or * for any, got "a.example"',
      ],
      [{ websocketPing: -1 }, "Option websocketPing must be a number from 0"],
      [
        { port: 7000, websocketPort: 7000 },
        "Options port and websocketPort must differ",
      ],
    ] as const
  ) {
    const app = new Haven(Box, { logger: new LogCollector() });
    const error = await assertRejects(
      () => app.listen(options),
      HavenError,
      message,
    );
    assertEquals(error.code, "option");
  }
});

Deno.test("Haven.run() takes its arguments in every form", async () => {
  const forms: ((app: Haven) => Promise<void>)[] = [
    (app) => app.run("127.0.0.1", 70000),
    (app) => app.run("127.0.0.1", 70000, { workers: 1 }),
    (app) => app.run("127.0.0.1", { port: 70000 }),
    (app) => app.run({ port: 70000 }),
  ];
  for (const run of forms) {
    const app = new Haven(Box, { logger: new LogCollector() });
    await assertRejects(() => run(app), HavenError, "got 70000");
  }
});

Deno.test("Haven.run() serves with one worker only", async () => {
  const app = new Haven(Box, { logger: new LogCollector() });
  await assertRejects(
    () => app.run({ workers: 2 }),
    HavenError,
    "Option workers must be 0 or 1 for a Haven, got 2; a GHaven",
  );
});

Deno.test("Haven.run() refuses a log format that it does not know", async () => {
  const app = new Haven(Box, { logger: new LogCollector() });
  await assertRejects(
    () => app.run({ logFormat: "xml" as "json" }),
    HavenError,
    'Option logFormat must be "text" or "json", got "xml"',
  );
});

Deno.test("GHaven.run() and THaven.run() start no children from a test", async () => {
  for (const Kind of [GHaven, THaven]) {
    const app = new Kind(Box, { logger: new LogCollector() });
    const error = await assertRejects(
      () => app.run({ port: 0, workers: 2 }),
      HavenError,
      'Cannot start child processes from "deno test": use workers: 0 there',
    );
    assertEquals(error.code, "state");
  }
});

Deno.test("GHaven and THaven serve in this process with listen()", async () => {
  for (const Kind of [GHaven, THaven]) {
    await using app = new Kind(Box, { logger: new LogCollector() });
    app.route(1, (request) => request.write({ body: "here" }));
    await app.listen({ port: 0 });
    await using server = new HavenFixture(Box);
    Object.assign(server, { app });
    await using client = await server.connect();
    assertEquals((await call(client, { cmd: 1 })).text(), "here");
  }
});
