import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  isOwnHost,
  parseStatusAddress,
  serveStatus,
  STATUS_CONNS_MAX,
  type StatusRoute,
  type StatusServer,
  statusUrl,
} from "@maple/box/internal";
import { FakeTime } from "@std/testing/time";
import {
  HEAD_MAX_BYTES,
  HEAD_MS,
  HttpConnection,
  WRITE_MS,
} from "../../../box/metrics/http_connection.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { bounded } from "../support.ts";

type TestServer = StatusServer & AsyncDisposable & {
  url: string;
  log: LogCollector;
};

/** A status server on a free port, closed at the end of the test. */
function startServer(
  routes: Record<string, StatusRoute>,
  hosts: readonly string[] = [],
): TestServer {
  const log = new LogCollector();
  const server = serveStatus("0", routes, { logger: log, hosts });
  return {
    ...server,
    log,
    url: statusUrl(server.addr),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

async function status(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, init);
  await response.body?.cancel();
  return response.status;
}

Deno.test("parseStatusAddress() reads a port, a host and a port", () => {
  for (
    const [address, hostname, port] of [
      ["9101", "127.0.0.1", 9101],
      ["0", "127.0.0.1", 0],
      ["0.0.0.0:9101", "0.0.0.0", 9101],
      ["localhost:65535", "localhost", 65535],
      ["[::1]:9101", "::1", 9101],
    ] as const
  ) {
    assertEquals(parseStatusAddress(address), { hostname, port }, address);
  }
});

Deno.test("parseStatusAddress() throws for anything else", () => {
  for (
    const address of [
      "",
      "65536",
      "127.0.0.1",
      ":9101",
      "::1:9101",
      "host:",
      "-1",
      "9101 ",
      "http://127.0.0.1:9101",
    ]
  ) {
    assertThrows(
      () => parseStatusAddress(address),
      RangeError,
      `"${address}" is no address: expected PORT, HOST:PORT`,
    );
  }
});

Deno.test("serveStatus() answers its routes, on this machine only when no host is given", async () => {
  await using server = startServer({
    "/healthz": () => new Response("draining\n", { status: 503 }),
    "/stats.json": async () => Response.json(await Promise.resolve({ a: 1 })),
  });
  assertEquals(server.addr.hostname, "127.0.0.1");
  assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const health = await fetch(`${server.url}healthz`);
  assertEquals([health.status, await health.text()], [503, "draining\n"]);
  const stats = await fetch(`${server.url}stats.json?pretty`);
  assertEquals(await stats.json(), { a: 1 });
});

Deno.test("serveStatus() refuses other paths and other methods", async () => {
  await using server = startServer({ "/": () => new Response("page") });
  const missing = await fetch(`${server.url}metrics`);
  assertEquals([missing.status, await missing.text()], [
    404,
    "Here are only /.\n",
  ]);
  assertEquals(await status(server.url, { method: "POST" }), 405);
  assertEquals(await status(server.url, { method: "HEAD" }), 200);
});

Deno.test("serveStatus() answers 500 when a route throws, and goes on", async () => {
  await using server = startServer({
    "/throws": () => {
      throw new Error("no figures");
    },
    "/rejects": () => Promise.reject(new Error("no figures")),
    "/fine": () => new Response("fine"),
  });
  for (const path of ["throws", "rejects"]) {
    const response = await fetch(server.url + path);
    assertEquals([response.status, await response.text()], [
      500,
      "It cannot be answered; the log says why.\n",
    ]);
    assertMatch(
      server.log.lines.pop()!,
      /cannot answer \/(throws|rejects): Error: no figures/,
    );
  }
  assertEquals(await status(`${server.url}fine`), 200);
});

Deno.test("serveStatus() says that a port is in use", async () => {
  await using first = startServer({});
  const { port } = first.addr;
  const error = assertThrows(
    () => serveStatus(`127.0.0.1:${port}`, {}, { logger: first.log }),
    Error,
    `Cannot listen for status requests at 127.0.0.1:${port}: the address is in use; `,
  );
  assertInstanceOf(error.cause, Deno.errors.AddrInUse);
});

Deno.test("serveStatus() close() ends an answer that never ends, and may be called twice", async () => {
  const started = Promise.withResolvers<void>();
  const server = serveStatus("0", {
    "/": () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
            started.resolve();
          },
        }),
      ),
  }, { logger: new LogCollector() });
  const response = await fetch(statusUrl(server.addr));
  await started.promise;
  const reading = response.text();
  await bounded(Promise.all([
    assertRejects(() => reading),
    server.close(),
  ]));
  await server.close();
  await assertRejects(() => fetch(statusUrl(server.addr)));
});

function connectTo(
  { addr: { hostname, port } }: StatusServer,
): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname, port });
}

/** Sends these bytes and reads all that comes back until the server closes. */
async function exchange(
  server: StatusServer,
  ...pieces: string[]
): Promise<string> {
  using conn = await connectTo(server);
  for (const piece of pieces) await conn.write(new TextEncoder().encode(piece));
  return await textOf(conn);
}

async function textOf(conn: Deno.Conn): Promise<string> {
  let text = "";
  const bytes = new Uint8Array(4096);
  for (;;) {
    const count = await bounded(conn.read(bytes));
    if (count === null) return text;
    text += new TextDecoder().decode(bytes.subarray(0, count));
  }
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}

Deno.test("serveStatus() reads a request byte by byte, and writes the answer in chunks", async () => {
  await using server = startServer({
    "/a": ({ search }) => new Response(search),
  });
  const answer = await exchange(
    server,
    ..."GET /a?b=1 HTTP/1.1\r\nhost: [::1]:1\r\n\r\n",
  );
  assertEquals(statusOf(answer), 200);
  assertMatch(answer, /\r\nconnection: close\r\n/);
  assertEquals(
    answer.split("\r\n\r\n").slice(1).join("\r\n\r\n"),
    "4\r\n?b=1\r\n0\r\n\r\n",
  );
});

Deno.test("serveStatus() answers HTTP/1.0 without chunks, and HEAD without a body", async () => {
  await using server = startServer({ "/": () => new Response("page") });
  const old = await exchange(server, "GET / HTTP/1.0\r\n\r\n");
  assertEquals([statusOf(old), old.split("\r\n\r\n")[1]], [200, "page"]);
  const head = await exchange(
    server,
    "HEAD / HTTP/1.1\r\nHost: x.localhost\r\n\r\n",
  );
  assertEquals([statusOf(head), head.split("\r\n\r\n")[1]], [200, ""]);
});

Deno.test("serveStatus() answers what is no request with 400, and what is too long with 431", async () => {
  await using server = startServer({ "/": () => new Response("page") });
  const get = "GET / HTTP/1.1\r\n";
  for (
    const [request, status] of [
      ["\x16\x03\x01\0\r\n\r\n", 400],
      // Not ended: whoever has sent it waits for what is said to it.
      ["\x16\x03\x01\0", 400],
      ["y\x78", 400],
      ["GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
      [get + "\r\n", 400],
      [get + "Host: a\r\nHost: a\r\n\r\n", 400],
      [get + "Host: a b\r\n\r\n", 400],
      [get + "Host: 127.0.0.1:80@evil\r\n\r\n", 400],
      [get + "Host: \r\n\r\n", 400],
      [get + "Host : localhost\r\n\r\n", 400],
      [get + "no header\r\n\r\n", 400],
      [`${get}x: ${"x".repeat(HEAD_MAX_BYTES)}`, 431],
      [`${get}Host: localhost\r\n\r\n`, 200],
      ["GET /// HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
      ["GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
      ["GET //localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
    ] as const
  ) {
    const answer = await exchange(server, request);
    assertEquals(statusOf(answer), status, request.slice(0, 60));
    assertEquals(answer.includes("    at "), false);
  }
  assertEquals(server.log.lines, []);
});

Deno.test("isOwnHost() takes addresses, localhost and its own names, and no other", () => {
  const names = ["0.0.0.0", "Game1.internal"];
  for (
    const host of [
      ...["127.0.0.1", "10.1.2.3:9101", "[::1]", "[fe80::1]:9101"],
      ...["localhost", "LOCALHOST:1", "a.localhost", "game1.internal:9101"],
    ]
  ) assertEquals(isOwnHost(host, names), true, host);
  for (
    const host of [
      ...["evil.example", "evil.example:9101", "localhost.evil.example"],
      ...["127.0.0.1.evil.example", "xlocalhost", "game1", "2130706433"],
    ]
  ) assertEquals(isOwnHost(host, names), false, host);
});

Deno.test("serveStatus() refuses a foreign host with 403, unless it is named", async () => {
  const routes = { "/": () => new Response("page") };
  await using server = startServer(routes);
  await using named = startServer(routes, ["metrics.example"]);
  const request = "GET / HTTP/1.1\r\nHost: metrics.example\r\n\r\n";
  assertEquals(statusOf(await exchange(server, request)), 403);
  assertEquals(statusOf(await exchange(named, request)), 200);
});

Deno.test("serveStatus() closes a connection whose request does not come in time", async () => {
  await using server = startServer({ "/": () => new Response("page") });
  using time = new FakeTime();
  using silent = await connectTo(server);
  using slow = await connectTo(server);
  await slow.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: "));
  // That both are accepted is told by one that comes after them.
  await exchange(server, "GET / HTTP/1.0\r\n\r\n");
  await time.tickAsync(HEAD_MS);
  assertEquals([await textOf(silent), await textOf(slow)], ["", ""]);
});

Deno.test("serveStatus() has room for a request however many connections are silent", async () => {
  await using server = startServer({ "/": () => new Response("page") });
  await using stack = new AsyncDisposableStack();
  const silent: Deno.Conn[] = [];
  for (let i = 0; i < STATUS_CONNS_MAX + 5; i++) {
    silent.push(stack.use(await connectTo(server)));
  }
  assertEquals(statusOf(await exchange(server, "GET / HTTP/1.0\r\n\r\n")), 200);
  const ends = await Promise.all(silent.slice(0, 6).map(textOf));
  assertEquals(ends, Array(6).fill(""));
  assertMatch(
    server.log.lines.join("\n"),
    /there are 100 connections for status requests/,
  );
});

Deno.test("HttpConnection gives up an answer that is not read", async () => {
  using time = new FakeTime();
  const cut = Promise.withResolvers<never>();
  const written = Promise.withResolvers<void>();
  let cancelled = false;
  const conn = {
    read: (target: Uint8Array) => {
      const { read } = new TextEncoder()
        .encodeInto("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
      return Promise.resolve(read);
    },
    write: () => {
      written.resolve();
      return cut.promise;
    },
    close: () => cut.reject(new Deno.errors.BadResource("closed")),
  } as unknown as Deno.Conn;
  const running = new HttpConnection(conn, () =>
    new Response(
      new ReadableStream({ cancel: () => void (cancelled = true) }),
    )).run();
  await written.promise;
  await time.tickAsync(WRITE_MS);
  await running;
  assertEquals(cancelled, true);
});
