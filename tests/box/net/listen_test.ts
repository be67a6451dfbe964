import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  acceptAll,
  formatAddress,
  listenTcp,
  type Logger,
  maySharePorts,
  SHARING_FLAG,
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

Deno.test({
  name:
    "listenTcp() shares a port only where Deno may, and says so in one line",
  ignore: maySharePorts(),
  fn() {
    const error = assertThrows(
      () => listenTcp("clients", "127.0.0.1", 0, { reusePort: true }),
      Error,
    );
    assertEquals(
      (error as Error).message,
      `Cannot listen for clients at 127.0.0.1:0: Deno was started without ${SHARING_FLAG}, which sharing a port needs`,
    );
  },
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

/** An error as the system gives it. */
function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

Deno.test("acceptAll() pauses where descriptors have run out, and says so once a minute", async () => {
  using time = new FakeTime();
  const errors: string[] = [];
  const logger: Logger = { ...SILENT, error: (line) => errors.push(line) };
  let accepts = 0;
  let closed = false;
  const accepting = acceptAll(
    fakeListener(() => {
      accepts++;
      return Promise.reject(
        closed
          ? new Deno.errors.Interrupted()
          : systemError("EMFILE", "Too many open files (os error 24)"),
      );
    }),
    logger,
    () => {},
  );
  await time.runMicrotasks();
  assertEquals(accepts, 1);
  for (let i = 0; i < 599; i++) await time.tickAsync(100);
  assertEquals(accepts, 600);
  assertEquals(errors, [
    "cannot accept a connection: Too many open files (os error 24)",
  ]);
  await time.tickAsync(100);
  await time.runMicrotasks();
  assertEquals(
    errors[1],
    "cannot accept a connection: Too many open files (os error 24) (and 599 times since the last such line)",
  );
  closed = true;
  await time.tickAsync(100);
  await accepting;
});

Deno.test("acceptAll() goes on at once, without a word, when a connection is gone before it is accepted", async () => {
  const errors: string[] = [];
  const logger: Logger = { ...SILENT, error: (line) => errors.push(line) };
  const conn = {} as Deno.TcpConn;
  const answers = [
    systemError("ENOTCONN", "Transport endpoint is not connected"),
    systemError("ECONNABORTED", "Software caused connection abort"),
    systemError("ECONNRESET", "Connection reset by peer"),
    conn,
    new Deno.errors.BadResource(),
  ];
  const got: Deno.TcpConn[] = [];
  // No timer is needed for it: it would not run.
  using _time = new FakeTime();
  await acceptAll(
    fakeListener(async () => {
      const answer = await Promise.resolve(answers.shift()!);
      if (answer instanceof Error) throw answer;
      return answer;
    }),
    logger,
    (one) => void got.push(one),
  );
  assertEquals([got, errors], [[conn], []]);
});

Deno.test("acceptAll() pauses after a hundred failures in a row, whatever they are", async () => {
  using time = new FakeTime();
  const errors: string[] = [];
  const logger: Logger = { ...SILENT, error: (line) => errors.push(line) };
  let accepts = 0;
  const accepting = acceptAll(
    fakeListener(() =>
      Promise.reject(
        ++accepts <= 150
          ? systemError("EPERM", "Operation not permitted")
          : new Deno.errors.Interrupted(),
      )
    ),
    logger,
    () => {},
  );
  await time.runMicrotasks();
  assertEquals(accepts, 100);
  await time.tickAsync(100);
  await accepting;
  assertEquals(errors, ["cannot accept a connection: Operation not permitted"]);
});

Deno.test("acceptAll() passes over a connection that is gone when it is looked at, without a word", async () => {
  const log: string[] = [];
  const say = (line: string) => void log.push(line);
  const listener = listenTcp("clients", "127.0.0.1", 0);
  const { hostname, port } = listener.addr;
  const accepting = acceptAll(
    listener,
    { ...SILENT, error: say, warn: say, info: say },
    (conn) => {
      conn.close();
      throw systemError("EINVAL", "Invalid argument (os error 22)");
    },
  );
  using conn = await Deno.connect({ hostname, port });
  await bounded(conn.read(new Uint8Array(1)).catch(() => null));
  listener.close();
  await bounded(accepting);
  assertEquals(log, []);
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
