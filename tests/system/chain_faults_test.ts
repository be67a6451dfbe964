// Handlers that never end in the middle of a chain: it costs the one request, and what was chained
// behind it goes on elsewhere, in order, once.

import { assert, assertEquals } from "@std/assert";
import { type Box, type BoxFields, RET, type TcpClient } from "@maple/box";
import type { GatewayStats } from "@maple/gateway";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import { LifeCmd, type Who } from "./programs/life_worker.ts";
import { WorkerProcess } from "./worker_process.ts";

const FAULTY_SN = 3;
const REQUESTS = 8;
const SNS = Array.from({ length: REQUESTS }, (_, i) => i + 1);

/** What became of a request. */
interface Answer {
  readonly sn: number;
  readonly ret: number;
  readonly who: Who | undefined;
}

/** A client's requests, all sent in one write, so that they are there together. */
async function burst(
  gateway: GatewayFixture,
  client: TcpClient<BoxFields>,
  faulty: number = LifeCmd.WHO,
): Promise<Answer[]> {
  for (let sn = 1; sn <= REQUESTS; sn++) {
    const cmd = sn === FAULTY_SN ? faulty : LifeCmd.WHO;
    client.write({ cmd, sn });
  }
  const answers: Answer[] = [];
  while (answers.length < REQUESTS) {
    const box = await client.read();
    if (!box) throw new Error(`closed after ${answers.length} answers`);
    const { sn, ret } = box as Box;
    const who = ret === 0 ? box.json<Who>() : undefined;
    answers.push({ sn, ret, who });
  }
  await gateway.until((stats) => stats.inHand === 0 && stats.chains === 0);
  return answers;
}

/** Sends bursts until they are chained, for which the workers must have told how long they take. */
function untilChained(
  gateway: GatewayFixture,
  client: TcpClient<BoxFields>,
): Promise<void> {
  return eventually(async () => {
    const { chained } = gateway.gateway.stats();
    await burst(gateway, client);
    return gateway.gateway.stats().chained === chained + REQUESTS - 1;
  }, { timeout: 30_000 });
}

/**
 * Sends a burst with a request that never ends, and looks at what came of it; on a busy machine
 * tasks may take too long to be chained just then, and it is done again.
 *
 * @param look Answers whether the requests behind the faulty one were chained.
 */
async function untilFaultInChain(
  gateway: GatewayFixture,
  client: TcpClient<BoxFields>,
  { faulty, look }: {
    faulty: number;
    look: (
      answers: readonly Answer[],
      before: GatewayStats,
      after: GatewayStats,
    ) => boolean;
  },
): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    await untilChained(gateway, client);
    const before = gateway.gateway.stats();
    const answers = await burst(gateway, client, faulty);
    assertEquals(answers.map(({ sn }) => sn), SNS);
    const after = gateway.gateway.stats();
    assertEquals(after.acknowledged - before.acknowledged, REQUESTS);
    assertEquals(after.givenUp, 0);
    if (look(answers, before, after)) return;
  }
  throw new Error("nothing was chained behind the faulty request");
}

Deno.test('chains: with onWorkTimeout "replace" what is chained behind a handler that hangs is given back and goes on elsewhere', async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    workers: 2,
    workTimeout: 2,
    onWorkTimeout: "replace",
  });
  await using client = await gateway.connect();
  await untilFaultInChain(gateway, client, {
    faulty: LifeCmd.HANG,
    look(answers, before, after) {
      for (const { sn, ret, who } of answers) {
        assertEquals(ret, sn === FAULTY_SN ? RET.WORKER_LOST : 0);
        assertEquals(who?.redelivered ?? false, false);
      }
      assertEquals(after.redelivered, 0);
      const [pid, ...pids] = answers.map(({ who }) => who?.pid);
      const elsewhere = pids.slice(FAULTY_SN - 1);
      const isChained = after.givenBack - before.givenBack === elsewhere.length;
      if (isChained) assert(elsewhere.every((other) => other !== pid));
      return isChained;
    },
  });
  // Nothing of it comes later, and the next ones are chained again.
  await untilChained(gateway, client);
  await worker.logged(/ended: exit code 0/);
});

Deno.test("chains: what is chained behind a handler that blocks its worker is handed out again when that is killed", async () => {
  await using gateway = await GatewayFixture.start();
  await using worker = await WorkerProcess.start(gateway.inner, {
    workers: 2,
    workTimeout: 2,
  });
  await using client = await gateway.connect();
  await untilFaultInChain(gateway, client, {
    faulty: LifeCmd.BLOCK,
    look(answers, before, after) {
      assert(answers.every(({ ret }) => ret === 0));
      const again = answers.filter(({ who }) => who!.redelivered);
      assertEquals(after.redelivered - before.redelivered, again.length);
      assertEquals(after.givenBack, 0);
      // Those before it may have been answered when it blocked.
      const isChained = again.length > REQUESTS - FAULTY_SN;
      if (isChained) {
        assertEquals(again.map(({ sn }) => sn), SNS.slice(-again.length));
      }
      return isChained;
    },
  });
  await untilChained(gateway, client);
  await worker.logged(/ended: killed: its event loop was blocked/);
});
