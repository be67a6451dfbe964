// A reload while the gateway lets no further worker in: the old processes stay and serve.

import { assertEquals, assertMatch } from "@std/assert";
import { Box } from "@maple/box";
import { Trigger } from "@maple/trigger";
import { eventually } from "../helpers/eventually.ts";
import { GatewayFixture } from "../helpers/gateway_fixture.ts";
import type { Address } from "../helpers/raw_peer.ts";
import { RequestLoad } from "./request_load.ts";
import { WorkerProcess } from "./worker_process.ts";

async function oldOnesStay(
  worker: WorkerProcess,
  gateway: GatewayFixture,
  says: RegExp,
): Promise<void> {
  const old = worker.children;
  await using load = await RequestLoad.start(gateway.outer, 2);
  worker.kill("SIGHUP");
  const [line] = await worker.logged(/ ERROR master/);
  assertMatch(line!, says);
  await eventually(() => worker.children.length === old.length);
  assertEquals(worker.children, old);
  const { answered } = load;
  await eventually(() => load.answered > answered + 50);
  await load.stop();
  assertEquals(gateway.gateway.stats().workers, old.length);
}

Deno.test("worker reload: the old processes stay when innerConnsMax is used up, and leave when it no longer is", async () => {
  await using gateway = await GatewayFixture.start({ innerConnsMax: 5 });
  await using worker = await WorkerProcess.start(gateway.inner, {
    reloadTimeout: 4,
  });
  const { hostname, port } = gateway.inner;
  const triggers = Array.from(
    { length: 3 },
    () => new Trigger(Box, hostname, port),
  );
  await Promise.all(triggers.map((trigger) => trigger.connect()));
  await oldOnesStay(
    worker,
    gateway,
    /reload failed, the old processes stay: the new ones were not ready within 4 s \(reloadTimeout\): gateway \S+ does not let this worker in, .*innerConnsMax/,
  );
  await Promise.all(triggers.map((trigger) => trigger.close()));
  worker.kill("SIGHUP");
  await worker.logged(/reloaded: the new processes are ready/);
  worker.kill("SIGTERM");
  assertEquals((await worker.finished()).code, 0);
});

Deno.test("worker reload: the old processes stay when the new ones are left in the system's queue", async () => {
  await using gateway = await GatewayFixture.start();
  await using proxy = new FullProxy(gateway.inner, 2);
  await using worker = await WorkerProcess.start(proxy.address, {
    reloadTimeout: 4,
  });
  await oldOnesStay(
    worker,
    gateway,
    /the new ones were not ready within 4 s \(reloadTimeout\): gateway \S+ has not let this worker in yet/,
  );
});

/** Accepts so many connections and passes them on; further ones wait in the system's queue. */
class FullProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ends: Deno.TcpConn[] = [];
  readonly #running: Promise<unknown>;

  constructor(to: Address, count: number) {
    this.#running = this.#run(to, count);
  }

  get address(): Address {
    return this.#listener.addr as Deno.NetAddr;
  }

  async #run({ hostname, port }: Address, count: number): Promise<void> {
    const pipes: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const near = await this.#listener.accept();
      const far = await Deno.connect({ hostname, port });
      this.#ends.push(near, far);
      pipes.push(
        near.readable.pipeTo(far.writable),
        far.readable.pipeTo(near.writable),
      );
    }
    await Promise.allSettled(pipes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const end of this.#ends) {
      try {
        end.close();
      } catch {
        // It has ended by itself.
      }
    }
    await this.#running;
  }
}
