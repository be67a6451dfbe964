// Haven: WebSocket clients.

import { assertEquals } from "@std/assert";
import { Box, type BoxFields, type BoxInit } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { within } from "../helpers/within.ts";
import { call, HavenFixture } from "./haven_fixture.ts";

/** A client as a browser is one. */
class WebClient implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly opened: Promise<unknown>;
  readonly closed: Promise<CloseEvent>;
  readonly #boxes: Box[] = [];

  constructor(server: HavenFixture) {
    const { port } = server.app.websocketAddr!;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      this.#boxes.push(Box.fromFrame(new Uint8Array(data)));
    };
    this.opened = new Promise((resolve) => socket.onopen = resolve);
    this.closed = new Promise((resolve) => socket.onclose = resolve);
  }

  static async connect(server: HavenFixture): Promise<WebClient> {
    const client = new WebClient(server);
    await within(client.opened, "the opening of a WebSocket");
    return client;
  }

  send(init: BoxInit<BoxFields>): void {
    this.socket.send(new Box(init).pack() as Uint8Array<ArrayBuffer>);
  }

  async read(): Promise<Box> {
    await eventually(() => this.#boxes.length > 0, { what: "a box" });
    return this.#boxes.shift()!;
  }

  async closeCode(): Promise<number> {
    return (await within(this.closed, "the end of a WebSocket")).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await within(this.closed, "the end of a WebSocket");
  }
}

function start(
  options: Parameters<typeof HavenFixture.start>[1] = {},
  register: Parameters<typeof HavenFixture.start>[0] = () => {},
): Promise<HavenFixture> {
  return HavenFixture.start((app) => {
    app.route(1, (request) => request.write({ body: request.box.body }));
    register(app);
  }, { websocketPort: 0, ...options });
}

Deno.test("Haven keeps the answers to a WebSocket apart that are given in one turn", async () => {
  await using server = await start({ respondOnce: false }, (app) => {
    app.route(2, (request) => {
      for (let sn = 0; sn < 100; sn++) {
        request.write({ ret: sn, body: `${sn} `.repeat(sn) });
      }
    });
  });
  await using web = await WebClient.connect(server);
  web.send({ cmd: 2 });
  for (let sn = 0; sn < 100; sn++) {
    const answer = await web.read();
    assertEquals([answer.ret, answer.text()], [sn, `${sn} `.repeat(sn)]);
  }
});

Deno.test("Haven serves the same routes to WebSocket and TCP clients", async () => {
  const calls: string[] = [];
  await using server = await start({}, (app) => {
    app.createConn((conn) => void calls.push(`createConn ${conn.id}`));
    app.closeConn((conn) => void calls.push(`closeConn ${conn.id}`));
    app.route(2, async (request) => {
      request.conn.state.name = request.box.text();
      await Promise.resolve();
      request.write({ ret: 1 });
      request.conn.write({ cmd: 9, body: request.address });
    });
  });
  {
    await using web = await WebClient.connect(server);
    web.send({ cmd: 1, sn: 4, body: "hello" });
    const answer = await web.read();
    assertEquals([answer.cmd, answer.sn, answer.text()], [1, 4, "hello"]);
    web.send({ cmd: 2, body: "ann" });
    web.send({ cmd: 404 });
    assertEquals((await web.read()).ret, 1);
    const push = await web.read();
    assertEquals([push.cmd, push.text().startsWith("127.0.0.1:")], [9, true]);
    assertEquals((await web.read()).ret, -10000);
    assertEquals(server.app.connections.map(({ state }) => state.name), [
      "ann",
    ]);
  }
  await server.until(({ connections }) => connections === 0);
  assertEquals(calls, ["createConn 1", "closeConn 1"]);
  await using tcp = await server.connect();
  assertEquals((await call(tcp, { cmd: 1, body: "tcp" })).text(), "tcp");
});

Deno.test("Haven closes a WebSocket with a text message with 1003", async () => {
  await using server = await start();
  await using web = await WebClient.connect(server);
  web.socket.send("hello");
  assertEquals(await web.closeCode(), 1003);
  await server.log.line(/WARN .*a text message came/);
});

Deno.test("Haven closes a WebSocket with a message that is not one whole box with 1002", async () => {
  await using server = await start();
  const frame = new Box({ cmd: 1, body: "x" }).pack();
  const wrongMagic = frame.slice();
  wrongMagic[0] = 0;
  const trailing = new Uint8Array(frame.length + 1);
  trailing.set(frame);
  const half = frame.slice(0, 12);
  for (const bytes of [wrongMagic, trailing, half, new Uint8Array(0)]) {
    await using web = await WebClient.connect(server);
    web.socket.send(bytes as Uint8Array<ArrayBuffer>);
    assertEquals(await web.closeCode(), 1002);
  }
  await server.log.line(/a message of 26 bytes is not one whole Box/);
  assertEquals(server.app.stats().closed.frame, 4);
});

Deno.test("Haven closes a WebSocket with a box above frameMax with 1009", async () => {
  await using server = await start({ frameMax: 100 });
  await using web = await WebClient.connect(server);
  web.send({ cmd: 1, body: new Uint8Array(76) });
  assertEquals((await web.read()).body.length, 76);
  web.send({ cmd: 1, body: new Uint8Array(77) });
  assertEquals(await web.closeCode(), 1009);
});

Deno.test("Haven closes an idle WebSocket", async () => {
  await using server = await start({ timeout: 0.1 });
  await using web = await WebClient.connect(server);
  assertEquals(await web.closeCode(), 1000);
  await server.log.line(/no frame for 0.1 s \(timeout\)/);
});

Deno.test("Haven closes WebSockets with 1001 when it leaves", async () => {
  await using server = await start();
  await using web = await WebClient.connect(server);
  await server.until(({ accepted }) => accepted === 1);
  const closing = server.app.close();
  assertEquals(await web.closeCode(), 1001);
  await within(closing, "close()");
});

Deno.test("Haven finishes a WebSocket's requests before it leaves", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await start({}, (app) => {
    app.route(2, async (request) => {
      await gate.promise;
      request.write({ ret: 7 });
    });
  });
  await using web = await WebClient.connect(server);
  web.send({ cmd: 2 });
  await server.until(({ requests }) => requests === 1);
  const closing = server.app.close();
  gate.resolve();
  assertEquals((await web.read()).ret, 7);
  assertEquals(await web.closeCode(), 1001);
  await within(closing, "close()");
});

Deno.test("Haven keeps a WebSocket's requests in order while one is slow", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await start({ connQueueMax: 2 }, (app) => {
    app.route(2, async (request) => {
      await gate.promise;
      request.write({});
    });
  });
  await using web = await WebClient.connect(server);
  for (let sn = 1; sn <= 20; sn++) web.send({ cmd: 1 + sn % 2, sn });
  await server.until(({ requests }) => requests === 1);
  gate.resolve();
  for (let sn = 1; sn <= 20; sn++) assertEquals((await web.read()).sn, sn);
});

Deno.test("Haven closes a WebSocket that sends more than outboxMax while its requests wait with 1013", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await start(
    { connQueueMax: 1, outboxMax: 10_000 },
    (app) => {
      app.route(2, () => gate.promise);
    },
  );
  await using web = await WebClient.connect(server);
  // One runs, one waits, nine are kept, and one is too many. A client that goes on sending would
  // not see the code: Deno ends the connection then.
  for (let i = 0; i < 12; i++) web.send({ cmd: 2, body: new Uint8Array(1000) });
  assertEquals(await web.closeCode(), 1013);
  gate.resolve();
  await server.until(({ connections }) => connections === 0);
});

Deno.test("Haven closes a WebSocket that does not read", async () => {
  const results: boolean[] = [];
  await using server = await start({ outboxMax: 1_000_000 }, (app) => {
    app.createConn((conn) => {
      const body = new Uint8Array(100_000);
      for (let i = 0; i < 200; i++) results.push(conn.write({ cmd: 1, body }));
    });
  });
  const conn = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.app.websocketAddr!.port,
  });
  const request = [
    "GET / HTTP/1.1",
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "",
    "",
  ];
  await conn.write(new TextEncoder().encode(request.join("\r\n")));
  await server.log.line(/WARN .*the other side does not read/);
  assertEquals([results[0], results.at(-1)], [true, false]);
  conn.close();
  await server.until(({ connections }) => connections === 0);
});

Deno.test("Haven counts WebSockets in connsMax", async () => {
  await using server = await start({ connsMax: 1 });
  await using tcp = await server.connect();
  await call(tcp, { cmd: 1 });
  const refused = new WebClient(server);
  const failed = new Promise<Event>((resolve) =>
    refused.socket.onerror = resolve
  );
  await within(failed, "the refusal");
  await within(refused.closed, "the refusal");
  await server.log.line(/there are 1 connections, the most that connsMax/);
});

Deno.test("Haven answers plain HTTP at the WebSocket port with 426", async () => {
  await using server = await start();
  const { port } = server.app.websocketAddr!;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assertEquals(response.status, 426);
  assertEquals(response.headers.get("upgrade"), "websocket");
  await response.body?.cancel();
});
