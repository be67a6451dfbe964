// NatsServer: a real nats-server, from Debian.

import { join } from "node:path";
import { endChild, startChild } from "./children.ts";
import { cpuOf } from "./program.ts";

const NATS_READY_MS = 10_000;

/** A nats-server that tells what it has given. */
export class NatsServer implements AsyncDisposable {
  /** Where its clients connect. */
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #monitor: string;

  private constructor(child: Deno.ChildProcess, ports: Ports) {
    this.#child = child;
    this.url = ports.nats[0]!;
    this.#monitor = ports.monitoring[0]!;
  }

  /**
   * Starts one.
   *
   * @param folder Where it may write which ports it has got.
   * @throws {Deno.errors.NotFound} when it is not installed.
   * @throws {Error} when it does not get ready.
   */
  static async start(folder: string): Promise<NatsServer> {
    const child = startChild("nats-server", {
      args: [
        ...["-a", "127.0.0.1", "-p", "-1", "-m", "-1"],
        ...["--ports_file_dir", folder],
      ],
      ...{ stdout: "null", stderr: "null" },
    });
    const file = join(folder, `nats-server_${child.pid}.ports`);
    const deadline = performance.now() + NATS_READY_MS;
    for (;;) {
      try {
        return new NatsServer(child, JSON.parse(await Deno.readTextFile(file)));
      } catch (error) {
        if (performance.now() > deadline) {
          await endChild(child);
          throw error;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The port of its clients. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** What it has given, and the processor seconds that it has used. */
  async told(): Promise<{ messages: number; bytes: number; cpu: number }> {
    const response = await fetch(`${this.#monitor}/varz`);
    const { out_msgs: messages, out_bytes: bytes } = await response.json();
    return { messages, bytes, cpu: await cpuOf(this.#child.pid) };
  }

  /** Ends it. */
  [Symbol.asyncDispose](): Promise<void> {
    return endChild(this.#child);
  }
}

interface Ports {
  readonly nats: string[];
  readonly monitoring: string[];
}
