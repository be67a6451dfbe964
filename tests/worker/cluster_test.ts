// A worker and the gateways of a cluster: it finds them, leaves those that are gone, and reaches
// each user once.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Box,
  type BoxFields,
  SpecialUid,
  Task,
  TaskCmd,
  TaskFlag,
  type UsersRow,
} from "@maple/box";
import { WorkerError, type WorkerRequest } from "@maple/worker";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/free_port.ts";
import { PlayedMember } from "../helpers/played_member.ts";
import { Door, WorkerFixture } from "./worker_fixture.ts";

/** Attaches a worker to the first of these, which tells of the others; all let it in. */
async function attachTo(
  worker: WorkerFixture,
  members: readonly PlayedMember[],
): Promise<void> {
  const attached = worker.app.attach({ port: members[0]!.port });
  for (const member of members) await member.accept(members);
  await attached;
}

/** The gateways that the worker is attached to. */
function attachedTo({ app }: WorkerFixture): string[] {
  return app.stats().gateways.filter(({ attached }) => attached)
    .map(({ name }) => name).toSorted();
}

function inners(...members: PlayedMember[]): string[] {
  return members.map(({ inner }) => inner).toSorted();
}

/** Sends all users something, and answers whether it went to all. */
function tell({ app }: WorkerFixture, body: string): boolean {
  return app.writeToUsers([[[SpecialUid.ALL], { body }]]);
}

/** What it was told, and whether it is to keep that for itself. */
async function told(member: PlayedMember): Promise<string> {
  const task = await member.command();
  assertEquals(task.cmd, TaskCmd.WRITE_TO_USERS);
  const local = task.flags & TaskFlag.LOCAL ? "local" : "to all";
  const text = new TextDecoder().decode(task.body);
  return `${/[a-z]+$|[a-z]+(?=\W*$)/.exec(text)} ${local}`;
}

Deno.test("Worker attaches to all gateways that its one tells of, before it is ready", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using c = new PlayedMember(3);
  let ready = false;
  const attached = worker.app.attach({ port: a.port })
    .then(() => ready = true);
  await a.accept([a, b, c]);
  await b.accept([a, b, c]);
  await worker.log.line(new RegExp(`attached to gateway ${b.inner}`));
  assertEquals(ready, false);
  await c.accept([a, b, c]);
  await attached;
  assertEquals(
    worker.app.stats().gateways,
    [a, b, c].map(({ inner: name, node }) => ({
      ...{ name, attached: true, inHand: 0, cluster: "maple", node },
    })),
  );
});

Deno.test("Worker attaches to a gateway that comes, and leaves one when it is off the lists and ended", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  const b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  await using c = new PlayedMember(3);
  await a.tell([a, b, c]);
  await c.accept([a, b, c]);
  await eventually(() => attachedTo(worker).length === 3);
  assertEquals(attachedTo(worker), inners(a, b, c));
  // Off the lists alone, since others do not hear of it: it still has clients.
  await a.tell([a, c]);
  await c.tell([a, c]);
  await b.tell([b]);
  for (const member of [a, b, c]) await member.heard();
  assertEquals(attachedTo(worker), inners(a, b, c));
  assert(tell(worker, "all"));
  assertEquals(await told(b), "all local");
  // Ended alone: it is back in a second.
  await a.tell([a, b, c]);
  b.cut();
  await b.accept([a, b, c]);
  await eventually(() => attachedTo(worker).length === 3);
  // Both.
  await b[Symbol.asyncDispose]();
  await a.tell([a, c]);
  await c.tell([a, c]);
  await worker.log.line(
    new RegExp(`^INFO gateway ${b.inner} is gone from its cluster$`),
  );
  assertEquals(worker.app.stats().gateways.map(({ name }) => name), [
    a.inner,
    c.inner,
  ]);
});

Deno.test("Worker keeps to a gateway of which one tells nothing that is alone", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  await a.tell([a], { alone: true });
  b.cut();
  await b.accept([b], { alone: true });
  await worker.log.line(/^WARN lost gateway/);
  await eventually(() => attachedTo(worker).length === 2);
  assertEquals(attachedTo(worker), inners(a, b));
  // Each of them is told; nobody passes anything on.
  assert(tell(worker, "hi"));
  assertEquals([await told(a), await told(b)], ["hi local", "hi local"]);
});

Deno.test("Worker dials the gateways that it is told for ever", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  a.cut();
  await b.tell([b]);
  await a.accept([a, b]);
  await eventually(() => attachedTo(worker).length === 2);
});

Deno.test("Worker attaches once to a gateway that it knows by several names", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  const attached = worker.app.attach({
    gateways: [{ host: "localhost", port: a.port }, { port: a.port }],
  });
  // Whichever is greeted first stays.
  await a.accept([a, b]);
  const second = await a.accept([a, b]);
  await b.accept([a, b]);
  await attached;
  await worker.log.line(/^INFO not attached to gateway .*: it is gateway /);
  // It gives back what it has asked for, and goes.
  for (let task; (task = await second.next());) {
    if (task.cmd === TaskCmd.CLEAR_CLIENT_TASKS) await second.send(task);
  }
  const { gateways } = worker.app.stats();
  assertEquals(gateways.map(({ node }) => node), [1, 2]);
  assert(tell(worker, "once"));
  assertEquals(await told(b), "once local");
  // The other name is tried again when the connection by the first is lost.
  a.cut();
  const names = [await a.accept([a, b]), await a.accept([a, b])];
  assertEquals(names.length, 2);
});

Deno.test("Worker takes a gateway in another life, by the same name, for another one", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  // Its host has vanished without a word; the one after it has its node.
  await using later = new PlayedMember(1, { tag: 7 });
  await b.tell([later, b]);
  await later.accept([later, b]);
  await eventually(() => attachedTo(worker).length === 3);
});

Deno.test("Worker leaves a gateway that is not of the cluster whose gateways tell of it", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await attachTo(worker, [a]);
  for (const cluster of ["other", null]) {
    await using stranger = new PlayedMember(2, { cluster });
    await a.tell([a, stranger]);
    await stranger.accept();
    await worker.log.line(
      new RegExp(
        `^INFO not attached to gateway ${stranger.inner}: it is not one of cluster maple`,
      ),
    );
    assertEquals(attachedTo(worker), inners(a));
    assert(tell(worker, "hi"));
    assertEquals(await told(a), "hi to all");
  }
});

Deno.test("Worker tells each gateway of a cluster while it is attached to all, else one that passes it on", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await using c = new PlayedMember(3);
  await attachTo(worker, [a, b, c]);
  assert(tell(worker, "direct"));
  for (const member of [a, b, c]) {
    assertEquals(await told(member), "direct local");
  }
  await using unreached = new PlayedMember(4);
  await b.tell([a, b, c, unreached]);
  await eventually(() => worker.app.stats().gateways.length === 4);
  for (const word of ["one", "two", "three"]) {
    assert(tell(worker, word));
    assertEquals(await told(a), `${word} to all`);
  }
  // While one hears nothing of the others all are told directly, and nobody by a bus as well.
  await c.tell([c], { alone: true });
  await c.heard();
  assertEquals(tell(worker, "four"), false);
  for (const member of [a, b, c]) {
    assertEquals(await told(member), "four local");
  }
  await c.tell([a, b, c, unreached]);
  await unreached.accept([a, b, c, unreached]);
  await eventually(() => attachedTo(worker).length === 4);
  assert(tell(worker, "end"));
  assertEquals(await told(unreached), "end local");
  // The others got nothing in between but what they were meant to.
  assertEquals(await told(b), "end local");
});

Deno.test("Worker reaches several clusters and other gateways, each in its way", async () => {
  await using worker = new WorkerFixture();
  await using a1 = new PlayedMember(1, { cluster: "a" });
  await using a2 = new PlayedMember(2, { cluster: "a" });
  await using b1 = new PlayedMember(1, { cluster: "b", tag: 11 });
  await using b2 = new PlayedMember(2, { cluster: "b", tag: 12 });
  await using lone = new PlayedMember(1, { cluster: null, tag: 13 });
  const attached = worker.app.attach({
    gateways: [a1, b1, lone].map(({ port }) => ({ port })),
  });
  await a1.accept([a1, a2]);
  await a2.accept([a1, a2]);
  await b1.accept([b1, b2]);
  await lone.accept();
  const second = await b2.accept([b1, b2]);
  await attached;
  second.close();
  await worker.log.line(new RegExp(`^WARN lost gateway ${b2.inner}`));
  assert(tell(worker, "all"));
  assertEquals(
    await Promise.all([a1, a2, b1, lone].map(told)),
    ["all local", "all local", "all to all", "all to all"],
  );
});

Deno.test("Worker takes a gateway that it has never reached for one of the cluster, if all others are", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  const gateways = [{ port: freePort() }, { port: a.port }];
  const attached = worker.app.attach({ gateways });
  await a.accept([a, b]);
  await b.accept([a, b]);
  await attached;
  assert(tell(worker, "all"));
  assertEquals([await told(a), await told(b)], ["all local", "all local"]);
});

Deno.test("Worker that is told gateways of several kinds says that it misses one", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using lone = new PlayedMember(1, { cluster: null, tag: 7 });
  const gateways = [a.port, lone.port, freePort()].map((port) => ({ port }));
  const attached = worker.app.attach({ gateways });
  await a.accept();
  await lone.accept();
  await attached;
  assertEquals(tell(worker, "all"), false);
  assertEquals([await told(a), await told(lone)], ["all to all", "all to all"]);
});

Deno.test("Worker adds up the receipts of a cluster's gateways, and takes one's as they are", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  const write = () =>
    worker.app.writeToUsers([[[5, 6, 7], { body: "x" }]], { receipt: true });
  const both = write();
  await a.receipt({ delivered: 1, offline: [6, 7] });
  await b.receipt({ delivered: 2, offline: [5, 7] });
  assertEquals(await both, { delivered: 3, offline: [7], complete: true });

  await using unreached = new PlayedMember(3);
  await a.tell([a, b, unreached]);
  await a.heard();
  const one = write();
  const task = await a.receipt({
    ...{ delivered: 3, offline: [6] },
    missingNodes: [3],
  });
  assertEquals(task.flags & TaskFlag.LOCAL, 0);
  assertEquals(await one, {
    delivered: 3,
    offline: [6],
    complete: false,
    missingNodes: [3],
  });
  const whole = write();
  await a.receipt({ delivered: 4, offline: [] });
  assertEquals(await whole, { delivered: 4, offline: [], complete: true });
});

Deno.test("Worker asks a cluster's gateways, or one of them; it throws when one does not tell", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  const both = worker.app.online([5, 6, 7]);
  await a.receipt({ online: [5], offline: [6, 7] });
  await b.receipt({ online: [7], offline: [5, 6] });
  assertEquals(await both, [5, 7]);

  await using unreached = new PlayedMember(3);
  await a.tell([a, b, unreached]);
  await a.heard();
  const one = worker.app.online([5, 6, 7]);
  await a.receipt({ online: [6, 7], offline: [5] });
  assertEquals(await one, [6, 7]);
  const failing = assertRejects(
    () => worker.app.online([5]),
    WorkerError,
    "the gateways of these nodes do not tell: 3, 9",
  );
  await a.receipt({ online: [5], missingNodes: [3, 9] });
  await failing;
});

Deno.test("Worker gives tasks for workers to the gateways in turn, not to one that leaves", async () => {
  await using worker = new WorkerFixture();
  await using a = new PlayedMember(1);
  const b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  for (const member of [a, b, a, b]) {
    assert(worker.app.writeToWorker({ cmd: 7 }));
    assertEquals((await member.command()).cmd, TaskCmd.WRITE_TO_WORKER);
  }
  await b.tell([], { gateways: [a.listed("draining"), b.listed()] });
  await b.heard();
  for (let i = 0; i < 3; i++) {
    assert(worker.app.writeToWorker({ cmd: 7 }));
    assertEquals((await b.command()).cmd, TaskCmd.WRITE_TO_WORKER);
  }
  // Its clients are told as ever.
  assert(tell(worker, "all"));
  assertEquals([await told(a), await told(b)], ["all local", "all local"]);
  await b[Symbol.asyncDispose]();
  await worker.log.line(/^WARN lost gateway/);
  assert(worker.app.writeToWorker({ cmd: 7 }));
  assertEquals((await a.command()).cmd, TaskCmd.WRITE_TO_WORKER);
});

Deno.test("Worker has what a request causes passed on by the gateway of its client: it stays in order, whoever works", async () => {
  await using worker = new WorkerFixture({
    register: (app) => {
      app.route(1, async (request) => {
        const rows: UsersRow<BoxFields>[] = [[[SpecialUid.ALL], {
          body: "mine",
        }]];
        assert(request.writeToUsers(rows));
        request.writeToGroups([[["table"], { body: "group" }]]);
        await request.writeToUsers(rows, { receipt: true });
        request.closeUsers([7]);
      });
    },
  });
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  const { node: nodeId, tag } = b;
  await b.give(
    new Task({
      ...{ cmd: TaskCmd.CLIENT_REQ, nodeId, tag, connId: 5, ret: 1 },
      body: new Box({ cmd: 1, sn: 1 }).pack(),
    }),
  );
  const isLocal = ({ flags }: Task) => (flags & TaskFlag.LOCAL) !== 0;
  assertEquals(await told(b), "mine to all");
  const group = await b.command();
  assertEquals([group.cmd, isLocal(group)], [TaskCmd.WRITE_TO_GROUPS, false]);
  assertEquals(isLocal(await b.receipt({ delivered: 3 })), false);
  const close = await b.command();
  assertEquals([close.cmd, isLocal(close)], [TaskCmd.CLOSE_USERS, false]);
  // Nothing of it went to the other; where that one hears nothing, each is told directly.
  await a.heard();
  await a.tell([a], { alone: true });
  await a.heard();
  await b.give(
    new Task({
      ...{ cmd: TaskCmd.CLIENT_REQ, nodeId, tag, connId: 5, ret: 2 },
      body: new Box({ cmd: 1, sn: 2 }).pack(),
    }),
  );
  // Neither twice, should the one hear of the other again.
  assertEquals(await told(b), "mine local");
  assertEquals(await told(a), "mine local");
});

Deno.test("a request that is kept is answered through another gateway of the cluster", async () => {
  const kept: WorkerRequest[] = [];
  const door = new Door();
  await using worker = new WorkerFixture({
    register: (app) => {
      app.route(1, (request) => void kept.push(request));
      app.route(2, async (request) => {
        kept.push(request);
        await door.pass();
      });
    },
  });
  await using a = new PlayedMember(1);
  await using b = new PlayedMember(2);
  await attachTo(worker, [a, b]);
  const { node: nodeId, tag } = b;
  const request = (cmd: number, connId: number) =>
    new Task({
      ...{ cmd: TaskCmd.CLIENT_REQ, nodeId, tag, connId, ret: connId },
      body: new Box({ cmd, sn: connId }).pack(),
    });
  await b.give(request(1, 5));
  await eventually(() => kept.length === 1);
  await b.give(request(2, 6));
  await eventually(() => kept.length === 2);
  await b.heard();
  b.cut();
  await worker.log.line(new RegExp(`^WARN lost gateway ${b.inner}`));
  const [finished, unfinished] = kept as [WorkerRequest, WorkerRequest];
  assert(await finished.writeToClient({ ret: 0, body: "late" }));
  assert(finished.loginClient(5));
  assert(finished.joinGroup("table"));
  assert(finished.writeToWorker({ cmd: 3 }));
  assert(finished.closeClient());
  for (
    const cmd of [
      ...[TaskCmd.WRITE_TO_CLIENT, TaskCmd.LOGIN_CLIENT, TaskCmd.JOIN_GROUPS],
      ...[TaskCmd.WRITE_TO_WORKER, TaskCmd.CLOSE_CLIENT],
    ]
  ) {
    const task = await a.command();
    assertEquals([task.cmd, task.nodeId, task.connId], [cmd, 2, 5]);
    if (cmd === TaskCmd.WRITE_TO_CLIENT) {
      assertEquals(Box.fromFrame(task.body).text(), "late");
      assertEquals(task.tag, b.tag);
    }
  }
  // Another worker has got this one.
  assertEquals(await unfinished.writeToClient({ ret: 0 }), false);
  door.open();
  // Through the gateway itself when it is there again, in the same life.
  await b.accept([a, b]);
  await eventually(() => attachedTo(worker).length === 2);
  assert(finished.logoutClient());
  assertEquals((await b.command()).cmd, TaskCmd.LOGOUT_CLIENT);
});

Deno.test("a request that is kept of a gateway without a cluster goes to that in the same life only", async () => {
  const kept: WorkerRequest[] = [];
  await using worker = new WorkerFixture({
    register: (app) => app.route(1, (request) => void kept.push(request)),
  });
  await using a = new PlayedMember(1, { cluster: null });
  await using other = new PlayedMember(2, { cluster: null });
  const gateways = [a, other].map(({ port }) => ({ port }));
  const attached = worker.app.attach({ gateways });
  await a.accept();
  await other.accept();
  await attached;
  await a.give(
    new Task({
      ...{ cmd: TaskCmd.CLIENT_REQ, nodeId: 1, tag: a.tag, connId: 5, ret: 1 },
      body: new Box({ cmd: 1 }).pack(),
    }),
  );
  await eventually(() => kept.length === 1);
  await a.heard();
  a.cut();
  await worker.log.line(/^WARN lost gateway/);
  assertEquals(await kept[0]!.writeToClient({ ret: 0 }), false);
  await a.accept();
  await eventually(() => attachedTo(worker).length === 2);
  assert(kept[0]!.logoutClient());
  assertEquals((await a.command()).cmd, TaskCmd.LOGOUT_CLIENT);
  a.cut();
  await a.accept([a], { tag: 99 });
  await eventually(() => attachedTo(worker).length === 2);
  assertEquals(kept[0]!.logoutClient(), false);
});
