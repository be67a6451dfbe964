// clientRate, clientBytesRate, rateAction: a client that sends too much waits, or is closed.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box } from "@maple/box";
import {
  GatewayFixture,
  overTransports,
} from "../../helpers/gateway_fixture.ts";
import type { RawPeer } from "../../helpers/raw_peer.ts";
import {
  clientFrame,
  WebSocketStream,
} from "../../helpers/web_socket_stream.ts";

const PING = 9;

// So many frames, with serial numbers from 1 on.
function frames(count: number, bodyBytes = 0): Uint8Array {
  const body = new Uint8Array(bodyBytes);
  return new Uint8Array(
    Array.from({ length: count }, (_, i) => [
      ...new Box({ cmd: 1, sn: i + 1, body }).pack(),
    ]).flat(),
  );
}

async function assertAnswers(client: RawPeer, from: number, to: number) {
  for (let sn = from; sn <= to; sn++) {
    const frame = await client.nextFrame();
    assert(frame, `there is no answer ${sn}`);
    assertEquals(Box.fromFrame(frame).sn, sn);
  }
}

overTransports(
  "clientRate makes a client wait that sends more, and loses none of its frames",
  async (start) => {
    await using gateway = await start({ clientRate: 1 });
    await using _worker = await gateway.attachEcho();
    await using greedy = await gateway.connectRaw();
    await using modest = await gateway.connectRaw();
    await greedy.sendBytes(frames(50));
    await gateway.until(({ slowed }) => slowed === 1);
    await assertAnswers(greedy, 1, 2);
    await modest.sendBytes(frames(2));
    await assertAnswers(modest, 1, 2);
    const { clientFrames, ratesExceeded, limitedAddresses } = gateway.gateway
      .stats();
    assert(clientFrames < 50, `${clientFrames} frames were taken`);
    assert(ratesExceeded.frames >= 1);
    assertEquals(ratesExceeded.bytes, 0);
    assertEquals(limitedAddresses[0]?.address, "127.0.0.1");
    gateway.gateway.setLimits({ clientRate: 0 });
    await assertAnswers(greedy, 3, 50);
    await gateway.until(({ slowed }) => slowed === 0);
    await gateway.log.line(
      /WARN limits of clients: \d+ times a client is read from more slowly \(clientRate\); most often 127\.0\.0\.1/,
    );
  },
);

overTransports(
  "clientRate lets a client go on by itself when it may send again",
  async (start) => {
    await using gateway = await start({ clientRate: 40 });
    await using _worker = await gateway.attachEcho();
    await using client = await gateway.connectRaw();
    await client.sendBytes(frames(100));
    await assertAnswers(client, 1, 100);
    assert(gateway.gateway.stats().ratesExceeded.frames > 0);
  },
);

overTransports(
  "clientBytesRate takes a frame that is longer than what may come at once, and makes its client wait",
  async (start) => {
    await using gateway = await start({ clientBytesRate: 100 });
    await using _worker = await gateway.attachEcho();
    await using client = await gateway.connectRaw();
    await client.sendBytes(frames(2, 10_000));
    await assertAnswers(client, 1, 1);
    await gateway.until(({ slowed }) => slowed === 1);
    const { ratesExceeded, clientFrames } = gateway.gateway.stats();
    assertEquals([ratesExceeded, clientFrames], [{ frames: 0, bytes: 1 }, 1]);
    gateway.gateway.setLimits({ clientBytesRate: 0 });
    await assertAnswers(client, 2, 2);
  },
);

overTransports(
  "rateAction close closes a client for the frame that is too many, and says why",
  async (start) => {
    await using gateway = await start({
      clientRate: 5,
      rateAction: "close",
    });
    await using _worker = await gateway.attachEcho();
    await using greedy = await gateway.connectRaw();
    await using modest = await gateway.connectRaw();
    await greedy.sendBytes(frames(50));
    const answers = await greedy.closedByPeer();
    assert(answers <= 10, `${answers} answers`);
    const line = await gateway.log.line(
      /WARN client \d+ at .* closed: it sends/,
    );
    assertStringIncludes(line, greedy.localAddress);
    assertStringIncludes(line, "more than 5 frames a second (clientRate)");
    const { clientsClosed, ratesExceeded, clientFrames } = gateway.gateway
      .stats();
    assertEquals([clientsClosed.rate, ratesExceeded.frames], [1, 1]);
    assertEquals(clientFrames, 10);
    await modest.sendBytes(frames(2));
    await assertAnswers(modest, 1, 2);
  },
);

Deno.test("clientRate: pings of a WebSocket count, and a reason goes with the closing", async () => {
  const flood = new Uint8Array(
    Array.from({ length: 50 }, () => [...clientFrame(PING)]).flat(),
  );
  for (const rateAction of ["slow", "close"] as const) {
    await using gateway = await GatewayFixture.start({
      ...{ clientRate: 2, rateAction, wsPort: 0 },
    });
    const { hostname, port } = gateway.gateway.wsAddr!;
    const client = await WebSocketStream.open({ hostname, port });
    await client.conn.write(flood);
    if (rateAction === "slow") {
      await gateway.until(({ slowed }) => slowed === 1);
    } else {
      assertEquals(await client.read(new Uint8Array(1)), null);
      assertEquals(client.closeCode, 1008);
      assertStringIncludes(client.closeReason, "2 frames a second");
      const { clientsClosed, ratesExceeded } = gateway.gateway.stats();
      assertEquals([clientsClosed.rate, ratesExceeded.frames], [1, 1]);
    }
    client.close();
  }
});

Deno.test("clientRate: heartbeats count, and cost no worker anything", async () => {
  await using gateway = await GatewayFixture.start({
    clientRate: 1,
    heartbeatCmd: 1,
  });
  await using client = await gateway.connectRaw();
  await client.sendBytes(frames(20));
  await assertAnswers(client, 1, 2);
  await gateway.until(({ slowed }) => slowed === 1);
});

Deno.test("clientRate: who has to wait is not closed for silence", async () => {
  await using gateway = await GatewayFixture.start({
    clientRate: 0.01,
    connTimeout: 0.2,
  });
  await using _worker = await gateway.attachEcho();
  await using slowed = await gateway.connectRaw();
  await slowed.sendBytes(frames(3));
  await assertAnswers(slowed, 1, 1);
  for (let i = 0; i < 2; i++) {
    await using silent = await gateway.connectRaw();
    assertEquals(await silent.nextFrame(), null);
  }
  const { clients, slowed: count, clientsClosed } = gateway.gateway.stats();
  assertEquals([clients, count, clientsClosed.idle], [1, 1, 2]);
});

Deno.test("clientRate and clientQueueMax together hold a client back until neither does", async () => {
  await using gateway = await GatewayFixture.start({
    clientRate: 5,
    clientQueueMax: 4,
  });
  await using worker = await gateway.attach();
  await using client = await gateway.connectRaw();
  await client.sendBytes(frames(20));
  await gateway.until(({ clientPauses }) => clientPauses === 1);
  worker.close();
  await using _echo = await gateway.attachEcho();
  await assertAnswers(client, 1, 20);
  assert(gateway.gateway.stats().ratesExceeded.frames > 0);
});
