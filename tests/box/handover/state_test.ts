// A state on its way from one process to another, whatever it is of.

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  DescriptorChannel,
  type Layout,
  layoutOf,
  Message,
  openIo,
  Passing,
  SOCKET_FIELDS,
  type SocketPiece,
  type StateHead,
  StateInput,
  StateOutput,
  Taking,
} from "@maple/box/internal";
import { eventually } from "../../helpers/eventually.ts";

const ignore = Deno.build.os !== "linux";
const LAYOUTS: Readonly<Record<"socket" | "client" | "filler", Layout>> = {
  socket: layoutOf(SOCKET_FIELDS, { descriptor: "int" }),
  client: [["name", "text"]],
  filler: [["bytes", "bytes"]],
};
const AT = { hostname: "10.0.0.1", port: 7 };

function piece(no: number): Omit<SocketPiece, "socket"> {
  return {
    ...AT,
    unread: new Uint8Array([no, 1]),
    read: new Uint8Array([no, 2]),
    unsent: new Uint8Array([no, 3]),
    hasSent: true,
    paused: no % 2 === 0,
    stalledSteps: no,
    webSocket: undefined,
  };
}

Deno.test({
  name:
    "StateInput reads what StateOutput writes, and keeps a socket's bytes until its client comes",
  ignore,
  async fn() {
    const io = openIo("epoll");
    using passing = Passing.open();
    const bytes: Uint8Array[] = [];
    const descriptors: number[] = [];
    const output = new StateOutput(LAYOUTS, [], {
      bytes: (some) => bytes.push(some.slice()),
      descriptors: (some) => descriptors.push(...some),
    });
    output.header({ layouts: LAYOUTS, listeners: [], told: "all" });
    const COUNT = 40;
    for (let no = 1; no <= COUNT; no++) {
      const [near, far] = passing.pair();
      passing.close(far);
      const socket = io.descriptors!.connection(near, {
        transport: "tcp",
        ...AT,
      });
      output.write("socket", piece(no), output.descriptorOf(socket));
      // Each client comes in a piece of its own, behind much else.
      output.flush();
      output.write("filler", { bytes: new Uint8Array(20_000).fill(255) }, {});
      output.flush();
      output.write("client", { name: `client ${no}` }, {});
    }
    output.flush();
    const copies = descriptors.map((one) => passing.copyOf(one));
    for (const socket of output.sockets) socket.release();

    let no = 0;
    const input: StateInput<StateHead & { told: string }> = new StateInput({
      io: io.descriptors!,
      onHeader: ({ told }) => {
        assertEquals(told, "all");
        return 0;
      },
      onRecord: ({ kind, values }) => {
        if (kind === "filler") return;
        if (kind === "socket") return input.keepSocket(values);
        no++;
        assertEquals(values.name, `client ${no}`);
        const { socket, ...taken } = input.takeSocket();
        const { descriptor: _, ...rest } = taken as typeof taken & {
          descriptor: number;
        };
        assertEquals<unknown>(rest, piece(no));
        assertEquals(socket.remoteAddr, { transport: "tcp", ...AT });
      },
    });
    input.descriptors(copies);
    for (const some of bytes) input.bytes(some);
    input.end();
    assertEquals(no, COUNT);
    assertThrows(() => input.takeSocket(), Error, "a socket is missing");
    // It closes nothing that others have brought.
    input.release();
    for (const one of copies) {
      assert(passing.isOpen(one));
      passing.close(one);
    }
    await io.close();
  },
});

Deno.test({
  name:
    "StateInput refuses sockets of nobody, and descriptors of which nothing is told",
  ignore,
  async fn() {
    const io = openIo("epoll");
    using passing = Passing.open();
    const pairs = [passing.pair(), passing.pair(), passing.pair()];
    const descriptors = pairs.map(([near]) => near);
    type Write = (output: StateOutput<keyof typeof LAYOUTS>) => void;
    const socket =
      (no: number, descriptor = no) => (output: Parameters<Write>[0]) =>
        output.write("socket", piece(no), { descriptor });
    const client: Write = (output) =>
      output.write("client", { name: "one" }, {});
    const cases: [records: Write[], come: number, why: string][] = [
      [[socket(1), client], 2, ""],
      [[socket(1), client], 3, "3 descriptors have come, and 2 are told of"],
      [[], 0, "0 descriptors have come, and 1 are told of"],
      [[socket(1)], 2, "the last socket is of nobody"],
      [[socket(1), socket(2), client], 3, "a socket is of nobody"],
      [[client], 1, "a socket is missing"],
      [[socket(1), client, socket(1), client], 2, "descriptor 1 is missing"],
      [[socket(2), client], 2, "descriptor 2 is missing"],
      // A listener's.
      [[socket(1, 0), client], 2, "descriptor 0 is missing"],
    ];
    for (const [records, come, why] of cases) {
      const bytes: Uint8Array[] = [];
      const output = new StateOutput(LAYOUTS, [], {
        bytes: (some) => bytes.push(some.slice()),
        descriptors() {},
      });
      output.header({ layouts: LAYOUTS, listeners: ["one"] });
      for (const write of records) write(output);
      output.flush();
      const input: StateInput<StateHead> = new StateInput({
        io: io.descriptors!,
        onHeader: () => 0,
        onRecord: ({ kind, values }) => {
          if (kind === "socket") input.keepSocket(values);
          else input.takeSocket();
        },
      });
      const take = () => {
        input.descriptors(descriptors.slice(0, come));
        for (const some of bytes) input.bytes(some);
        input.end();
      };
      if (why === "") take();
      else assertThrows(take, Error, why);
      input.release();
    }
    for (const one of pairs.flat()) {
      assert(passing.isOpen(one));
      passing.close(one);
    }
    await io.close();
  },
});

Deno.test({
  name: "a state that is not taken has each of its descriptors closed once",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "maple_handover_" });
    const io = openIo("epoll");
    using passing = Passing.open();
    const listener = passing.listen(`${dir}/giver`);
    const asking = Taking.ask(passing, `${dir}/giver`, {
      whose: "it",
      hello: { version: "1", pid: Deno.pid },
      timeoutMs: 20_000,
      fail: (message) => new Error(message),
    });
    const { calls } = io.descriptors!.loop;
    let accepted = -1;
    await eventually(() => (accepted = calls.accept(listener)) >= 0);
    const channel = new DescriptorChannel(passing, accepted);
    channel.sendJson(Message.OFFER, {});
    const taking = (await asking)!;
    // All of it is there before it is asked for: to take it is done in one go.
    const [near, far] = passing.pair();
    const bytes: Uint8Array[] = [];
    const output = new StateOutput(LAYOUTS, [], {
      bytes: (some) => bytes.push(some.slice()),
      descriptors: (some) => channel.send(Message.DESCRIPTORS, undefined, some),
    });
    output.header({ layouts: LAYOUTS, listeners: [] });
    const socket = io.descriptors!.connection(near, {
      transport: "tcp",
      ...AT,
    });
    output.write("socket", piece(1), output.descriptorOf(socket));
    output.write("client", { name: "one" }, {});
    output.flush();
    for (const some of bytes) channel.send(Message.STATE, some);
    channel.sendJson(Message.END, { bytes: 1, descriptors: 1 });
    let taken = -1;
    const input: StateInput<StateHead> = new StateInput({
      io: io.descriptors!,
      onHeader: () => 0,
      onRecord: ({ kind, values }) => {
        if (kind === "socket") return input.keepSocket(values);
        taken = input.takeSocket().socket.descriptor;
      },
    });
    assertThrows(() => taking.take(input), Error, "not all of what was sent");
    assert(taken >= 0 && taken !== near);
    input.release();
    // Another one could get its number here, and would be closed in its place.
    assert(passing.isOpen(taken));
    taking[Symbol.dispose]();
    assert(!passing.isOpen(taken));
    socket.release();
    for (const one of [far, accepted, listener]) passing.close(one);
    await io.close();
    await Deno.remove(dir, { recursive: true });
  },
});

Deno.test({
  name:
    "Taking.ask() says whose place cannot be taken, and tells nobody from an unwilling one",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "maple_handover_" });
    using passing = Passing.open();
    const asked = {
      whose: "the haven server",
      hello: { version: "1", pid: Deno.pid },
      timeoutMs: 100,
      fail: (message: string) => new RangeError(message),
    };
    assertEquals(await Taking.ask(passing, `${dir}/none`, asked), undefined);
    const listener = passing.listen(`${dir}/silent`);
    assert(listener >= 0);
    await assertRejects(
      () => Taking.ask(passing, `${dir}/silent`, asked),
      RangeError,
      "Cannot take the place of the haven server: it does not answer",
    );
    passing.close(listener);
    await Deno.remove(dir, { recursive: true });
  },
});

Deno.test({
  name:
    "Taking.ask() says in one line what is wrong with an answer, and closes the connection",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "maple_handover_" });
    const io = openIo("epoll");
    using passing = Passing.open();
    const listener = passing.listen(`${dir}/other`);
    const { calls } = io.descriptors!.loop;
    const cases: [kind: number, text: string, why: RegExp][] = [
      [
        Message.OFFER,
        "null",
        /^Cannot .* it: what has come cannot be understood \(\P{Cc}+\)$/u,
      ],
      [
        Message.OFFER,
        "GET\n\x1b[31m",
        /^Cannot .* it: what has come cannot .*\(\P{Cc}+\)$/u,
      ],
      [Message.ANSWER, "{}", /^Cannot .* it: it sends a message of kind 13$/],
      [Message.REFUSE, "not now", /^Cannot .* it: not now$/],
    ];
    const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = open();
    for (const [kind, text, why] of cases) {
      const asking = assertRejects(
        () =>
          Taking.ask<{ format: string }>(passing, `${dir}/other`, {
            whose: "it",
            hello: { version: "1", pid: Deno.pid },
            timeoutMs: 20_000,
            whyNot: ({ format }) => `it is ${format}`,
            fail: (message) => new RangeError(message),
          }),
        RangeError,
      );
      let accepted = -1;
      await eventually(() => (accepted = calls.accept(listener)) >= 0);
      new DescriptorChannel(passing, accepted).sendText(kind, text);
      assertMatch((await asking).message, why);
      passing.close(accepted);
    }
    assertEquals(open(), before);
    passing.close(listener);
    await io.close();
    await Deno.remove(dir, { recursive: true });
  },
});

Deno.test({
  name:
    "Taking.copy() says that the other one is gone, or what it has said before",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "maple_handover_" });
    const io = openIo("epoll");
    using passing = Passing.open();
    const listener = passing.listen(`${dir}/giver`);
    const { calls } = io.descriptors!.loop;
    const none = { bytes() {}, descriptors() {}, end() {} };
    for (
      const [last, why] of [
        [undefined, "it has died, or another one has its place since"],
        ["it is just handing over", "it is just handing over"],
      ] as const
    ) {
      const asking = Taking.ask(passing, `${dir}/giver`, {
        whose: "it",
        hello: { version: "1", pid: Deno.pid },
        timeoutMs: 20_000,
        fail: (message) => new RangeError(message),
      });
      let accepted = -1;
      await eventually(() => (accepted = calls.accept(listener)) >= 0);
      const channel = new DescriptorChannel(passing, accepted);
      channel.sendJson(Message.OFFER, {});
      using taking = (await asking)!;
      // Else the system forgets what was said, as it has not read all that came.
      await eventually(() => channel.poll() !== undefined);
      if (last !== undefined) channel.sendText(Message.REFUSE, last);
      passing.close(accepted);
      await assertRejects(
        () => taking.copy(none),
        RangeError,
        `Cannot take the place of it: ${why}`,
      );
    }
    passing.close(listener);
    await io.close();
    await Deno.remove(dir, { recursive: true });
  },
});
