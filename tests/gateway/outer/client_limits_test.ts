// The limits of one client: connections, frame length, unfinished frames, unread answers, idle
// time.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { Box, RET, TaskCmd } from "@maple/box";
import { eventually } from "../../helpers/eventually.ts";
import { overTransports } from "../../helpers/gateway_fixture.ts";

// A request of this many bytes, header included.
function frameOf(bytes: number, sn = 0): Uint8Array {
  return new Box({ cmd: 1, sn, body: new Uint8Array(bytes - 24) }).pack();
}

overTransports(
  "connsMax closes one connection more at once, until another has gone",
  async (start) => {
    await using gateway = await start({ connsMax: 2 });
    await using _worker = await gateway.attachEcho();
    await using first = await gateway.connectBox();
    await using second = await gateway.connectBox();
    for (const client of [first, second]) {
      await client.write({ cmd: 1, body: "served" });
      assertEquals((await client.read())?.text(), "served");
    }
    assert(await gateway.refuses());
    await gateway.log.line(/WARN client .* refused: there are 2 .* connsMax/);
    for (const client of [first, second]) {
      await client.write({ cmd: 1, body: "still served" });
      assertEquals((await client.read())?.text(), "still served");
    }
    first.close();
    await gateway.until((stats) => stats.clients === 1);
    await using third = await gateway.connectBox();
    await third.write({ cmd: 1 });
    assert(await third.read());
    const { clientsRefused, clientsAccepted, clientsPeak } = gateway.gateway
      .stats();
    assertEquals([clientsRefused, clientsAccepted, clientsPeak], [1, 3, 2]);
  },
);

overTransports(
  "connsMax gives one connection more the place of who has been silent longest, not of who listens",
  async (start) => {
    await using gateway = await start({ connsMax: 4 });
    await using worker = await gateway.attach();
    await using loggedIn = await gateway.connectRaw();
    const login = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.send(login.map({ cmd: TaskCmd.LOGIN_CLIENT, uid: 7 }));
    await using writtenTo = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.answer(created, new Box({ body: "news" }).pack());
    assert(await writtenTo.nextFrame());
    await using oldest = await gateway.connectRaw();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    // Half a frame is none.
    await oldest.sendBytes(frameOf(100).subarray(0, 50));
    await using younger = await gateway.connectRaw();
    await worker.pull(TaskCmd.CLIENT_CREATED);

    await using newcomer = await gateway.connectRaw();
    await newcomer.sendBytes(frameOf(30));
    assertEquals(await oldest.nextFrame(), null);
    const line = await gateway.log.line(/WARN client 3 .*makes room/);
    assertStringIncludes(line, "there are 4 connections");
    await using next = await gateway.connectRaw();
    await next.sendBytes(frameOf(30));
    assertEquals(await younger.nextFrame(), null);
    await gateway.until((stats) => stats.clientFrames === 2);
    // Nobody is silent now.
    assert(await gateway.refuses());
    const { clients, clientsClosed, clientsRefused } = gateway.gateway.stats();
    assertEquals([clients, clientsClosed.room, clientsRefused], [4, 2, 1]);
    loggedIn.close();
  },
);

overTransports(
  "connsMax counts a closed connection until it has ended, and cuts it for one more",
  async (start) => {
    await using gateway = await start({ connsMax: 1 });
    await using worker = await gateway.attach();
    await using kicked = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.send(created.map({ cmd: TaskCmd.CLOSE_CLIENT }));
    // It does not close its own side.
    assertEquals(await kicked.nextFrame(), null);
    await using next = await gateway.connectRaw();
    await gateway.until((stats) => stats.clientsAccepted === 2);
    await next.sendBytes(frameOf(24));
    await gateway.until((stats) => stats.clientFrames === 1);
    const { clientsClosed, clientsCut } = gateway.gateway.stats();
    assertEquals([clientsClosed.local, clientsClosed.room, clientsCut], [
      1,
      0,
      0,
    ]);
  },
);

overTransports(
  "frameBytes lets a frame of that length through and closes on a longer one",
  async (start) => {
    await using gateway = await start({ frameBytes: 5000 });
    await using _worker = await gateway.attachEcho();
    await using good = await gateway.connectRaw();
    await using bad = await gateway.connectRaw();
    await good.sendBytes(frameOf(5000));
    assertEquals((await good.nextFrame())?.length, 5000);
    await bad.sendBytes(frameOf(5001));
    assertEquals(await bad.nextFrame(), null);
    const line = await gateway.log.line(
      /WARN client \d+ at .* closed: .*limit/,
    );
    assertStringIncludes(line, bad.localAddress);
    assertStringIncludes(line, "5001 bytes are above the limit of 5000");
    assertEquals(gateway.gateway.stats().clientsClosed.frame, 1);
    await good.sendBytes(frameOf(24));
    assertEquals((await good.nextFrame())?.length, 24);
  },
);

overTransports(
  "frameBytes closes when the header announces too much, before it comes",
  async (start) => {
    await using gateway = await start();
    await using client = await gateway.connectRaw();
    const header = frameOf(24);
    new DataView(header.buffer).setInt32(8, 2 ** 31 - 1);
    await client.sendBytes(header);
    assertEquals(await client.nextFrame(), null);
    assertEquals(gateway.gateway.stats().clientsClosed.frame, 1);
  },
);

overTransports(
  "clientQueueMax stops reading a client, which goes on later and loses nothing",
  async (start) => {
    for (const order of ["client", "none"] as const) {
      await using gateway = await start({
        clientQueueMax: 4,
        order,
      });
      await using busy = await gateway.connectRaw();
      const FRAMES = 200;
      const frames = Array.from(
        { length: FRAMES },
        (_, sn) => frameOf(2000, sn),
      );
      const sending = busy.sendBytes(concat(frames));
      await gateway.until((stats) => stats.clientFrames === 4);
      // Others are served meanwhile, and of the one nothing more is taken.
      await using other = await gateway.connectRaw();
      await other.sendBytes(frameOf(24));
      await gateway.until((stats) => stats.clientFrames === 5);
      await using _third = await gateway.connectBox();
      await gateway.until((stats) => stats.clients === 3);
      assertEquals(gateway.gateway.stats().clientFrames, 5);
      await using _worker = await gateway.attachEcho();
      for (let sn = 0; sn < FRAMES; sn++) {
        assertEquals(await busy.nextFrame(), frames[sn]);
      }
      await sending;
      assertEquals((await other.nextFrame())?.length, 24);
    }
  },
);

overTransports(
  "clientQueueMax 1 takes one frame after the other",
  async (start) => {
    await using gateway = await start({ clientQueueMax: 1 });
    await using _worker = await gateway.attachEcho();
    await using client = await gateway.connectRaw();
    await client.sendBytes(concat([1, 2, 3].map((sn) => frameOf(24, sn))));
    for (const sn of [1, 2, 3]) {
      assertEquals(Box.fromFrame((await client.nextFrame())!).sn, sn);
    }
  },
);

overTransports(
  "clientQueueMax lets a client go on whose requests are cleared",
  async (start) => {
    await using gateway = await start({ clientQueueMax: 2 });
    await using worker = await gateway.attach();
    await using client = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await client.sendBytes(concat([1, 2, 3].map((sn) => frameOf(24, sn))));
    await gateway.until((stats) => stats.clientFrames === 2);
    // In turn with its frames, so that the ask below is not for the first one.
    await worker.send(created.map({ cmd: TaskCmd.CLEAR_CLIENT_TASKS }));
    await gateway.until((stats) => stats.clientFrames === 3);
    const request = await worker.pull(TaskCmd.CLIENT_REQ);
    assertEquals(Box.fromFrame(request.body).sn, 3);
  },
);

overTransports(
  "clientQueueMax lets a client go on whose requests are given up",
  async (start) => {
    await using gateway = await start({
      clientQueueMax: 2,
      parkTime: 0.1,
    });
    await using client = await gateway.connectRaw();
    const sns = [1, 2, 3, 4, 5];
    await client.sendBytes(concat(sns.map((sn) => frameOf(24, sn))));
    for (const sn of sns) {
      const refusal = Box.fromFrame((await client.nextFrame())!);
      assertEquals([refusal.sn, refusal.ret], [sn, RET.BUSY]);
    }
  },
);

overTransports(
  "frameTimeout closes a client whose frame does not end, not one that is silent or pauses between frames",
  async (start) => {
    await using gateway = await start({ frameTimeout: 0.3 });
    await using _worker = await gateway.attachEcho();
    await using silent = await gateway.connectRaw();
    await using steady = await gateway.connectRaw();
    await using slow = await gateway.connectRaw();
    const frame = frameOf(100);
    await slow.sendBytes(frame.subarray(0, 50));
    let slowClosed = false;
    const trickle = (async () => {
      while (!slowClosed) {
        await steady.sendBytes(frame);
        await steady.nextFrame();
      }
    })();
    assertEquals(await slow.nextFrame(), null);
    slowClosed = true;
    await trickle;
    await gateway.log.line(/WARN client \d .*frame is not whole after 0.3 s/);
    await silent.sendBytes(frame);
    assertEquals((await silent.nextFrame())?.length, 100);
    const { clients, clientsClosed } = gateway.gateway.stats();
    assertEquals([clients, clientsClosed.slowFrame], [2, 1]);
  },
);

overTransports(
  "firstFrameTimeout closes a client that sends nothing, though it is written to, not one that is logged in",
  async (start) => {
    await using gateway = await start({ firstFrameTimeout: 0.2 });
    await using worker = await gateway.attach();
    await using loggedIn = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.send(created.map({ cmd: TaskCmd.LOGIN_CLIENT, uid: 7 }));
    await gateway.until((stats) => stats.users === 1);
    await using silent = await gateway.connectRaw();
    const second = await worker.pull(TaskCmd.CLIENT_CREATED);
    await worker.answer(second, frameOf(24));
    assertEquals(await silent.closedByPeer(), 1);
    await gateway.until((stats) => stats.clientsClosed.firstFrame === 1);
    await worker.answer(created, frameOf(24));
    assertEquals((await loggedIn.nextFrame())?.length, 24);
  },
);

overTransports(
  "writeTimeout closes a client that takes nothing",
  async (start) => {
    await using gateway = await start({
      writeTimeout: 0.3,
      outboxBytes: 2 ** 28,
    });
    await using worker = await gateway.attach();
    await using stuck = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    for (let i = 0; i < 8; i++) {
      await worker.answer(
        created,
        frameOf(12_000_000),
      );
    }
    await gateway.until((stats) => stats.clientsClosed.stalled === 1);
    const line = await gateway.log.line(/WARN client 1 .*\(writeTimeout\)/);
    assertStringIncludes(line, stuck.localAddress);
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    await gateway.until((stats) => stats.bufferBytes < 1_000_000);
  },
);

overTransports(
  "memoryBytes closes who holds most, whether it is unread answers or an unfinished frame",
  async (start) => {
    await using gateway = await start({
      memoryBytes: 100_000_000,
      outboxBytes: 2 ** 28,
      frameBytes: 2 ** 28,
    });
    await using worker = await gateway.attach();
    await using good = await gateway.connectRaw();
    const goodCreated = await worker.pull(TaskCmd.CLIENT_CREATED);
    await using unread = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    await eventually(async () => {
      await worker.answer(created, frameOf(12_000_000));
      return gateway.gateway.stats().clientsClosed.memory === 1;
    });
    const line = await gateway.log.line(
      /WARN client 2 .*holds most.*memoryBytes/,
    );
    assertStringIncludes(line, unread.localAddress);
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    await gateway.until((stats) => stats.bufferBytes < 50_000_000);

    await using endless = await gateway.connectRaw();
    await worker.pull(TaskCmd.CLIENT_CREATED);
    const sending = endless.sendBytes(frameOf(120_000_000).subarray(0, -1))
      .catch(() => {});
    await gateway.until((stats) => stats.clientsClosed.memory === 2);
    await sending;
    await worker.pull(TaskCmd.CLIENT_CLOSED);
    await worker.answer(goodCreated, frameOf(24));
    assertEquals((await good.nextFrame())?.length, 24);
    assertEquals(gateway.gateway.stats().clients, 1);
  },
);

overTransports(
  "outboxBytes closes a client that does not read, and no other",
  async (start) => {
    await using gateway = await start({ outboxBytes: 200_000 });
    await using worker = await gateway.attach();
    await using slow = await gateway.connectRaw();
    const slowCreated = await worker.pull(TaskCmd.CLIENT_CREATED);
    await using good = await gateway.connectBox();
    const goodCreated = await worker.pull(TaskCmd.CLIENT_CREATED);
    const big = frameOf(100_000);
    const small = new Box({ body: "good" }).pack();
    // What the system buffers is not known, only that it ends.
    await eventually(async () => {
      await worker.answer(slowCreated, big);
      await worker.answer(goodCreated, small);
      assertEquals((await good.read())?.text(), "good");
      return gateway.gateway.stats().clientsClosed.outbox === 1;
    });
    const line = await gateway.log.line(/WARN client .* does not read/);
    assertStringIncludes(line, slow.localAddress);
    const closed = await worker.pull(TaskCmd.CLIENT_CLOSED);
    assertEquals(closed.connId, slowCreated.connId);
    await worker.answer(goodCreated, small);
    assertEquals((await good.read())?.text(), "good");
    assertEquals(gateway.gateway.stats().clients, 1);
  },
);

overTransports(
  "outboxBytes lets a client be that reads slowly",
  async (start) => {
    await using gateway = await start({ outboxBytes: 200_000 });
    await using _worker = await gateway.attachEcho();
    await using client = await gateway.connectRaw();
    for (let i = 0; i < 200; i++) {
      await client.sendBytes(frameOf(100_000, i));
      assertEquals((await client.nextFrame())?.length, 100_000);
    }
    assertEquals(gateway.log.complaints, []);
  },
);

overTransports(
  "connTimeout closes a client that stalls in a frame, not one that waits for its answer",
  async (start) => {
    await using gateway = await start({ connTimeout: 0.2 });
    await using worker = await gateway.attach();
    await using waiting = await gateway.connectBox();
    await waiting.write({ cmd: 1, sn: 5 });
    await worker.pull(TaskCmd.CLIENT_CREATED);
    const held = await worker.pull(TaskCmd.CLIENT_REQ);
    // Twice, one after the other: each is closed later than the one that waits would be.
    for (let i = 0; i < 2; i++) {
      await using stalled = await gateway.connectRaw();
      await stalled.sendBytes(frameOf(24).subarray(0, 20));
      assertEquals(await stalled.nextFrame(), null);
    }
    await worker.answer(held, "at last");
    assertEquals((await waiting.read())?.text(), "at last");
    assertEquals(gateway.gateway.stats().clientsClosed.idle, 2);
    await gateway.log.line(/WARN client .* closed: no frame for 0.2 s/);
    // Once it is answered it is idle like any other.
    await worker.ask(2);
    assertEquals(await waiting.read(), null);
  },
);

overTransports(
  "outboxBytes lets one long message pass while nothing else waits, and short ones beside it",
  async (start) => {
    await using gateway = await start({ outboxBytes: 200_000 });
    await using worker = await gateway.attach();
    await using client = await gateway.connectRaw();
    const created = await worker.pull(TaskCmd.CLIENT_CREATED);
    const long = frameOf(12_000_000);
    const short = frameOf(100_000);
    await worker.answer(created, long);
    await worker.answer(created, short);
    await gateway.until(({ answers }) => answers === 2);
    assertEquals((await client.nextFrame())?.length, long.length);
    assertEquals((await client.nextFrame())?.length, short.length);
    assertEquals(gateway.gateway.stats().clientsClosed.outbox, 0);
    // Two of them that wait are one too many. What the system buffers is not known.
    await eventually(async () => {
      await worker.answer(created, long);
      return gateway.gateway.stats().clientsClosed.outbox === 1;
    });
  },
);
