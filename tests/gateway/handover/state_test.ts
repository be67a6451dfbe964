// A gateway in which as much as possible is under way, and the one that takes its place: what that
// one would hand over in turn is the same, field by field.

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { Box, encodeGroups, type Task, TaskCmd, TaskFlag } from "@maple/box";
import { Gateway, type GatewayOptions } from "@maple/gateway";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import { pathOf } from "../../helpers/paths.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";
import {
  clientFrame,
  handshake,
  WebSocketStream,
} from "../../helpers/web_socket_stream.ts";
import { FORMAT_VERSION } from "../../../gateway/handover/format.ts";
import { CapturedState, handoverOf, taken } from "./captured_state.ts";

const ignore = Deno.build.os !== "linux";
const golden = (version: number) =>
  pathOf(`../gateway/handover/golden/v${version}.bin`);
const HEARTBEAT = 77;
const OPTIONS: GatewayOptions = {
  ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0, wsPort: 0 },
  ...{ io: "epoll", workerTimeout: 0, clientQueueMax: 6, queueMax: 12 },
  ...{
    heartbeatCmd: HEARTBEAT,
    clientRate: 20,
    connTimeout: 600,
    connsPerAddress: 100,
  },
  ...{ goneRequests: "run", connectRate: 1000, outboxBytes: 64 * 1024 * 1024 },
};

/** A gateway with all that can be under way. */
class Busy implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  constructor(readonly fixture: GatewayFixture) {}

  static async start({ large }: { large: boolean }): Promise<Busy> {
    const busy = new Busy(await GatewayFixture.start(OPTIONS));
    const stack = busy.#stack;
    const { fixture } = busy;
    stack.use(fixture);
    const { gateway } = fixture;
    const worker = stack.use(await fixture.attach());
    await worker.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: TaskFlag.EXPLICIT_ACK,
      body: { chains: true, groups: true, name: "busy", pid: 7 },
    });
    // One client whose three requests are a chain in the worker's hands.
    const chained = stack.use(await fixture.connect());
    const created = await worker.expect(TaskCmd.CLIENT_CREATED);
    await finish(worker, created);
    await worker.send(created.map({
      ...{ cmd: TaskCmd.LOGIN_CLIENT, uid: 2n ** 60n, userdata: 5, body: "" },
    }));
    await worker.send(created.map({
      cmd: TaskCmd.JOIN_GROUPS,
      body: encodeGroups({ names: ["b", "a", "ü"], uids: [] }),
    }));
    await fixture.until(({ groups, users }) => groups === 3 && users === 1);
    for (let sn = 1; sn <= 3; sn++) chained.write({ cmd: 1, sn });
    await fixture.until(({ inHand }) => inHand === 3);
    // Half of a frame, and none of one.
    const half = stack.use(await fixture.connectRaw());
    await half.sendBytes(new Box({ cmd: 9, body: "half" }).pack().slice(0, 22));
    stack.use(await fixture.connectRaw());
    // More than it may send: one is slowed, one is not read from since too much of it waits.
    const fast = stack.use(await fixture.connectRaw());
    const many = stack.use(await fixture.connectRaw());
    for (let sn = 1; sn <= 60; sn++) {
      await fast.sendBytes(new Box({ cmd: HEARTBEAT, sn }).pack());
      await many.sendBytes(new Box({ cmd: 2, sn, body: `n ${sn}` }).pack());
    }
    await fixture.until(({ slowed }) => slowed === 1);
    // One that has ended its sending and waits for its answers; one that is gone, of which requests
    // wait.
    const leaving = await fixture.connectRaw();
    await leaving.sendBytes(new Box({ cmd: 3, sn: 1 }).pack());
    await leaving[Symbol.asyncDispose]();
    const { hostname, port } = gateway.wsAddr!;
    const gone = stack.use(await WebSocketStream.open({ hostname, port }));
    await gone.write(new Box({ cmd: 3, sn: 2 }).pack());
    await gone.writeRaw(clientFrame(8));
    await fixture.until(({ clientsClosed }) => clientsClosed.peer === 1);
    // A WebSocket in the middle of a message, and one in the middle of its handshake.
    const ws = stack.use(await WebSocketStream.open({ hostname, port }));
    const message = clientFrame(2, new Box({ cmd: 4, body: "ws" }).pack());
    await ws.writeRaw(message.slice(0, 15));
    const opening = stack.use(await Deno.connect({ hostname, port }));
    const head = new TextEncoder().encode(handshake());
    await opening.write(head.slice(0, 40));
    await fixture.until(({ handshakes }) => handshakes === 1);
    // A worker that was lost with what it had: that waits to be handed out again.
    const lost = await fixture.attach();
    for (let i = 0; i < 4; i++) await lost.askExplicitly();
    await lost.expect(TaskCmd.CLIENT_CREATED);
    await lost[Symbol.asyncDispose]();
    await fixture.until(({ workers }) => workers === 1);
    // A trigger that waits since the queue is full, and a message that a client does not read.
    const trigger = stack.use(await fixture.attach());
    for (let i = 0; i < 20; i++) {
      await trigger.send({ cmd: TaskCmd.WRITE_TO_WORKER, body: `task ${i}` });
    }
    await fixture.until(({ queueStops }) => queueStops.tasks > 0);
    if (large) {
      const box = new Box({ cmd: 5, body: new Uint8Array(8_000_000) });
      await worker.send(created.map({
        ...{ cmd: TaskCmd.WRITE_TO_CLIENT, ret: 0, body: box.pack() },
      }));
      await fixture.until(({ answers }) => answers === 1);
    }
    gateway.ban({ address: "203.0.113.0/24", seconds: 6000 });
    return busy;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function finish(worker: RawWorker, { ret }: Task): Promise<void> {
  return worker.send({
    cmd: TaskCmd.WORKER_ASK_FOR_TASK,
    flags: TaskFlag.EXPLICIT_ACK,
    ret,
    custom: 10,
  });
}

/** What becomes of a state in a gateway that takes it. */
async function afterTaking(
  state: CapturedState,
  step: number,
  early?: CapturedState,
): Promise<Record<string, unknown>> {
  await using gateway = new Gateway(OPTIONS);
  const reader = state.putInto(gateway, step, early);
  using next = CapturedState.of(gateway);
  // Before anything of what is to be sent is sent.
  reader.release();
  const told = next.toJSON(reader.shift);
  await gateway.closeNow();
  return told;
}

Deno.test({
  name:
    "a gateway that has taken the place of another holds the same, field by field, however it comes",
  ignore,
  async fn() {
    await using busy = await Busy.start({ large: true });
    using state = CapturedState.of(busy.fixture.gateway);
    const before = state.toJSON(0);
    // To write it has changed nothing.
    using again = CapturedState.of(busy.fixture.gateway);
    assertEquals(again.toJSON(0), before);
    const records = before["records"] as [string, Record<string, unknown>][];
    const of = (kind: string) =>
      records.filter(([one]) => one === kind).map(([, values]) => values);
    // That something was put to the test at all.
    assertEquals(of("client").length, 8);
    assert(of("client").some(({ paused }) => paused));
    assert(of("client").some(({ leaving }) => leaving));
    assert(of("client").some(({ slowed }) => slowed));
    assert(of("client").some(({ isOpen }) => !isOpen));
    assert(of("client").some(({ groups }) => groups !== undefined));
    assert(of("link").some(({ held }) => Number(held) > 0));
    assert(of("socket").some(({ webSocket }) => webSocket !== undefined));
    assert(
      of("socket").some(({ unsent }) => /^\d{6,} bytes/.test(`${unsent}`)),
    );
    assert(
      of("socket").some(({ read }) => `${read}`.split(" ").length === 22),
    );
    const { records: all } = taken(state.bytes, 0);
    const [opening] = all.filter(({ kind }) => kind === "handshake");
    assertEquals((opening?.values["bytes"] as Uint8Array).length, 40);
    for (const where of ["hand", "ready", "behind", "returned"]) {
      assert(of("task").some((task) => task["where"] === where), where);
    }
    for (const step of [Infinity, 1000]) {
      assertEquals(await afterTaking(state, step), before);
    }
  },
});

Deno.test({
  name:
    "a gateway that was given clients early holds the same, whatever has become of them since",
  ignore,
  async fn() {
    await using calm = new AsyncDisposableStack();
    const fixture = calm.use(await GatewayFixture.start(OPTIONS));
    const { gateway } = fixture;
    const worker = calm.use(await fixture.attach());
    await worker.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: TaskFlag.EXPLICIT_ACK,
      body: { chains: true, groups: true, name: "calm", pid: 7 },
    });
    const peers: Awaited<ReturnType<typeof fixture.connectRaw>>[] = [];
    const created: Task[] = [];
    for (let i = 0; i < 12; i++) {
      peers.push(calm.use(await fixture.connectRaw()));
      const task = await worker.expect(TaskCmd.CLIENT_CREATED);
      created.push(task);
      await finish(worker, task);
    }
    const command = async (no: number, values: Record<string, unknown>) =>
      await worker.send(created[no]!.map({ body: "", ...values }));
    await command(0, { cmd: TaskCmd.LOGIN_CLIENT, uid: 77, userdata: 5 });
    const joins = (name: string) => ({
      cmd: TaskCmd.JOIN_GROUPS,
      body: encodeGroups({ names: [name], uids: [] }),
    });
    for (const no of [0, 5, 11]) await command(no, joins("early"));
    const { hostname, port } = gateway.wsAddr!;
    const ws = calm.use(await WebSocketStream.open({ hostname, port }));
    await finish(worker, await worker.expect(TaskCmd.CLIENT_CREATED));
    await fixture.until(({ groups, users, inHand, clients }) =>
      groups === 1 && users === 1 && inHand === 0 && clients === 13
    );

    const copy = handoverOf(gateway).giveEarly();
    using early = CapturedState.early(copy);
    const send = (no: number, frame: Uint8Array) => peers[no]!.sendBytes(frame);
    // A request in the worker's hands and one behind it, a half of one, a user, groups, none any
    // more, a new one, one that has sent and not asked anything, a WebSocket in a frame.
    await send(1, new Box({ cmd: 1, sn: 1 }).pack());
    await send(1, new Box({ cmd: 1, sn: 2 }).pack());
    await send(2, new Box({ cmd: 9, body: "half" }).pack().slice(0, 22));
    await command(3, { cmd: TaskCmd.LOGIN_CLIENT, uid: 78, userdata: 1 });
    await command(4, joins("late"));
    await command(5, joins("late"));
    await peers[6]![Symbol.asyncDispose]();
    await send(7, new Box({ cmd: HEARTBEAT, sn: 3 }).pack());
    for (let sn = 1; sn <= 60; sn++) {
      await send(8, new Box({ cmd: HEARTBEAT, sn }).pack());
    }
    calm.use(await fixture.connectRaw());
    await ws.writeRaw(clientFrame(2, new Box({ cmd: 4 }).pack()).slice(0, 9));
    await fixture.until((
      { users, groups, clientsClosed, heartbeats, slowed, clients, inHand },
    ) =>
      users === 2 && groups === 2 && clientsClosed.peer === 1 &&
      heartbeats > 20 && slowed === 1 && clients === 13 && inHand > 0
    );
    const numbers = (state: CapturedState) =>
      taken(state.bytes, 0).records.filter(({ kind }) => kind === "kept")
        .flatMap(({ values }) =>
          Array.from(
            { length: Number(values.count) },
            (_, i) => Number(values.first) + i,
          )
        );
    using rest = CapturedState.of(gateway);
    assertEquals(numbers(rest), [0, 9, 10, 11]);
    copy.end();
    using all = CapturedState.of(gateway);
    assertEquals(numbers(all), []);
    const expected = all.toJSON(0);
    for (const step of [Infinity, 1000]) {
      assertEquals(await afterTaking(rest, step, early), expected);
    }
  },
});

Deno.test({
  name: "a gateway reads what version 1 has written",
  ignore,
  fn: () => reads(1),
});

Deno.test({
  name: "a gateway reads what version 2 has written",
  ignore,
  fn: () => reads(2),
});

Deno.test({
  name: "a gateway reads what version 3 has written",
  ignore,
  async fn() {
    // How the file was made; one of another version is another file.
    if (Deno.env.get("MAPLE_WRITE_GOLDEN")) {
      await using busy = await Busy.start({ large: false });
      using written = CapturedState.of(busy.fixture.gateway);
      Deno.writeFileSync(golden(FORMAT_VERSION), written.bytes);
    }
    await reads(3);
  },
});

async function reads(version: number): Promise<void> {
  using state = CapturedState.fromFile(golden(version));
  const told = await afterTaking(state, Infinity);
  const before = state.toJSON(0);
  const after = told;
  for (
    const name of [
      ...["tag", "clients", "queue", "counters", "measures", "records"],
      ...["dispatcher", "limits"],
    ]
  ) assertEquals(known(after[name], before[name]), before[name], name);
}

Deno.test({
  name: "a state that is cut off, or of another format, is not taken",
  ignore,
  async fn() {
    using state = CapturedState.fromFile(golden(1));
    const { bytes } = state;
    for (const end of [bytes.length - 1, bytes.length - 5000]) {
      await using gateway = new Gateway(OPTIONS);
      assertThrows(
        () => new CutState(state, bytes.subarray(0, end)).putInto(gateway),
        Error,
        "the last record is cut off",
      );
      await gateway.closeNow();
    }
    for (
      const [from, to, why] of [
        [`"formatVersion":1`, `"formatVersion":9`, "hands over in format 9"],
        [`"nodeId":0`, `"nodeId":4`, "its nodeId is 4, and that of this one 0"],
      ] as const
    ) {
      const changed = bytes.slice();
      const text = new TextDecoder("latin1").decode(changed);
      const at = text.indexOf(from);
      assertNotEquals(at, -1);
      changed.set(new TextEncoder().encode(to), at);
      await using gateway = new Gateway(OPTIONS);
      assertThrows(
        () => new CutState(state, changed).putInto(gateway),
        Error,
        why,
      );
      await gateway.closeNow();
    }
  },
});

// Of something what the writer has known of: more comes with each version.
function known(what: unknown, writer: unknown): unknown {
  if (Array.isArray(what) && Array.isArray(writer)) {
    return what.map((one, i) => known(one, writer[i]));
  }
  if (!isRecord(what) || !isRecord(writer)) return what;
  return Object.fromEntries(
    Object.entries(what).filter(([name]) => name in writer)
      .map(([name, value]) => [name, known(value, writer[name])]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Other bytes with the same descriptors. */
class CutState {
  constructor(
    readonly state: CapturedState,
    readonly bytes: Uint8Array,
  ) {}

  putInto(gateway: Gateway): void {
    CapturedState.prototype.putInto.call(
      Object.assign(Object.create(this.state), { bytes: this.bytes }),
      gateway,
    );
  }
}
