// HAProxy: what people put in front of servers, as a yardstick where it is installed.

import { join } from "node:path";
import { endChild, startChild } from "./children.ts";
import { freePort } from "./free_port.ts";

const STARTING_MS = 5000;
const LOOK_MS = 20;

/** An HAProxy that forwards TCP connections to a server of this machine. */
export class Haproxy implements AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /**
   * Starts one and waits until it accepts connections; undefined where it is not installed.
   *
   * @param pem A file with certificate and key: then it ends TLS.
   * @param folder Where its configuration may lie.
   * @throws {Error} when it does not come up.
   */
  static async start(
    serverPort: number,
    folder: string,
    { pem }: { readonly pem?: string } = {},
  ): Promise<Haproxy | undefined> {
    const port = freePort();
    const config = join(folder, "haproxy.cfg");
    await Deno.writeTextFile(config, configuration(port, serverPort, pem));
    try {
      const child = startChild("haproxy", {
        args: ["-db", "-f", config],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      });
      await listening(child, port);
      return new Haproxy(child, port);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Ends it at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endChild(this.#child);
  }
}

// As it is installed, but for what it must be told.
function configuration(
  port: number,
  serverPort: number,
  pem: string | undefined,
): string {
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 5m
  timeout server 5m
listen bench
  bind 127.0.0.1:${port}${pem === undefined ? "" : ` ssl crt ${pem}`}
  server echo 127.0.0.1:${serverPort}
`;
}

async function listening(
  child: Deno.ChildProcess,
  port: number,
): Promise<void> {
  let ended = false;
  child.status.then(() => ended = true);
  for (let waited = 0; waited < STARTING_MS && !ended; waited += LOOK_MS) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  await endChild(child);
  throw new Error("HAProxy does not come up");
}
