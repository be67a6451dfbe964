import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { keepAlive, listenTcp } from "@maple/box/internal";
import { bounded } from "../support.ts";

const ELSEWHERE = Deno.build.os !== "linux";

/** The port as /proc/net/tcp has it. */
function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/**
 * The timer that the system runs for a connection: its kind, where 2 looks after a quiet
 * connection, and in how many seconds it is due.
 */
function timerOf(conn: Deno.TcpConn): { kind: number; seconds: number } {
  const local = `:${hex(conn.localAddr.port)}`;
  const remote = `:${hex(conn.remoteAddr.port)}`;
  for (const line of Deno.readTextFileSync("/proc/net/tcp").split("\n")) {
    const [, from, to, , , timer] = line.trim().split(/\s+/);
    if (!from?.endsWith(local) || !to?.endsWith(remote)) continue;
    const [kind, ticks] = timer!.split(":");
    return { kind: parseInt(kind!, 16), seconds: parseInt(ticks!, 16) / 100 };
  }
  throw new Error("the system does not know the connection");
}

async function accepted(listener: Deno.TcpListener): Promise<
  Disposable & {
    conn: Deno.TcpConn;
  }
> {
  const [conn, far] = await bounded(Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
  ]));
  return {
    conn,
    [Symbol.dispose]() {
      conn.close();
      far.close();
    },
  };
}

Deno.test({
  name: "keepAlive() has the system look after accepted connections in time",
  ignore: ELSEWHERE,
  async fn() {
    using listener = listenTcp("clients", "127.0.0.1", 0);
    using other = listenTcp("others", "127.0.0.1", 0);
    assert(keepAlive(listener.addr.port, 120));
    using near = await accepted(listener);
    const { kind, seconds } = timerOf(near.conn);
    assertStrictEquals(kind, 2);
    assert(seconds > 20 && seconds <= 60, `${seconds}`);
    // Deno's own switch leaves the time as it is.
    near.conn.setKeepAlive(true);
    assert(timerOf(near.conn).seconds <= 60);
    using elsewhere = await accepted(other);
    assertEquals(timerOf(elsewhere.conn).kind, 0);
  },
});

Deno.test("listenTcp() asks for it where it is told to", {
  ignore: ELSEWHERE,
}, async () => {
  using listener = listenTcp("clients", "127.0.0.1", 0, { keepAlive: 24 });
  using near = await accepted(listener);
  const { kind, seconds } = timerOf(near.conn);
  assertStrictEquals(kind, 2);
  assert(seconds <= 12, `${seconds}`);
});

Deno.test("keepAlive() says that it cannot where nobody listens, or with 0", () => {
  const listener = listenTcp("clients", "127.0.0.1", 0);
  const { port } = listener.addr;
  assertStrictEquals(keepAlive(port, 0), false);
  listener.close();
  assertStrictEquals(keepAlive(port, 120), false);
});
