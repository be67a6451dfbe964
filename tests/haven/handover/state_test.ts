// A haven server in which as much as possible is under way, and the process that takes its place:
// what that one would hand over in turn is the same, field by field.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Box, type BoxFields } from "@maple/box";
import {
  lineOf,
  openIo,
  Passing,
  RecordReader,
  RecordWriter,
  type ServerIo,
  SILENT,
} from "@maple/box/internal";
import { AppCore } from "../../../haven/app_core.ts";
import { Handover } from "../../../haven/handover/handover.ts";
import { LAYOUTS, type StateHeader } from "../../../haven/handover/format.ts";
import type { HavenRequest } from "../../../haven/haven_request.ts";
import type { HavenListenOptions } from "../../../haven/options.ts";
import { resolveRun } from "../../../haven/resolve_options.ts";
import { Server } from "../../../haven/server.ts";
import { serverApp } from "../../../haven/server_app.ts";
import { eventually } from "../../helpers/eventually.ts";
import { mangled } from "../../helpers/mangled.ts";
import { Random } from "../../helpers/random.ts";
import { RawPeer } from "../../helpers/raw_peer.ts";
import { clientFrame, handshake } from "../../helpers/web_socket_stream.ts";

type Request = HavenRequest<BoxFields, object, Record<string, unknown>>;

const OPTIONS: HavenListenOptions = {
  ...{ port: 0, websocketPort: 0, heartbeatCmd: 77, moveCmd: 78 },
  ...{ clientRate: 20, timeout: 600, connsPerAddress: 100, connQueueMax: 4 },
};

/** A server with its handover, and what it has of the system. */
class Part implements AsyncDisposable {
  readonly io: ServerIo = openIo("epoll");
  readonly core = new AppCore<Request>("haven", { logger: SILENT });
  readonly server: Server<BoxFields, Record<string, unknown>>;
  readonly handover: Handover<BoxFields, Record<string, unknown>>;

  constructor(options: HavenListenOptions = OPTIONS, isFirst = true) {
    const { core } = this;
    const app = serverApp<BoxFields, object, Record<string, unknown>>(
      Box,
      core,
      {
        createConn: core.hookList("createConn"),
        closeConn: core.hookList("closeConn"),
      },
    );
    const expected = (["tcp", "ws"] as const).map((name) => ({
      name,
      host: "127.0.0.1",
      port: 1,
    }));
    this.server = new Server(
      app,
      resolveRun(options),
      this.io,
      isFirst ? [] : expected,
    );
    this.handover = new Handover({
      app,
      timers: core.timers,
      giveKept: () => undefined,
      takeKept: () => undefined,
      place: { from: undefined, leaveNote() {}, gaveAll() {} },
      timeoutMs: 5000,
    });
  }

  /** What it would hand over. */
  capture(): { bytes: Uint8Array<ArrayBuffer>; descriptors: number[] } {
    using passing = Passing.open();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const descriptors: number[] = [];
    this.handover.write({
      bytes: (bytes) => parts.push(bytes.slice()),
      descriptors: (given) =>
        descriptors.push(...given.map((one) => passing.copyOf(one))),
    }, this.server);
    const bytes = new Uint8Array(parts.flatMap((part) => [...part]));
    return { bytes, descriptors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.handover.close();
    for (const session of this.server.all()) session.socket.destroy();
    await this.server.close();
  }
}

/** All of a state, as far as it must be the same. */
function told(bytes: Uint8Array, shift: number, listeners: number) {
  const end = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const header: StateHeader = JSON.parse(
    new TextDecoder().decode(bytes.subarray(4, end)),
  );
  const reader = new RecordReader(header.layouts, -shift);
  reader.push(bytes.subarray(end));
  const records: unknown[] = [];
  for (let record; (record = reader.next());) {
    const { kind, values } = record;
    // A handshake is gone on with when all begins.
    if (kind === "handshake") continue;
    records.push([
      kind,
      ...header.layouts[kind]!.map(([name, how]) => {
        const value = values[name];
        if (value instanceof Uint8Array) return [name, [...value].join()];
        if (name === "descriptor") return [name, Number(value) - listeners];
        if (how === "time") return [name, Math.round(Number(value))];
        return [name, value];
      }),
    ]);
  }
  assert(reader.isEmpty);
  const { parts, needs, boxFields, layouts } = header;
  const known = parts.limits.known.map((one) => ({
    ...one,
    levelAt: Math.round(one.levelAt - shift),
    // Counted anew as they are let in.
    conns: null,
  }));
  return {
    ...{ needs, boxFields, layouts, records },
    parts: { ...parts, limits: { ...parts.limits, known } },
  };
}

/** Clients with all that can be under way. */
async function fill(
  { server, core }: Part,
  stack: AsyncDisposableStack,
): Promise<void> {
  core.pipeline.users = server.users;
  core.pipeline.router.add(1, (request) => {
    request.loginClient(2n ** 60n, 5);
    request.joinGroup("b", "a", "ü");
    Object.assign(request.conn.state, {
      ...{ text: "kept", at: new Date(7), bytes: new Uint8Array([1, 2]) },
      ...{ map: new Map([[1, new Set([2n])]]) },
    });
    return { ret: 0 };
  });
  core.pipeline.router.add(2, () => ({ body: "x".repeat(4000) }));
  const connect = async (port: number) =>
    stack.use(
      new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }), Box),
    );
  const tcp = server.addr!.port;
  const ws = server.websocketAddr!.port;
  const until = (what: () => boolean) => eventually(what);
  const user = await connect(tcp);
  await user.sendBytes(new Box({ cmd: 1, sn: 1 }).pack());
  await user.sendBytes(new Box({ cmd: 78 }).pack());
  assert(await user.nextFrame());
  // Half of a frame, and none of one.
  const half = await connect(tcp);
  await half.sendBytes(new Box({ cmd: 9, body: "half" }).pack().slice(0, 22));
  await connect(tcp);
  // More than it may send, and a WebSocket in the middle of a message that is masked.
  const fast = await connect(tcp);
  for (let sn = 1; sn <= 60; sn++) {
    await fast.sendBytes(new Box({ cmd: 77, sn }).pack());
  }
  await until(() => server.stats().slowed === 1);
  const socket = await connect(ws);
  await socket.sendBytes(new TextEncoder().encode(handshake()));
  const entering = await connect(ws);
  await entering.sendBytes(new TextEncoder().encode(handshake().slice(0, 40)));
  await until(() => server.stats().connections === 5);
  const message = clientFrame(2, new Box({ cmd: 9, body: "in parts" }).pack());
  await socket.sendBytes(message.slice(0, 17));
  // One that does not read what it has asked for.
  const stuck = await connect(tcp);
  await stuck.sendBytes(new Box({ cmd: 2 }).pack());
  await until(() => server.stats().requests === 2);
  // Nothing begins any more: requests wait.
  server.hold();
  const waiting = await connect(tcp);
  for (let sn = 1; sn <= 7; sn++) {
    await waiting.sendBytes(new Box({ cmd: 2, sn }).pack());
  }
  await until(() =>
    [...server.all()].some(({ pendingRequests }) => pendingRequests > 4)
  );
  await eventually(() => server.parts.entrance.size === 1);
}

Deno.test({
  name:
    "a haven server that has taken the place of another holds the same, field by field, however it comes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using stack = new AsyncDisposableStack();
    await using first = new Part();
    first.server.start();
    await fill(first, stack);
    using passing = Passing.open();
    const before = first.capture();
    const expected = told(before.bytes, 0, 2);
    const kinds = new Set(expected.records.map((one) => (one as string[])[0]));
    assertEquals([...kinds].sort(), ["app", "client", "request", "socket"]);
    for (const step of [Infinity, 1, 1000]) {
      await using second = new Part({ ...OPTIONS }, false);
      const { server, handover, io } = second;
      const reader = handover.reader(server, io.descriptors!);
      reader.descriptors(before.descriptors.map((one) => passing.copyOf(one)));
      for (let at = 0; at < before.bytes.length; at += step) {
        reader.bytes(before.bytes.subarray(at, at + step));
      }
      reader.end();
      for (const one of reader.listeners) passing.close(one);
      assertEquals(reader.clients, 7);
      const after = second.capture();
      const { now } = headerOf(before.bytes);
      const shift = headerOf(after.bytes).now - now;
      // What the reader has added is not quite that: some time has gone by since.
      const drift = levelAtOf(after.bytes) - levelAtOf(before.bytes);
      assert(drift <= shift && shift - drift < 10_000, `${drift} of ${shift}`);
      assertEquals(told(after.bytes, drift, 0), expected);
      for (const one of after.descriptors) passing.close(one);
      // Nothing of it is its own in this test: they go on at the first one.
      for (const session of server.all()) {
        const piece = session.socket.give?.();
        piece?.socket.release();
      }
      server.letGo([...server.all()]);
      reader.release();
    }
    // And what is not whole is not taken.
    await using third = new Part({ ...OPTIONS }, false);
    const reader = third.handover.reader(third.server, third.io.descriptors!);
    reader.descriptors(before.descriptors);
    reader.bytes(before.bytes.subarray(0, before.bytes.length - 1));
    assertThrows(() => reader.end(), Error, "the last record is cut off");
    for (const one of reader.listeners) passing.close(one);
    reader.release();
    third.server.letGo([...third.server.all()]);
    first.server.goOn();
  },
});

Deno.test({
  name: "a haven server takes no state for which its limits are too low",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using stack = new AsyncDisposableStack();
    await using first = new Part();
    first.server.start();
    await fill(first, stack);
    const { bytes, descriptors } = first.capture();
    using passing = Passing.open();
    for (const one of descriptors) passing.close(one);
    const cases: [HavenListenOptions, string][] = [
      [{ connsMax: 6 }, "there are 7 clients, and connsMax is 6"],
      [{ groupsMax: 2 }, "there are 3 groups, and groupsMax is 2"],
      [
        { groupsPerClient: 2 },
        "there are 3 groups of one client, and groupsPerClient is 2",
      ],
    ];
    for (const [limits, why] of cases) {
      await using second = new Part({ ...OPTIONS, ...limits }, false);
      const { server, handover, io } = second;
      const reader = handover.reader(server, io.descriptors!);
      assertThrows(() => reader.bytes(bytes), Error, why);
    }
    first.server.goOn();
  },
});

Deno.test({
  name:
    "a haven server refuses a changed state in one line, and closes no descriptor of it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using stack = new AsyncDisposableStack();
    await using first = new Part();
    first.server.start();
    await fill(first, stack);
    const state = first.capture();
    using passing = Passing.open();
    const seed = Number(Deno.env.get("MAPLE_TEST_SEED") ?? Date.now());
    const random = new Random(seed);
    const end = performance.now() + 3000;
    let refused = 0;
    while (performance.now() < end) {
      const { bytes, descriptors } = mangled(state, random);
      await using second = new Part({ ...OPTIONS }, false);
      const { server, handover, io } = second;
      const reader = handover.reader(server, io.descriptors!);
      try {
        reader.descriptors(descriptors);
        reader.bytes(bytes);
        reader.end();
      } catch (error) {
        refused++;
        const why = lineOf(error);
        assert(/^\P{Cc}{1,400}$/u.test(why), `MAPLE_TEST_SEED=${seed}: ${why}`);
      }
      reader.release();
      server.letGo([...server.all()]);
    }
    assert(refused > 0);
    for (const one of state.descriptors) {
      assert(passing.isOpen(one), `MAPLE_TEST_SEED=${seed}`);
      passing.close(one);
    }
    first.server.goOn();
  },
});

Deno.test({
  name: "a haven server refuses a request that is of no client",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using part = new Part({ ...OPTIONS }, false);
    const { server, handover, io } = part;
    const records = new RecordWriter(LAYOUTS);
    records.write("request", { frame: new Uint8Array([1]) });
    await using first = new Part();
    first.server.start();
    const { bytes, descriptors } = first.capture();
    const reader = handover.reader(server, io.descriptors!);
    reader.descriptors(descriptors);
    const header = bytes.slice(
      0,
      4 + new DataView(bytes.buffer).getUint32(0, true),
    );
    reader.bytes(header);
    assertThrows(
      () => reader.bytes(records.bytes),
      Error,
      "a request is of nobody",
    );
    reader.release();
    using passing = Passing.open();
    for (const one of descriptors) passing.close(one);
  },
});

function headerOf(bytes: Uint8Array): StateHeader {
  const end = 4 + new DataView(bytes.buffer).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(4, end)));
}

function levelAtOf(bytes: Uint8Array): number {
  return headerOf(bytes).parts.limits.known[0]!.levelAt;
}
