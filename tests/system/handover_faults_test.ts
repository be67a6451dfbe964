// What is left of a handover of which one side is killed, stands still or refuses, at each message:
// always exactly one gateway, and no client notices, unless its gateway is the one that was killed.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import type { GatewayOptions } from "@maple/gateway";
import { EchoWorker } from "../helpers/echo_worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { handoverTest as test } from "../helpers/handover_test_case.ts";
import { type RunningProcess, startProcess } from "../helpers/process.ts";
import {
  at,
  early,
  gatewayArgs,
  momentOf,
  READY,
  startGateway as start,
} from "./faulty_gateway.ts";
import type { Fault } from "./programs/handover_fault.ts";

type BoxClient = ReturnType<typeof clientOf>;

// deno-lint-ignore explicit-function-return-type -- of the fields of Box
function clientOf(hostname: string, port: number) {
  return new TcpClient(Box, hostname, port, { timeout: 20 });
}

/** A gateway with some clients of which each has been answered, and one that is half in a frame. */
class Served implements AsyncDisposable {
  private constructor(
    readonly gateway: RunningProcess,
    readonly worker: EchoWorker,
    readonly clients: readonly BoxClient[],
    readonly half: Deno.TcpConn,
    readonly at: { hostname: string; port: number },
  ) {}

  static async start(
    options: GatewayOptions,
    fault?: Fault,
  ): Promise<Served> {
    const gateway = await start(options, fault);
    const [, outer, inner] = gateway.ready ?? await gateway.line(READY);
    const at = { hostname: "127.0.0.1", port: Number(outer) };
    const worker = await EchoWorker.attach({ ...at, port: Number(inner) });
    const clients: BoxClient[] = [];
    for (let i = 0; i < 5; i++) {
      const client = clientOf(at.hostname, at.port);
      await client.connect();
      clients.push(client);
    }
    const half = await Deno.connect(at);
    await half.write(new Box({ cmd: 1, body: "half" }).pack().subarray(0, 20));
    const served = new Served(gateway, worker, clients, half, at);
    await served.ask("before");
    return served;
  }

  /** All clients are answered, each on its connection. */
  async ask(what: string): Promise<void> {
    for (const [i, client] of this.clients.entries()) {
      await client.write({ cmd: 1, body: `${what} ${i}` });
    }
    for (const [i, client] of this.clients.entries()) {
      assertEquals((await client.read())?.text(), `${what} ${i}`);
    }
  }

  /** The one that was half in a frame sends the rest, and is answered. */
  async end(): Promise<void> {
    const frame = new Box({ cmd: 1, body: "half" }).pack();
    await this.half.write(frame.subarray(20));
    const answer = new Uint8Array(frame.length);
    for (let at = 0; at < answer.length;) {
      at += (await this.half.read(answer.subarray(at)))!;
    }
    assertEquals(Box.fromFrame(answer).text(), "half");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client.close();
    this.half.close();
    await this.worker[Symbol.asyncDispose]();
    await this.gateway[Symbol.asyncDispose]();
  }
}

const NEW_DIES: readonly Fault[] = [
  at("send", "HELLO", "before"),
  at("send", "HELLO", "after"),
  at("receive", "OFFER", "after"),
  at("send", "COPY", "before"),
  at("send", "COPY", "after"),
  early(at("receive", "DESCRIPTORS", "after")),
  early(at("receive", "STATE", "after")),
  at("receive", "COPIED", "after"),
  at("send", "TAKE", "before"),
  at("send", "TAKE", "after"),
  at("receive", "DESCRIPTORS", "after"),
  at("receive", "STATE", "after"),
  at("receive", "END", "after"),
  at("send", "MINE", "before"),
  at("send", "MINE", "after"),
  at("receive", "YOURS", "after"),
  at("send", "SERVING", "before"),
];

for (const fault of NEW_DIES) {
  test(
    `a gateway whose successor is killed ${
      momentOf(fault)
    } goes on, and is replaced by the next`,
    async (handover) => {
      await using served = await Served.start({ handover });
      await using dies = await start({ handover }, fault);
      const { signal } = await dies.finished();
      assertEquals(signal, "SIGKILL");
      await served.ask("still");
      await using next = await start({ handover });
      const { code } = await served.gateway.finished();
      assertEquals(code, 0, served.gateway.stderr);
      assertStringIncludes(next.ready![0], "generation=2");
      await served.ask("after");
      await served.end();
    },
  );
}

const OLD_DIES: readonly Fault[] = [
  at("send", "END", "after"),
  at("receive", "MINE", "after"),
  at("send", "YOURS", "before"),
  at("send", "YOURS", "after"),
  at("receive", "SERVING", "after"),
];

for (const fault of OLD_DIES) {
  test(
    `a gateway goes on with all clients when the one before is killed ${
      momentOf(fault)
    }`,
    async (handover) => {
      await using served = await Served.start({ handover }, fault);
      await using next = await start({ handover });
      assertEquals((await served.gateway.finished()).signal, "SIGKILL");
      assertStringIncludes(next.ready![0], "generation=2");
      await served.ask("after");
      await served.end();
    },
  );
}

const OLD_DIES_EARLY: readonly Fault[] = [
  at("send", "OFFER", "after"),
  at("receive", "COPY", "after"),
  early(at("send", "DESCRIPTORS", "after")),
  early(at("send", "STATE", "after")),
  at("send", "COPIED", "before"),
  at("send", "COPIED", "after"),
  at("receive", "TAKE", "after"),
  at("send", "DESCRIPTORS", "after"),
  at("send", "STATE", "before"),
  at("send", "STATE", "after"),
  at("send", "END", "before"),
];

for (const fault of OLD_DIES_EARLY) {
  test(
    `a gateway whose predecessor is killed ${
      momentOf(fault)
    } serves nobody with half of a state`,
    async (handover) => {
      await using served = await Served.start({ handover }, fault);
      await using next = await start({ handover });
      assertEquals((await served.gateway.finished()).signal, "SIGKILL");
      assertStringIncludes(next.ready![0], "refused: Cannot take the place");
      assertEquals((await next.finished()).code, 1);
    },
  );
}

const LATE: readonly Fault[] = [
  at("send", "TAKE", "after", "stop"),
  at("receive", "STATE", "after", "stop"),
  at("receive", "END", "after", "stop"),
  at("send", "MINE", "before", "stop"),
];

for (const fault of LATE) {
  test(`a gateway whose successor stands still at ${fault.message} goes on after handoverTimeout, and that one touches nothing when it moves again`, async (handover) => {
    await using served = await Served.start({ handover, handoverTimeout: 0.3 });
    await using late = await start({ handover }, fault);
    await eventually(() => /handoverTimeout/.test(served.gateway.stderr));
    await served.ask("still");
    late.kill("SIGCONT");
    const { code } = await late.finished();
    assertEquals(code, 1);
    assert(late.stdout.some((line) => /^gateway refused: /.test(line)));
    await served.ask("again");
    await served.end();
  });
}

for (const message of ["COPY", "COPIED"] as const) {
  const call = message === "COPY" ? "send" : "receive";
  test(`a gateway whose successor stands still at ${message} serves on, and is replaced when that one moves again`, async (handover) => {
    const options = { handover, handoverTimeout: 0.5 };
    await using served = await Served.start(options);
    const fault = at(call, message, "after", "stop");
    await using late = await start({ handover }, fault);
    await eventually(() => isStopped(late.pid));
    await served.ask("still");
    // Longer than what it has got early is of use.
    await new Promise((resolve) => setTimeout(resolve, 700));
    await served.ask("changed");
    late.kill("SIGCONT");
    assertEquals((await served.gateway.finished()).code, 0);
    await served.ask("after");
    await served.end();
  });
}

test("while a gateway gives its clients early another one that asks is refused in one line, and the first one takes its place", async (handover) => {
  await using served = await Served.start({ handover });
  await using first = await start(
    { handover },
    at("send", "COPY", "after", "stop"),
  );
  await eventually(() => isStopped(first.pid));
  await using second = await start({ handover });
  assertEquals(
    second.stdout[0],
    `gateway refused: Cannot take the place of the gateway at ${handover}: it is just handing over`,
  );
  assertEquals((await second.finished()).code, 1);
  await served.ask("still");
  first.kill("SIGCONT");
  assertEquals((await served.gateway.finished()).code, 0);
  await served.ask("after");
  await served.end();
});

test("a gateway that is to end while it gives its clients early ends in order, and the other one says so", async (handover) => {
  await using served = await Served.start({ handover });
  await using late = await start(
    { handover },
    at("receive", "COPIED", "after", "stop"),
  );
  await eventually(() => isStopped(late.pid));
  served.gateway.kill("SIGTERM");
  assertEquals(await served.half.read(new Uint8Array(1)), null);
  assertEquals((await served.gateway.finished()).code, 0);
  late.kill("SIGCONT");
  assertEquals((await late.finished()).code, 1);
  assertStringIncludes(late.stdout[0]!, "refused: Cannot take the place");
});

function isStopped(pid: number): boolean {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return /^\d+ \(.*\) T /.test(stat);
}

test("a successor that stands still when it was told that it may begin is ended, and the gateway goes on", async (handover) => {
  await using served = await Served.start({ handover, handoverTimeout: 0.3 });
  const fault = at("receive", "YOURS", "after", "stop");
  await using late = await start({ handover }, fault);
  assertEquals((await late.finished()).signal, "SIGKILL");
  await served.ask("still");
  await served.end();
});

test("a successor that could not be told that it is not to touch anything is ended when another one takes the place", async (handover) => {
  await using served = await Served.start({ handover, handoverTimeout: 0.3 });
  // More than the socket between the two holds.
  const large = new Box({ cmd: 1, body: new Uint8Array(900_000) }).pack();
  using conn = await Deno.connect(served.at);
  const part = large.subarray(0, 800_000);
  for (let sent = 0; sent < part.length;) {
    sent += await conn.write(part.subarray(sent));
  }
  await served.ask("large");
  const fault = at("send", "TAKE", "after", "stop");
  await using late = await start({ handover }, fault);
  await eventually(() => /handoverTimeout/.test(served.gateway.stderr));
  await using next = await start({ handover });
  assertEquals((await served.gateway.finished()).code, 0);
  try {
    late.kill("SIGCONT");
  } catch {
    // It has ended.
  }
  assertEquals((await late.finished()).signal, "SIGKILL");
  await served.ask("after");
  await served.end();
  void next;
});

test("a gateway with a limit below what is there refuses in one line, and the other one goes on", async (handover) => {
  await using served = await Served.start({ handover });
  await using refuses = await start({ handover, connsMax: 3 });
  assertEquals(
    refuses.stdout[0],
    `gateway refused: Cannot take the place of the gateway at ${handover}: there are 6 clients, and connsMax is 3`,
  );
  assertEquals((await refuses.finished()).code, 1);
  await eventually(() =>
    /does not take this one's place: there are 6 clients/.test(
      served.gateway.stderr,
    )
  );
  await served.ask("still");
  for (
    const [options, why] of [
      [{ nodeId: 5 }, "its nodeId is 0, and that of this one 5"],
      [{ order: "none" }, "its order is client, and that of this one none"],
    ] as const
  ) {
    await using other = await start({ handover, ...options });
    assertStringIncludes(other.stdout[0]!, why);
  }
  await served.end();
});

test("two gateways that want the same place at the same time: both are this gateway, one after the other", async (handover) => {
  await using served = await Served.start({ handover });
  const both = await Promise.all([start({ handover }), start({ handover })]);
  await using one = both[0];
  await using other = both[1];
  const ready = both.filter(({ ready }) => /ready/.test(ready![0]));
  assert(ready.length >= 1);
  await served.ask("after");
  await served.end();
  void [one, other];
});

test("a gateway refuses one of another container, whose process has no number there, and goes on", async (handover) => {
  if (!canUnshare()) return;
  const options = { handover, handoverTimeout: 0.3 };
  await using gateway = await startProcess("unshare", {
    args: [
      "--pid",
      "--fork",
      "--kill-child",
      Deno.execPath(),
      ...gatewayArgs(options),
    ],
    ready: READY,
  });
  const [, outer] = gateway.ready!;
  await using client = clientOf("127.0.0.1", Number(outer));
  await client.connect();
  await using late = await start(
    options,
    at("receive", "YOURS", "after", "stop"),
  );
  const { code } = await late.finished();
  assertEquals(code, 1);
  assertStringIncludes(late.stdout[0]!, "in another container");
  await eventually(() => /another container/.test(gateway.stderr));
  await using again = clientOf("127.0.0.1", Number(outer));
  await again.connect();
});

// Whether this user may start a process whose numbers are its own.
function canUnshare(): boolean {
  try {
    const args = ["--pid", "--fork", "--kill-child", "true"];
    return new Deno.Command("unshare", { args }).outputSync().success;
  } catch {
    return false;
  }
}
