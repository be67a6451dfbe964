// Workers that are lost, as processes: all in one moment, and those that a request ends.

import { assertEquals } from "@std/assert";
import { Box, type BoxFields, RET, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { startGatewayProcess } from "../helpers/gateway_process.ts";
import type { Address } from "../helpers/raw_peer.ts";
import { LifeCmd, type Who } from "./programs/life_worker.ts";
import { WorkerProcess } from "./worker_process.ts";

/** Clients of a gateway, which are closed in the end. */
class Clients implements Disposable {
  readonly all: TcpClient<BoxFields>[] = [];

  static async connect(outer: Address, count: number): Promise<Clients> {
    const clients = new Clients();
    for (let i = 0; i < count; i++) {
      const { hostname, port } = outer;
      const client = new TcpClient(Box, hostname, port, { timeout: 30_000 });
      await client.connect();
      clients.all.push(client);
    }
    return clients;
  }

  /** Each of them sends a request. */
  async send(cmd: number, body: string): Promise<void> {
    for (const client of this.all) await client.write({ cmd, body });
  }

  /** What each of them reads next. */
  read() {
    return Promise.all(this.all.map((client) => client.read()));
  }

  [Symbol.dispose](): void {
    for (const client of this.all) client.close();
  }
}

/** Ends a master and all of its children at once. */
async function killAll(worker: WorkerProcess): Promise<void> {
  const { children } = worker;
  for (const pid of [worker.pid, ...children]) Deno.kill(pid, "SIGKILL");
  await worker.status;
  await worker.childrenGone();
}

function redelivered(boxes: readonly (BoxFields | null)[]): boolean[] {
  return boxes.map((box) => {
    assertEquals(box?.ret, 0);
    return (box as unknown as { json<T>(): T }).json<Who>().redelivered;
  });
}

for (const workers of [2, 4]) {
  for (const stoppedMs of [0, 3000]) {
    const when = stoppedMs ? ", while the gateway stands still" : "";
    Deno.test(`lost workers: of 24 requests in the hands of ${workers} none is given up when all are killed${when}`, async () => {
      await using gateway = await startGatewayProcess();
      await using worker = await WorkerProcess.start(gateway.inner, {
        workers,
      });
      using clients = await Clients.connect(gateway.outer, 24);
      await clients.send(LifeCmd.WHO, "");
      await clients.read();
      await clients.send(LifeCmd.HANG, "");
      // They are with the workers when another client has its answer.
      using other = await Clients.connect(gateway.outer, 1);
      await other.send(LifeCmd.WHO, "");
      await other.read();
      if (stoppedMs) Deno.kill(gateway.process.pid, "SIGSTOP");
      await killAll(worker);
      if (stoppedMs) {
        await new Promise((resolve) => setTimeout(resolve, stoppedMs));
        Deno.kill(gateway.process.pid, "SIGCONT");
      }
      await using _next = await WorkerProcess.start(gateway.inner, {
        workers,
      });
      assertEquals(
        redelivered(await clients.read()),
        Array.from({ length: 24 }, () => true),
      );
    });
  }
}

for (const ms of [0, 100]) {
  Deno.test(`lost workers: a request that ends its worker after ${ms} ms takes none of 20 others with it`, async () => {
    await using gateway = await startGatewayProcess();
    await using worker = await WorkerProcess.start(gateway.inner);
    using innocent = await Clients.connect(gateway.outer, 20);
    using poison = await Clients.connect(gateway.outer, 1);
    await innocent.send(LifeCmd.WORK, "200");
    await poison.send(LifeCmd.DIE, `${ms}`);
    redelivered(await innocent.read());
    const [box] = await poison.read();
    assertEquals(box?.ret, RET.WORKER_LOST);
    await eventually(() =>
      / a request with cmd 5, with which 2 workers were lost/.test(
        gateway.process.stderr,
      )
    );
    const { stderr } = gateway.process;
    assertEquals(stderr.match(/ worker \S+ \S+ closed: /g)?.length, 2);
    // The master has replaced both.
    await worker.logged(/ worker \d \(pid \d+\) started/, 4);
  });
}
