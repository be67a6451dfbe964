// A gateway whose log nobody reads, and one whose log has no room: both go on serving.

import { assert, assertEquals } from "@std/assert";
import { Box, TcpClient } from "@maple/box";
import { eventually } from "../helpers/eventually.ts";
import { EchoWorker } from "../helpers/echo_worker.ts";
import {
  GATEWAY_ALL_ARGS,
  GATEWAY_ARGS,
  GATEWAY_READY,
  startGatewayProcess,
} from "../helpers/gateway_process.ts";
import { type Address, RawPeer } from "../helpers/raw_peer.ts";
import { within } from "../helpers/within.ts";

const GARBAGE = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n".repeat(9));
// Each leaves a line of some 100 bytes: more than a pipe of 64 KiB and a buffer of 256 KiB take.
const CLIENTS = 5000;

/** A gateway whose stderr is read only when asked for. */
class UnreadGateway implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  /** What was read of its log. */
  log = "";
  #reading: Promise<void> | undefined;
  readonly outer: Address;
  readonly inner: Address;

  private constructor(child: Deno.ChildProcess, ready: RegExpExecArray) {
    const [, outerHost, outerPort, innerHost, innerPort] = ready;
    this.#child = child;
    this.outer = { hostname: outerHost!, port: Number(outerPort) };
    this.inner = { hostname: innerHost!, port: Number(innerPort) };
  }

  static async start(flags: readonly string[]): Promise<UnreadGateway> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...GATEWAY_ARGS,
        ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
        ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
        ...flags,
      ],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = "";
    for (;;) {
      const { value, done } = await within(reader.read(), "ready", 30_000);
      text += value ?? "";
      const ready = GATEWAY_READY.exec(text.trimEnd());
      if (ready) {
        await reader.cancel();
        return new UnreadGateway(child, ready);
      }
      if (done) throw new Error(`not ready: ${text}`);
    }
  }

  /** Begins to read its log. */
  read(): void {
    const text = this.#child.stderr.pipeThrough(new TextDecoderStream());
    this.#reading = (async () => {
      for await (const piece of text) this.log += piece;
    })();
  }

  /** Asks it to leave; answers its exit code, when all of its log is read that is to be read. */
  async finish(): Promise<number> {
    this.#child.kill("SIGTERM");
    const { code } = await within(this.#child.status, "its end", 30_000);
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await (this.#reading ?? this.#child.stderr.cancel());
  }
}

async function sendGarbage(outer: Address, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await using peer = await RawPeer.connect(Box, outer);
    await peer.sendBytes(GARBAGE);
    await peer.closedByPeer();
  }
}

async function serves({ outer }: { outer: Address }): Promise<void> {
  await using client = new TcpClient(Box, outer.hostname, outer.port, {
    timeout: 10,
  });
  await client.connect();
  for (let sn = 0; sn < 100; sn++) {
    await client.write({ cmd: 1, sn, body: "hello" });
    assertEquals((await client.read())?.text(), "hello");
  }
}

Deno.test("a gateway whose stderr nobody reads goes on serving, and tells how many lines it has dropped", async () => {
  await using gateway = await UnreadGateway.start(["--log-level", "DEBUG"]);
  await using _worker = await EchoWorker.attach(gateway.inner);
  await Promise.all([
    sendGarbage(gateway.outer, CLIENTS / 2),
    sendGarbage(gateway.outer, CLIENTS / 2),
    serves(gateway),
  ]);
  await serves(gateway);
  gateway.read();
  const dropped = () =>
    Number(
      / WARN {2}gateway\[\d+\] (\d+) log lines were dropped here: /
        .exec(gateway.log)?.[1],
    );
  await eventually(() => dropped() > 100, { what: "a line that tells it" });
  assertEquals(await gateway.finish(), 0);
  const lines = gateway.log.trimEnd().split("\n");
  for (const line of lines) assert(/ gateway\[\d+\] /.test(line), line);
  assert(
    lines.slice(-3).some((line) => line.endsWith("] closed")),
    gateway.log.slice(-2000),
  );
});

Deno.test("a gateway whose stderr nobody reads ends when it is asked to", async () => {
  await using gateway = await UnreadGateway.start([
    ...["--log-level", "DEBUG", "--drain-timeout", "0"],
  ]);
  await sendGarbage(gateway.outer, CLIENTS);
  assertEquals(await gateway.finish(), 0);
});

Deno.test(
  "a gateway whose log file has no room serves, says so on stderr and ends with 0",
  {
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    await using gateway = await startGatewayProcess(
      ["--log-file", "/dev/full"],
      // A device is opened by a program that may do all, and by no other.
      GATEWAY_ALL_ARGS,
    );
    await using _worker = await EchoWorker.attach(gateway.inner);
    await serves(gateway);
    const { process } = gateway;
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    const lines = process.stderr.trimEnd().split("\n");
    for (const line of lines) {
      assert(
        / \(not in the log file: No space left on device/.test(line),
        line,
      );
    }
    assert(lines.at(-1)!.includes("] closed ("), lines.at(-1));
  },
);
