import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  acceptAll,
  formatAddress,
  listenTcp,
  type Logger,
  SILENT,
} from "@maple/box/internal";
import { FakeTime } from "@std/testing/time";
import { bounded, closeQuietly, fakeListener } from "../support.ts";

Deno.test("listenTcp() opens any free port for 0", () => {
  using listener = listenTcp("clients", "127.0.0.1", 0);
  assertEquals(listener.addr.hostname, "127.0.0.1");
  assertEquals(listener.addr.port > 0, true);
});

Deno.test({
  name: "listenTcp() lets the system hold as many connections as backlog says",
  // It does not take it.
  ignore: Deno.version.deno.startsWith("2.4."),
  async fn() {
    using listener = listenTcp("clients", "127.0.0.1", 0, { backlog: 1 });
    const { hostname, port } = listener.addr;
    const held: Deno.TcpConn[] = [];
    let refused = false;
    while (!refused && held.length < 10) {
      const attempt = new AbortController();
      const { signal } = attempt;
      const timer = setTimeout(() => attempt.abort(), 200);
      await Deno.connect({ hostname, port, signal })
        .then((conn) => held.push(conn), () => refused = true);
      clearTimeout(timer);
    }
    held.forEach(closeQuietly);
    assertEquals(refused, true);
  },
});

Deno.test("listenTcp() says that a port is in use", () => {
  using first = listenTcp("clients", "127.0.0.1", 0);
  const { port } = first.addr;
  const error = assertThrows(
    () => listenTcp("workers", "127.0.0.1", port),
    Error,
    `Cannot listen for workers at 127.0.0.1:${port}: the address is in use; ` +
      "stop the other program or choose another port",
  );
  assertInstanceOf(error.cause, Deno.errors.AddrInUse);
});

Deno.test("listenTcp() says what else is wrong", () => {
  // An address of the documentation, which no machine has.
  const error = assertThrows(
    () => listenTcp("clients", "2001:db8::1", 29000),
    Error,
    "Cannot listen for clients at [2001:db8::1]:29000: ",
  );
  assertEquals(error.message.includes("\n"), false);
});

Deno.test("acceptAll() gives out connections until the listener is closed", async () => {
  const listener = listenTcp("clients", "127.0.0.1", 0);
  const { port } = listener.addr;
  const accepted: Deno.TcpConn[] = [];
  const third = Promise.withResolvers<void>();
  const accepting = acceptAll(listener, SILENT, (conn) => {
    if (accepted.push(conn) === 3) third.resolve();
  });
  const conns = await Promise.all(
    [1, 2, 3].map(() => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  await bounded(third.promise);
  listener.close();
  await bounded(accepting);
  assertEquals(
    new Set(accepted.map((conn) => conn.remoteAddr.port)),
    new Set(conns.map((conn) => conn.localAddr.port)),
  );
  [...conns, ...accepted].forEach(closeQuietly);
});

Deno.test("acceptAll() takes the next connection when the promise for the one before is done", async () => {
  const one = {} as Deno.TcpConn;
  const two = {} as Deno.TcpConn;
  const queue = [one, two];
  const got: Deno.TcpConn[] = [];
  const room = Promise.withResolvers<void>();
  const accepting = acceptAll(
    fakeListener(() => {
      const conn = queue.shift();
      return conn
        ? Promise.resolve(conn)
        : Promise.reject(new Deno.errors.BadResource());
    }),
    SILENT,
    (conn) => {
      got.push(conn);
      return conn === one ? room.promise : undefined;
    },
  );
  await Promise.resolve();
  await Promise.resolve();
  assertEquals([got.length, queue.length], [1, 1]);
  room.resolve();
  await bounded(accepting);
  assertEquals(got.length, 2);
});

Deno.test("acceptAll() logs a failed accept and goes on after a pause", async () => {
  using time = new FakeTime();
  const errors: string[] = [];
  const logger: Logger = { ...SILENT, error: (line) => errors.push(line) };
  const conn = {} as Deno.TcpConn;
  const answers = [
    () => Promise.reject(new Error("Too many open files (os error 24)")),
    () => Promise.resolve(conn),
    () => Promise.reject(new Deno.errors.Interrupted()),
  ];
  const got: Deno.TcpConn[] = [];
  const accepting = acceptAll(
    fakeListener(() => answers.shift()!()),
    logger,
    (one) => void got.push(one),
  );
  await time.runMicrotasks();
  assertEquals([errors.length, got.length, answers.length], [1, 0, 2]);
  assertEquals(errors, [
    "cannot accept a connection: Too many open files (os error 24)",
  ]);
  await time.tickAsync(100);
  await accepting;
  assertEquals(got, [conn]);
});

Deno.test("acceptAll() goes on at once, without a word, when a connection is gone before it is accepted", async () => {
  const errors: string[] = [];
  const logger: Logger = { ...SILENT, error: (line) => errors.push(line) };
  const conn = {} as Deno.TcpConn;
  const answers = [
    new Deno.errors.NotConnected("Transport endpoint is not connected"),
    new Deno.errors.ConnectionAborted("Software caused connection abort"),
    new Deno.errors.ConnectionReset("Connection reset by peer"),
    conn,
    new Deno.errors.BadResource(),
  ];
  const got: Deno.TcpConn[] = [];
  await bounded(acceptAll(
    fakeListener(async () => {
      const answer = await Promise.resolve(answers.shift()!);
      if (answer instanceof Error) throw answer;
      return answer;
    }),
    logger,
    (one) => void got.push(one),
  ));
  assertEquals([got, errors], [[conn], []]);
});

Deno.test("formatAddress() writes IPv4 and IPv6", () => {
  const tcp = (hostname: string, port: number): Deno.NetAddr => ({
    transport: "tcp",
    hostname,
    port,
  });
  assertEquals(formatAddress(tcp("127.0.0.1", 28000)), "127.0.0.1:28000");
  assertEquals(formatAddress(tcp("::1", 80)), "[::1]:80");
  assertEquals(formatAddress(tcp("localhost", 80)), "localhost:80");
  assertEquals(
    formatAddress({ transport: "unix", path: "/run/maple.sock" }),
    "unknown",
  );
});

Deno.test("acceptAll() goes on when a connection cannot be taken", async () => {
  const log: string[] = [];
  const listener = listenTcp("clients", "127.0.0.1", 0);
  let taken = 0;
  const accepting = acceptAll(
    listener,
    { ...SILENT, error: (message) => void log.push(message) },
    (conn) => {
      if (++taken === 1) throw new Error("it is gone");
      conn.close();
    },
  );
  for (let i = 0; i < 2; i++) {
    const { hostname, port } = listener.addr;
    using conn = await Deno.connect({ hostname, port });
    // Closed by the other side both times.
    await conn.read(new Uint8Array(1)).catch(() => null);
  }
  listener.close();
  await accepting;
  assertEquals([taken, log], [2, ["cannot take a connection: it is gone"]]);
});
