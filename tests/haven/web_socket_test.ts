// Haven: WebSocket clients.

import { assertEquals, assertRejects } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { Box, type BoxFields, type BoxInit } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { WebSocketStream } from "../helpers/web_socket_stream.ts";
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

const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

/** A client that knows the bytes of a WebSocket only. */
class RawWebClient implements Disposable {
  readonly conn: Deno.TcpConn;

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  static async connect(server: HavenFixture): Promise<RawWebClient> {
    const { port } = server.app.websocketAddr!;
    return new RawWebClient(
      await Deno.connect({ hostname: "127.0.0.1", port }),
    );
  }

  /** Connects and sends the handshake, and waits for the start of its answer. */
  static async open(server: HavenFixture): Promise<RawWebClient> {
    const client = await RawWebClient.connect(server);
    await client.write(new TextEncoder().encode(HANDSHAKE));
    await within(client.conn.read(new Uint8Array(64)), "an answer");
    return client;
  }

  /** A binary message of 126 to 65,535 bytes, masked with zeros. */
  message(payload: Uint8Array): Uint8Array {
    const { length } = payload;
    const bytes = new Uint8Array(8 + length);
    bytes.set([0x82, 0x80 | 126, length >> 8, length & 255]);
    bytes.set(payload, 8);
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

async function isDone(work: Promise<void>, withinMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
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
  await server.log.line(/WARN .*no WebSocket: a text message/);
});

Deno.test("Haven closes a WebSocket whose bytes are no box with 1002", async () => {
  await using server = await start();
  await using web = await WebClient.connect(server);
  const bytes = new Box({ cmd: 1, body: "x" }).pack();
  bytes[0] = 0;
  web.socket.send(bytes as Uint8Array<ArrayBuffer>);
  assertEquals(await web.closeCode(), 1002);
  await server.log.line(/WARN .*they do not begin with its magic number/);
  assertEquals(server.app.stats().closed.frame, 1);
});

Deno.test("Haven takes a WebSocket's boxes however they are cut into messages", async () => {
  await using server = await start();
  await using web = await WebClient.connect(server);
  const boxes = Array.from(
    { length: 50 },
    (_, sn) => new Box({ cmd: 1, sn, body: "x".repeat(sn * sn) }).pack(),
  );
  const bytes = concat(boxes);
  for (const size of [bytes.length, 1000, 70, 1]) {
    for (let from = 0; from < bytes.length; from += size) {
      web.socket.send(bytes.slice(from, from + size));
    }
    for (let sn = 0; sn < 50; sn++) {
      const answer = await web.read();
      assertEquals([answer.sn, answer.body.length], [sn, sn * sn]);
    }
  }
});

Deno.test("Haven closes a WebSocket with a box above frameBytes with 1009", async () => {
  await using server = await start({ frameBytes: 100 });
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

Deno.test("Haven does not read a WebSocket whose requests wait", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await start({ connQueueMax: 1 }, (app) => {
    app.route(2, () => gate.promise);
  });
  using client = await RawWebClient.open(server);
  const message = client.message(
    new Box({ cmd: 2, body: new Uint8Array(60_000) }).pack(),
  );
  // What the system keeps on the way is far less.
  const most = 64 * 1024 * 1024;
  let sent = 0;
  let writing: Promise<void> | undefined;
  for (; sent < most; sent += message.length) {
    writing = client.write(message);
    if (!await isDone(writing, 500)) break;
    writing = undefined;
  }
  assertEquals(sent < most, true, "all that was sent was read");
  assertEquals(server.app.stats().requests, 1);
  gate.resolve();
  await within(writing!, "a write that goes on");
});

Deno.test("Haven closes a WebSocket that does not read", async () => {
  const results: boolean[] = [];
  await using server = await start({ outboxBytes: 1_000_000 }, (app) => {
    app.createConn((conn) => {
      const body = new Uint8Array(100_000);
      for (let i = 0; i < 200; i++) results.push(conn.write({ cmd: 1, body }));
    });
  });
  using _client = await RawWebClient.open(server);
  await server.log.line(/WARN .*the other side does not read/);
  assertEquals([results[0], results.at(-1)], [true, false]);
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

Deno.test("Haven counts handshakes that are not done in connsMax, where the longest makes room, and ends them when it leaves", async () => {
  await using server = await start({ connsMax: 2 });
  using first = await RawWebClient.connect(server);
  using second = await RawWebClient.connect(server);
  await second.write(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
  await using web = await WebClient.connect(server);
  const ended = first.conn.read(new Uint8Array(1)).catch(() => null);
  assertEquals(await within(ended, "the end of the first"), null);
  web.send({ cmd: 1 });
  await web.read();
  const { connections, closed } = server.app.stats();
  assertEquals([connections, closed.room], [1, 1]);
});

Deno.test("Haven gives a WebSocket its close code back, and pongs for pings", async () => {
  await using server = await start();
  const web = await WebClient.connect(server);
  web.socket.close(4321, "had enough");
  const { code, wasClean } = await within(web.closed, "the end");
  assertEquals([code, wasClean], [4321, true]);
  await server.log.line(/closed by the other side \(4321, "had enough"\)/);
  using raw = await RawWebClient.open(server);
  const { conn } = raw;
  const rest = new Uint8Array(1024);
  await within(conn.read(rest), "the rest of the handshake");
  await raw.write(Uint8Array.of(0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69));
  const pong = new Uint8Array(16);
  const count = await within(conn.read(pong), "a pong");
  assertEquals([...pong.subarray(0, count!)], [0x8a, 2, 0x68, 0x69]);
});

Deno.test("Haven opens WebSockets at its path and for its origins only", async () => {
  await using server = await start({
    websocketPath: "/play",
    websocketOrigins: ["https://game.example"],
  });
  const { port } = server.app.websocketAddr!;
  const open = (path: string, Origin: string) =>
    WebSocketStream.open({ hostname: "127.0.0.1", port }, {
      path,
      headers: { Origin },
    });
  using _page = await open("/play", "https://game.example");
  await assertRejects(() => open("/", "https://game.example"), Error, "404");
  await assertRejects(() => open("/play", "http://game.example"), Error, "403");
});

Deno.test("Haven closes a WebSocket that answers no ping", async () => {
  await using server = await start({ websocketPing: 0.1 });
  const { port } = server.app.websocketAddr!;
  using dead = await WebSocketStream.open({ hostname: "127.0.0.1", port });
  for (const opcode of [9, 9, 8]) {
    assertEquals((await dead.nextFrame())?.opcode, opcode);
  }
  await server.log.line(/no sign of life over two pings.*\(websocketPing\)/);
  assertEquals(server.app.stats().closed.idle, 1);
});
