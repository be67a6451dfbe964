// Chained tasks at a worker: one after the other, given back when they are not to be run, and side
// by side with all else.

import { assert, assertEquals } from "@std/assert";
import { Box, Task, TaskCmd, TaskFlag, type TaskInit } from "@maple/box";
import type { Worker } from "@maple/worker";
import { Chains } from "../../worker/chains.ts";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { RawWorker } from "../helpers/raw_worker.ts";
import { call, Door, WorkerFixture } from "./worker_fixture.ts";

const { CHAINED, EXPLICIT_ACK, INNER } = TaskFlag;

/** A gateway that does nothing by itself, and the worker that is attached to it. */
class RawGateway implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  /** @param begun The numbers of the requests whose handlers have begun. */
  private constructor(
    readonly link: RawWorker,
    readonly worker: Worker,
    readonly begun: readonly number[],
  ) {}

  static async start(
    register: (app: Worker, door: Door) => unknown,
    { chains = true } = {},
  ): Promise<RawGateway & { door: Door }> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const door = new Door();
    const begun: number[] = [];
    const fixture = new WorkerFixture({
      register: (app) => {
        app.beforeRequest((request) => {
          begun.push(request.box.sn);
        });
        register(app, door);
      },
    });
    const { port } = listener.addr;
    const attaching = fixture.app.attach({ port, concurrency: 2 });
    const link = new RawWorker(await listener.accept(), Task);
    await link.greet({ chains });
    await attaching;
    for (let i = 0; i < 2; i++) await link.expect(TaskCmd.WORKER_ASK_FOR_TASK);
    const gateway = new RawGateway(link, fixture.app, begun);
    gateway.#stack.defer(() => listener.close());
    gateway.#stack.use(fixture);
    gateway.#stack.use(link);
    gateway.#stack.defer(() => door.open());
    return Object.assign(gateway, { door });
  }

  /** Gives a request; its number is the delivery id as well. */
  give(sn: number, flags = 0, init: TaskInit & { route?: number } = {}) {
    const { route = 1, ...rest } = init;
    return this.link.send({
      cmd: TaskCmd.CLIENT_REQ,
      flags,
      ret: sn,
      connId: 7,
      body: new Box({ cmd: route, sn }).pack(),
      ...rest,
    });
  }

  /** The next frame but answers to clients, in short: `ack 1`, `back 2`, `280 16`. */
  async told(): Promise<string> {
    for (;;) {
      const task = await this.link.next();
      if (task?.cmd === TaskCmd.WRITE_TO_CLIENT) continue;
      if (task?.cmd !== TaskCmd.WORKER_ASK_FOR_TASK) {
        return `${task?.cmd} ${task?.flags}`;
      }
      assert(task.flags & EXPLICIT_ACK);
      return `${task.flags & CHAINED ? "back" : "ack"} ${task.ret}`;
    }
  }

  async toldAll(count: number): Promise<string[]> {
    const all: string[] = [];
    while (all.length < count) all.push(await this.told());
    return all;
  }

  /** Waits until the worker has taken all that was sent to it. */
  async taken(): Promise<void> {
    await this.link.send({ cmd: TaskCmd.LOGOUT_CLIENT });
    assertEquals(await this.told(), `${TaskCmd.LOGOUT_CLIENT} 0`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

const SLOW = 1;
const QUICK = 2;
const LOGS_IN = 3;

function register(app: Worker, door: Door): void {
  app.route(SLOW, async () => {
    await door.pass();
  });
  app.route(QUICK, () => {});
  app.route(LOGS_IN, async (request) => {
    request.loginClient(5);
    await door.pass();
  });
}

Deno.test("a worker runs chained tasks one after the other, and all others side by side", async () => {
  await using gateway = await RawGateway.start(register);
  await gateway.give(1);
  await gateway.give(2, CHAINED);
  await gateway.give(3, CHAINED, { route: QUICK });
  // Without the flag, of another client, and of nobody's client: at once.
  await gateway.give(4, 0, { route: QUICK });
  await gateway.give(5, CHAINED, { connId: 8, route: QUICK });
  await gateway.give(6, INNER, { route: QUICK });
  assertEquals(await gateway.toldAll(3), ["ack 4", "ack 5", "ack 6"]);
  assertEquals(gateway.begun, [1, 4, 5, 6]);
  assertEquals(gateway.worker.inHand, 3);
  gateway.door.open();
  assertEquals(await gateway.toldAll(3), ["ack 1", "ack 2", "ack 3"]);
  assertEquals(gateway.begun.slice(4), [2, 3]);
  assertEquals(gateway.worker.inHand, 0);
});

Deno.test("a task of a trigger about a client is in no chain of it", async () => {
  await using gateway = await RawGateway.start(register);
  await gateway.give(1, INNER);
  await gateway.give(2, CHAINED, { route: QUICK });
  assertEquals(await gateway.told(), "ack 2");
});

Deno.test("a worker gives back what was recalled and is not begun", async () => {
  await using gateway = await RawGateway.start(register);
  const recall = { cmd: TaskCmd.CLEAR_CLIENT_TASKS, connId: 7 };
  await gateway.link.send(recall);
  await gateway.give(1);
  await gateway.give(2, CHAINED);
  await gateway.give(3, CHAINED);
  await gateway.give(4, 0, { connId: 8 });
  await gateway.give(5, CHAINED, { connId: 8, route: QUICK });
  await gateway.link.send(recall);
  assertEquals(await gateway.toldAll(2), ["back 2", "back 3"]);
  assertEquals(gateway.worker.inHand, 3);
  gateway.door.open();
  assertEquals(
    (await gateway.toldAll(3)).toSorted(),
    ["ack 1", "ack 4", "ack 5"],
  );
});

Deno.test("a login gives back what is chained, and what comes until the gateway has confirmed it", async () => {
  await using gateway = await RawGateway.start(register);
  await gateway.give(1);
  await gateway.give(2, CHAINED, { route: LOGS_IN });
  await gateway.give(3, CHAINED, { route: QUICK });
  await gateway.taken();
  gateway.door.open();
  assertEquals(await gateway.toldAll(3), [
    "ack 1",
    `${TaskCmd.LOGIN_CLIENT} ${CHAINED}`,
    "back 3",
  ]);
  assertEquals(await gateway.told(), "ack 2");
  // They were on their way.
  await gateway.give(4, CHAINED, { route: QUICK });
  // A recall that was so as well confirms nothing.
  await gateway.link.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS, connId: 7 });
  await gateway.give(5, CHAINED, { route: QUICK });
  assertEquals(await gateway.toldAll(2), ["back 4", "back 5"]);
  await gateway.link.send({
    cmd: TaskCmd.CLEAR_CLIENT_TASKS,
    connId: 7,
    flags: CHAINED,
  });
  await gateway.give(6, 0, { route: QUICK });
  await gateway.give(7, CHAINED, { route: QUICK });
  assertEquals(await gateway.toldAll(2), ["ack 6", "ack 7"]);
});

Deno.test("a gateway that gives no chains is sent no flag with a login, and is waited for in nothing", async () => {
  await using gateway = await RawGateway.start(register, { chains: false });
  await gateway.give(1, 0, { route: LOGS_IN });
  assertEquals(await gateway.told(), `${TaskCmd.LOGIN_CLIENT} 0`);
  await gateway.give(2, 0, { route: QUICK });
  assertEquals(await gateway.told(), "ack 2");
});

Deno.test("a worker that leaves finishes what is begun and gives back the rest of its chains", async () => {
  await using gateway = await RawGateway.start(register);
  await gateway.give(1);
  await gateway.give(2, CHAINED);
  await gateway.taken();
  const closed = gateway.worker.close();
  const withdrawal = `${TaskCmd.CLEAR_CLIENT_TASKS} 0`;
  assertEquals(await gateway.told(), withdrawal);
  // It was on its way.
  await gateway.give(3, CHAINED);
  await gateway.link.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS });
  assertEquals(await gateway.toldAll(2), ["back 2", "back 3"]);
  gateway.door.open();
  assertEquals(await gateway.told(), "ack 1");
  await closed;
  assertEquals(gateway.begun, [1]);
});

Deno.test("Chains forgets a client of which nothing is left", () => {
  const started: number[] = [];
  const given: number[] = [];
  const chains = new Chains({
    start: (frame) => started.push(Task.fromFrame(frame).ret),
    giveBack: (frame) => given.push(Task.fromFrame(frame).ret),
  });
  const task = (ret: number) =>
    new Task({ cmd: TaskCmd.CLIENT_REQ, connId: 1, ret }).pack();
  for (let round = 0; round < 3; round++) {
    // Nothing is known of it, so nothing is waited for.
    assertEquals(chains.take(task(0)), false);
    const first = task(1);
    chains.begun(first);
    // More than are kept before it is made room.
    for (let i = 2; i <= 200; i++) assert(chains.take(task(i)));
    chains.finished(first);
    assertEquals(started, Array.from({ length: 199 }, (_, i) => i + 2));
    started.length = 0;
    chains.end(1);
    assert(chains.take(task(9)));
    chains.confirmed(1);
    assertEquals(given, [9]);
    given.length = 0;
  }
});

Deno.test("a handler that takes long in a chain holds up its own client alone, and the chain goes on after it", async () => {
  const door = new Door();
  await using gateway = await GatewayFixture.start();
  await using _worker = await WorkerFixture.attach(gateway, {
    attach: { concurrency: 2 },
    register: (app) => {
      app.route(QUICK, (request) => ({ body: `${request.uid}` }));
      app.route(SLOW, async () => {
        await door.pass();
        return { body: "slow" };
      });
    },
  });
  await using other = await gateway.connect();
  await using raw = await gateway.connectRaw();
  const send = (slow: number) => {
    const bytes = new Uint8Array(8 * Box.headerBytes);
    for (let i = 0; i < 8; i++) {
      const cmd = i === slow ? SLOW : QUICK;
      bytes.set(new Box({ cmd, sn: 100 + i }).pack(), i * Box.headerBytes);
    }
    return raw.sendBytes(bytes);
  };
  // How short tasks are has to be told first.
  await eventually(async () => {
    await send(-1);
    for (let i = 0; i < 8; i++) await raw.nextFrame();
    return gateway.gateway.stats().chained > 0;
  });
  await send(2);
  await eventually(() => door.arrived === 1);
  for (let sn = 1; sn <= 20; sn++) {
    assertEquals((await call(other, { cmd: QUICK, sn })).sn, sn);
  }
  assertEquals(gateway.gateway.stats().chains, 1);
  door.open();
  for (let i = 0; i < 8; i++) {
    assertEquals(Box.fromFrame((await raw.nextFrame())!).sn, 100 + i);
  }
  await gateway.until((stats) => stats.inHand === 0 && stats.chains === 0);
});
