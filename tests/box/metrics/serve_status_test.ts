import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  parseStatusAddress,
  serveStatus,
  type StatusRoute,
  type StatusServer,
  statusUrl,
} from "@maple/box/internal";
import { bounded } from "../support.ts";

/** A status server on a free port, closed at the end of the test. */
function startServer(
  routes: Record<string, StatusRoute>,
): StatusServer & AsyncDisposable & { url: string } {
  const server = serveStatus("0", routes);
  return {
    ...server,
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
      "Error: no figures\n",
    ]);
  }
  assertEquals(await status(`${server.url}fine`), 200);
});

Deno.test("serveStatus() says that a port is in use", async () => {
  await using first = startServer({});
  const { port } = first.addr;
  const error = assertThrows(
    () => serveStatus(`127.0.0.1:${port}`, {}),
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
  });
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
