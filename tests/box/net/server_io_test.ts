// What a server's sockets must do, wherever they come from.

import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Box } from "@maple/box";
import {
  acceptAll,
  type CloseCause,
  type Conn,
  FrameSocket,
  type IoKind,
  Libc,
  type Listener,
  openIo,
  type ServerIo,
  SILENT,
} from "@maple/box/internal";
import {
  bounded,
  closeQuietly,
  joined,
  readBytes,
  readToEnd,
  writeAll,
} from "../support.ts";

const LINUX = Deno.build.os === "linux";
const KINDS: readonly IoKind[] = LINUX ? ["deno", "epoll"] : ["deno"];
const LOCAL = { what: "clients", hostname: "127.0.0.1", port: 0 };

/** A test of both. */
function overBoth(
  name: string,
  body: (io: ServerIo, kind: IoKind) => Promise<void>,
  ignored?: IoKind,
): void {
  for (const kind of KINDS) {
    Deno.test({
      name: `${name}, io ${kind}`,
      ignore: kind === ignored,
      async fn() {
        const io = openIo(kind);
        try {
          await body(io, kind);
        } finally {
          await bounded(io.close());
        }
      },
    });
  }
}

function connect(
  listener: Listener,
  hostname = "127.0.0.1",
): Promise<Deno.TcpConn> {
  return bounded(Deno.connect({ hostname, port: listener.addr.port }));
}

/** Two ends of a connection; the near one is the server's. */
async function pair(
  io: ServerIo,
  body: (near: Conn, far: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  const listener = io.listen(LOCAL);
  const [near, far] = await Promise.all([
    bounded(listener.accept()),
    connect(listener),
  ]);
  listener.close();
  try {
    await body(near, far);
  } finally {
    near.close();
    closeQuietly(far);
  }
}

/** Runs frames of a connection; `ended` gives why it was closed. */
function runFrames(
  near: Conn,
  onFrame: (frame: Uint8Array, socket: FrameSocket) => void,
): { socket: FrameSocket; ended: Promise<CloseCause> } {
  const socket = new FrameSocket(near, { framing: Box, lingerMs: 500 });
  let cause: CloseCause | undefined;
  const ended = socket.run({
    onFrame: (frame) => onFrame(frame, socket),
    onClose: (why) => cause = why,
  }).then(() => cause!);
  return { socket, ended: bounded(ended) };
}

overBoth("a listener tells its address, and those of who comes", async (io) => {
  const listener = io.listen(LOCAL);
  assertGreater(listener.addr.port, 0);
  assertEquals({ ...listener.addr }, {
    transport: "tcp",
    hostname: "127.0.0.1",
    port: listener.addr.port,
  });
  const accepted = listener.accept();
  const far = await connect(listener);
  const near = await bounded(accepted);
  assertEquals({ ...near.remoteAddr }, { ...far.localAddr });
  near.close();
  far.close();
  const refused = assertRejects(
    () => listener.accept(),
    Deno.errors.BadResource,
  );
  listener.close();
  await bounded(refused);
  await bounded(
    assertRejects(() => connect(listener), Deno.errors.ConnectionRefused),
  );
});

overBoth("a listener at :: takes IPv4 and IPv6", async (io) => {
  const listener = io.listen({ ...LOCAL, hostname: "::" });
  for (
    const [at, from] of [["127.0.0.1", "::ffff:127.0.0.1"], ["::1", "::1"]]
  ) {
    const far = await connect(listener, at);
    const near = await bounded(listener.accept());
    assertStrictEquals(near.remoteAddr.hostname, from);
    near.close();
    far.close();
  }
  listener.close();
});

overBoth("a listener takes names", (io) => {
  const listener = io.listen({ ...LOCAL, hostname: "localhost" });
  assert(["127.0.0.1", "::1"].includes(listener.addr.hostname));
  listener.close();
  const named = (hostname: string) => {
    const error = assertThrows(
      () => io.listen({ ...LOCAL, hostname, port: 29000 }),
      Error,
      `Cannot listen for clients at ${hostname}:29000: `,
    );
    assertStrictEquals(error.message.includes("\n"), false);
  };
  named("nobody.invalid");
  return Promise.resolve();
});

Deno.test("what keeps a listener from opening is said in the same words", async () => {
  const ios = KINDS.map(openIo);
  const taken = openIo("deno").listen(LOCAL);
  for (
    const at of [
      { ...LOCAL, port: taken.addr.port },
      { ...LOCAL, hostname: "2001:db8::1", port: 29000 },
      { ...LOCAL, hostname: "1.2.3.4", port: 29000 },
    ]
  ) {
    const errors = ios.map((io) => assertThrows(() => io.listen(at), Error));
    assertEquals(new Set(errors.map(({ message }) => message)).size, 1);
    const causes = errors.map(({ cause }) => (cause as Error).constructor);
    assertEquals(new Set(causes).size, 1);
  }
  taken.close();
  for (const io of ios) await io.close();
});

overBoth(
  "a listener's connections come with what was asked for",
  async (io) => {
    if (!LINUX) return;
    const listener = io.listen(LOCAL, { keepAlive: 24 });
    const far = await connect(listener);
    const near = await bounded(listener.accept());
    const hex = (port: number) =>
      port.toString(16).toUpperCase().padStart(4, "0");
    const ends = [listener.addr.port, far.localAddr.port].map(hex);
    const line = Deno.readTextFileSync("/proc/net/tcp").split("\n")
      .map((one) => one.trim().split(/\s+/))
      .find(([, from, to]) =>
        from?.endsWith(`:${ends[0]}`) && to?.endsWith(`:${ends[1]}`)
      );
    const [kind, ticks] = line![5]!.split(":");
    assertStrictEquals(kind, "02", "the system looks after a quiet connection");
    assert(parseInt(ticks!, 16) <= 1200, ticks);
    near.close();
    far.close();
    listener.close();
  },
);

overBoth(
  "acceptAll() lets in whoever comes, hundreds at the same moment",
  async (io) => {
    const listener = io.listen(LOCAL);
    const conns: Conn[] = [];
    let full = () => {};
    const all = new Promise<void>((resolve) => full = resolve);
    const accepting = acceptAll(listener, SILENT, (conn) => {
      if (conns.push(conn) === 300) full();
    });
    const far = await Promise.all(
      Array.from({ length: 300 }, () => connect(listener)),
    );
    await bounded(all);
    listener.close();
    await bounded(accepting);
    for (const conn of conns) conn.close();
    for (const conn of far) conn.close();
  },
  // It takes no backlog there, and whom there is no room for tries again after a second and more.
  Deno.version.deno.startsWith("2.4.") ? "deno" : undefined,
);

overBoth(
  "acceptAll() that waits lets the next one in afterwards",
  async (io) => {
    const listener = io.listen(LOCAL);
    const gate = Promise.withResolvers<void>();
    const conns: Conn[] = [];
    const accepting = acceptAll(listener, SILENT, (conn) => {
      conns.push(conn);
      return gate.promise;
    });
    const far = [await connect(listener), await connect(listener)];
    while (conns.length === 0) await new Promise((go) => setTimeout(go, 1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertStrictEquals(conns.length, 1);
    gate.resolve();
    while (conns.length < 2) await new Promise((go) => setTimeout(go, 1));
    listener.close();
    await bounded(accepting);
    for (const conn of [...conns, ...far]) conn.close();
  },
);

overBoth(
  "frames go both ways, however large",
  (io) =>
    pair(io, async (near, far) => {
      const { socket, ended } = runFrames(
        near,
        (frame, socket) => void socket.send(frame),
      );
      const frames = [1, 100, 5000, 300_000, 3_000_000, 10].map((length, i) =>
        new Box({ cmd: i, body: new Uint8Array(length).fill(i) }).pack()
      );
      const sent = joined(frames);
      const [, got] = await Promise.all([
        writeAll(far, sent),
        readBytes(far, sent.length),
      ]);
      assertEquals(got.length, sent.length);
      assert(got.every((byte, i) => byte === sent[i]));
      far.close();
      assertStrictEquals((await ended).kind, "peer");
      assertStrictEquals(socket.closed, true);
    }),
);

overBoth(
  "a side that has ended its sending gets its answer",
  (io) =>
    pair(io, async (near, far) => {
      const { ended } = runFrames(near, (frame, socket) => {
        socket.send(frame);
      });
      const frame = new Box({ cmd: 1, body: "last words" }).pack();
      await writeAll(far, frame);
      await far.closeWrite();
      assertEquals(await readToEnd(far), frame);
      assertStrictEquals((await ended).kind, "peer");
    }),
);

overBoth(
  "a connection that is closed in order sends all before its end",
  (io) =>
    pair(io, async (near, far) => {
      const big = new Box({ cmd: 1, body: new Uint8Array(4_000_000) }).pack();
      const { socket, ended } = runFrames(near, () => {});
      socket.send(big);
      socket.close({ kind: "local", message: "enough" });
      // It has sent something that nobody reads any more: the end must be no reset.
      await writeAll(far, new Uint8Array([1]));
      assertStrictEquals((await readToEnd(far)).length, big.length);
      far.close();
      assertEquals((await ended).message, "enough");
    }),
);

overBoth("a connection whose other side is reset is broken", async (io) => {
  if (!LINUX) return;
  using libc = Libc.open();
  const listener = io.listen(LOCAL);
  const far = libc.connectLoopback(listener.addr.port);
  const near = await bounded(listener.accept());
  listener.close();
  const { socket, ended } = runFrames(near, () => {});
  socket.send(new Box({ cmd: 1, body: "unread" }).pack());
  await bounded(socket.drained());
  // That bytes have come and were not read makes a reset of its end.
  libc.close(far);
  const { kind, message } = await ended;
  assertStrictEquals(kind, "peer");
  assert(message.includes("reset by peer (os error 104)"), message);
});

overBoth(
  "a side that does not read holds only itself up",
  (io) =>
    pair(io, async (near, far) => {
      const { socket, ended } = runFrames(near, () => {});
      const frame = new Box({ cmd: 1, body: new Uint8Array(1_000_000) }).pack();
      for (let i = 0; i < 12; i++) assert(socket.send(frame));
      await new Promise((resolve) => setTimeout(resolve, 50));
      assertGreater(socket.pendingBytes, 0);
      const got = await readBytes(far, frame.length * 12);
      assertStrictEquals(got.length, frame.length * 12);
      await bounded(socket.drained());
      socket.destroy();
      await ended;
    }),
);

overBoth(
  "a paused connection is not read from, and loses nothing",
  (io) =>
    pair(io, async (near, far) => {
      const got: Uint8Array[] = [];
      let all = () => {};
      const done = new Promise<void>((resolve) => all = resolve);
      const { socket, ended } = runFrames(near, (frame, socket) => {
        if (got.push(frame.slice()) === 1) socket.pause();
        if (got.length === 2000) all();
      });
      const frame = new Box({ cmd: 1, body: new Uint8Array(1000) }).pack();
      const writing = writeAll(far, joined(Array(2000).fill(frame)));
      await new Promise((resolve) => setTimeout(resolve, 50));
      assertStrictEquals(got.length, 1);
      socket.resume();
      await bounded(done);
      await bounded(writing);
      assert(got.every((one) => one.length === frame.length));
      socket.destroy();
      await ended;
    }),
);

overBoth(
  "a connection may be closed at any moment, by either side",
  async (io) => {
    const listener = io.listen(LOCAL);
    const running: Promise<unknown>[] = [];
    let opened = 0;
    const accepting = acceptAll(listener, SILENT, (conn) => {
      opened++;
      const mine = opened;
      running.push(
        runFrames(conn, (frame, socket) => {
          socket.send(frame);
          if (mine % 3 === 0) socket.destroy();
          if (mine % 7 === 0) socket.close();
        }).ended,
      );
    });
    const frame = new Box({ cmd: 1, body: new Uint8Array(100) }).pack();
    const clients = Array.from({ length: 20 }, async (_, client) => {
      for (let i = 0; i < 15; i++) {
        const far = await connect(listener);
        try {
          await writeAll(far, joined(Array(1 + i % 4).fill(frame)));
          if ((client + i) % 2 === 0) await far.read(new Uint8Array(64));
        } catch {
          // It was closed by the server.
        }
        closeQuietly(far);
      }
    });
    await bounded(Promise.all(clients));
    while (opened < 300) await new Promise((go) => setTimeout(go, 1));
    listener.close();
    await bounded(accepting);
    await bounded(Promise.all(running));
    assertStrictEquals(running.length, 300);
  },
);

Deno.test("openIo() says that epoll needs --allow-ffi", {
  ignore: !LINUX,
  permissions: { ffi: false },
}, () => {
  assertThrows(
    () => openIo("epoll"),
    Error,
    "Cannot use io epoll: it needs --allow-ffi, to call the system's library",
  );
});

Deno.test("openIo() says that epoll needs Linux", { ignore: LINUX }, () => {
  assertThrows(() => openIo("epoll"), Error, "it needs Linux");
});

Deno.test(
  "servers of one thread share a loop, which ends with the last of them",
  {
    ignore: !LINUX,
  },
  async () => {
    const one = openIo("epoll");
    const two = openIo("epoll");
    await bounded(one.close());
    await bounded(one.close());
    const listener = two.listen(LOCAL);
    const far = await connect(listener);
    (await bounded(listener.accept())).close();
    listener.close();
    far.close();
    await bounded(two.close());
  },
);

Deno.test("a shared port is shared without a flag of Deno's", {
  ignore: !LINUX,
}, async () => {
  const io = openIo("epoll");
  const one = io.listen(LOCAL, { reusePort: true });
  const two = io.listen({ ...LOCAL, port: one.addr.port }, { reusePort: true });
  assertStrictEquals(two.addr.port, one.addr.port);
  one.close();
  two.close();
  await bounded(io.close());
});
