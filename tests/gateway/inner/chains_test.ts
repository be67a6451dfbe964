// Chains as a worker sees them on the wire: what is chained comes back by park time, and by what
// others do to its client.

import { assertEquals } from "@std/assert";
import {
  type BoxFields,
  RET,
  type Task,
  TaskCmd,
  TaskFlag,
  type TcpClient,
} from "@maple/box";
import type { GatewayOptions } from "@maple/gateway";
import { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

const { CHAINED, EXPLICIT_ACK } = TaskFlag;
const SHORT_US = 10;

/** A client, and a worker that has asked for one task, as one of ours whose tasks are short. */
class ChainedClient implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  private constructor(
    readonly gateway: GatewayFixture,
    readonly worker: RawWorker,
    readonly client: TcpClient<BoxFields>,
  ) {}

  static async start(options: GatewayOptions = {}): Promise<ChainedClient> {
    const stack = new AsyncDisposableStack();
    const gateway = stack.use(await GatewayFixture.start(options));
    const worker = stack.use(await gateway.attach());
    await worker.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: EXPLICIT_ACK,
      body: { chains: true },
    });
    const client = stack.use(await gateway.connect());
    const chained = new ChainedClient(gateway, worker, client);
    chained.#stack.use(stack);
    await chained.finish(await worker.expect(TaskCmd.CLIENT_CREATED));
    return chained;
  }

  /** Sends so many requests, which the worker gets as one chain. */
  async chain(length: number): Promise<Task[]> {
    for (let sn = 1; sn <= length; sn++) this.client.write({ cmd: 1, sn });
    const tasks: Task[] = [];
    while (tasks.length < length) {
      tasks.push(await this.worker.expect(TaskCmd.CLIENT_REQ));
    }
    assertEquals(
      tasks.map(({ flags }) => flags & CHAINED),
      tasks.map((_, i) => i > 0 ? CHAINED : 0),
    );
    return tasks;
  }

  /** Acknowledges a task, which took no time. */
  finish(task: Task, flags = 0): Promise<void> {
    return this.worker.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: EXPLICIT_ACK | flags,
      ret: task.ret,
      custom: SHORT_US,
    });
  }

  /** Gives a task back that was chained and is not begun. */
  giveBack(task: Task): Promise<void> {
    return this.finish(task, CHAINED);
  }

  /** Waits until the gateway wants to have back what is not begun. */
  async recalled(task: Task): Promise<void> {
    const recall = await this.worker.expect(TaskCmd.CLEAR_CLIENT_TASKS);
    assertEquals(recall.connId, task.connId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

Deno.test("what waits in a chain behind a slow handler comes back when park time is over, and is given up as what waits at the gateway", async () => {
  await using chained = await ChainedClient.start({ parkTime: 1 });
  const { gateway, worker, client } = chained;
  const [first, second, third] = await chained.chain(3);
  await chained.recalled(first!);
  await chained.giveBack(second!);
  await chained.giveBack(third!);
  await gateway.until((stats) => stats.queued === 2);
  // The only credit is withdrawn, so that nobody asks for them.
  await worker.send({ cmd: TaskCmd.CLEAR_CLIENT_TASKS });
  await worker.answer(first!, "done");
  await chained.finish(first!);
  assertEquals((await client.read())?.text(), "done");
  for (let i = 0; i < 2; i++) {
    assertEquals((await client.read())?.ret, RET.BUSY);
  }
});

Deno.test("what somebody else does to a client reaches what is chained of it: a login comes before it, a clear drops it, a close comes after it", async () => {
  await using chained = await ChainedClient.start();
  const { gateway, worker } = chained;
  await using trigger = await gateway.attach();
  const [first, second] = await chained.chain(2);
  const command = (cmd: number, uid = 0) =>
    trigger.send(first!.map({ cmd, uid, flags: 0 }));
  await command(TaskCmd.LOGIN_CLIENT, 5);
  await chained.recalled(first!);
  await chained.giveBack(second!);
  await chained.finish(first!);
  const again = await worker.expect(TaskCmd.CLIENT_REQ);
  assertEquals([again.uid, again.redelivered], [5, false]);
  await chained.finish(again);

  const [third, fourth] = await chained.chain(2);
  await command(TaskCmd.CLEAR_CLIENT_TASKS);
  await chained.recalled(third!);
  await chained.giveBack(fourth!);
  await gateway.until((stats) => stats.cleared === 1);
  await chained.finish(third!);

  const [fifth, sixth] = await chained.chain(2);
  await command(TaskCmd.CLOSE_CLIENT);
  await gateway.until((stats) => stats.clients === 0);
  await chained.finish(fifth!);
  await chained.finish(sixth!);
  const closed = await worker.expect(TaskCmd.CLIENT_CLOSED);
  assertEquals([closed.uid, closed.flags & CHAINED], [5, 0]);
  const { chained: added, chainsBegun, chainsRecalled, givenBack } = gateway
    .gateway.stats();
  assertEquals([added, chainsBegun, chainsRecalled, givenBack], [3, 3, 2, 2]);
});
