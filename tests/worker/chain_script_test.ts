// The same script with chains and without: each answer and each event must be the same.

import { assert, assertEquals } from "@std/assert";
import { Box } from "@maple/box";
import type { Worker, WorkerRequest } from "@maple/worker";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { Random } from "../helpers/random.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { WorkerFixture } from "./worker_fixture.ts";

const CLIENTS = 10;
const ROUNDS = 25;
// All frames of a burst are in one write, and so small that the gateway reads them at once: so all
// of them are there before the first is handled, with chains and without.
const BURST = 8;
const COMMANDS = CLIENTS * ROUNDS * BURST;

const WHO = 1;
const LATER = 2;
const LOGIN = 3;
const LOGOUT = 4;
const CLEAR = 5;
const CLOSE = 6;
const PUSH = 7;
const ANSWERS_EARLY = 8;
const THROWS = 9;
const UNKNOWN = 10;
// What closes or takes long is rare.
const DICE = [
  ...Array(30).fill(WHO),
  ...Array(15).fill(LATER),
  ...Array(12).fill(LOGIN),
  ...Array(8).fill(LOGOUT),
  ...Array(6).fill(CLEAR),
  ...Array(2).fill(CLOSE),
  ...Array(10).fill(PUSH),
  ...Array(8).fill(ANSWERS_EARLY),
  ...Array(5).fill(THROWS),
  ...Array(4).fill(UNKNOWN),
] as number[];

/** What the handlers and hooks of the workers have seen, by connection. */
type Events = Map<unknown, string[]>;

function register(events: Events): (app: Worker) => unknown {
  const note = (request: WorkerRequest, what: string) => {
    let list = events.get(request.connId);
    if (!list) events.set(request.connId, list = []);
    const { uid, userdata, redelivered, clientAddress } = request;
    list.push(`${what} ${uid} ${userdata} ${redelivered} ${clientAddress}`);
  };
  const noted =
    <R>(work: (request: WorkerRequest) => R) => (request: WorkerRequest): R => {
      note(request, `cmd ${request.cmd} sn ${request.box.sn}`);
      return work(request);
    };
  const answer = (request: WorkerRequest) =>
    request.writeToClient({
      ret: 0,
      body: `${request.uid} ${request.userdata}`,
    });
  return (app) => {
    app.createClient((request) => note(request, "created"));
    app.closeClient((request) => note(request, "closed"));
    app.route(WHO, noted(answer));
    app.route(
      LATER,
      noted(async (request) => {
        for (let i = request.box.sn % 7; i > 0; i--) await undefined;
        if (request.box.sn % 20 === 0) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        answer(request);
      }),
    );
    app.route(
      LOGIN,
      noted((request) => {
        const uid = 1000 + Number(request.connId);
        request.loginClient(uid, request.box.sn);
        answer(request);
      }),
    );
    app.route(
      LOGOUT,
      noted(async (request) => {
        if (request.box.sn % 2 === 0) await undefined;
        request.logoutClient();
        answer(request);
      }),
    );
    app.route(
      CLEAR,
      noted(async (request) => {
        if (request.box.sn % 2 === 0) await undefined;
        request.clearClientTasks();
        answer(request);
        if (request.box.sn % 3 === 0) await undefined;
      }),
    );
    app.route(CLOSE, noted((request) => request.closeClient()));
    app.route(
      PUSH,
      noted((request) => {
        const { sn } = request.box;
        request.writeToUsers([[[1000 + Number(request.connId)], { sn }]]);
        answer(request);
      }),
    );
    app.route(
      ANSWERS_EARLY,
      noted(async (request) => {
        answer(request);
        await undefined;
        note(request, `after ${request.box.sn}`);
      }),
    );
    app.route(
      THROWS,
      noted((): void => {
        throw new Error("as it is to");
      }),
    );
  };
}

/** One connection of the script, and all that came by it. */
class ScriptClient {
  readonly got: string[] = [];
  readonly #reading: Promise<void>;
  isClosed = false;
  sn = 0;

  constructor(readonly peer: RawPeer) {
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for (;;) {
      const frame = await this.peer.nextFrame();
      if (!frame) break;
      const { cmd, sn, ret, body } = Box.fromFrame(frame);
      this.got.push(`${cmd} ${sn} ${ret} ${new TextDecoder().decode(body)}`);
    }
    this.isClosed = true;
  }

  async end(): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
    await this.#reading;
  }
}

async function run(chainMax: number, workers: number) {
  const random = new Random(15);
  const events: Events = new Map();
  await using gateway = await GatewayFixture.start({ chainMax });
  await using stack = new AsyncDisposableStack();
  for (let i = 0; i < workers; i++) {
    stack.use(
      await WorkerFixture.attach(gateway, { register: register(events) }),
    );
  }
  const all: ScriptClient[] = [];
  let frames = 0;
  const isIdle = () =>
    gateway.until((stats) =>
      stats.clientFrames === frames && stats.queued + stats.inHand === 0
    );
  const connect = async () => {
    const client = new ScriptClient(await gateway.connectRaw());
    all.push(client);
    // The number of the connection is the same in each run.
    const wanted = all.length;
    await gateway.until((stats) => stats.clientsAccepted === wanted);
    await isIdle();
    return client;
  };
  const clients: ScriptClient[] = [];
  for (let i = 0; i < CLIENTS; i++) clients.push(await connect());
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, client] of clients.entries()) {
      if (client.isClosed) clients[i] = await connect();
    }
    for (const client of clients) {
      const bytes = new Uint8Array(BURST * Box.headerBytes);
      for (let i = 0; i < BURST; i++) {
        const box = new Box({ cmd: random.pick(DICE), sn: ++client.sn });
        bytes.set(box.pack(), i * Box.headerBytes);
      }
      frames += BURST;
      await client.peer.sendBytes(bytes);
    }
    await isIdle();
    // What was closed is known to be so before the next round.
    const { clients: open } = gateway.gateway.stats();
    while (clients.filter(({ isClosed }) => !isClosed).length > open) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  await isIdle();
  const stats = gateway.gateway.stats();
  for (const client of all) await client.end();
  await gateway.until((stats) => stats.clients + stats.queued === 0);
  await isIdle();
  assertEquals(frames, COMMANDS);
  return {
    stats,
    got: all.map(({ got }) => got),
    events: Object.fromEntries(events),
  };
}

for (const workers of [1, 2]) {
  Deno.test(`the same ${COMMANDS} commands give the same answers and events with chains and without, with ${workers} worker(s)`, async () => {
    const without = await run(1, workers);
    const chained = await run(4, workers);
    assertEquals(without.stats.chained, 0);
    assert(
      chained.stats.chained > 100,
      `${chained.stats.chained} were chained`,
    );
    assert(chained.stats.givenBack > 20);
    assertEquals(chained.got, without.got);
    assertEquals(chained.events, without.events);
    for (const name of ["cleared", "answers", "userMessages"] as const) {
      assertEquals(chained.stats[name], without.stats[name], name);
    }
    assert(without.stats.cleared > 20);
  });
}
