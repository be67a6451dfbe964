// HAProxy and nginx in front of a gateway, where they are installed.

import { eventually } from "./eventually.ts";
import { isInstalled } from "./installed.ts";
import { RunningProcess } from "./process.ts";

const untested = "nothing is tested behind it";

/** Whether HAProxy is installed. */
export const hasHaproxy: boolean = await isInstalled(
  ["haproxy", "-v"],
  { packages: "haproxy", untested },
);

const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** Whether nginx is installed, with its module for TCP. */
export const hasNginx: boolean = await isInstalled(["nginx", "-v"], {
  packages: "nginx and libnginx-mod-stream",
  untested,
}) &&
  isFile(STREAM_MODULE);

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A proxy that runs; at the end of the test it is killed, by its own id. */
export class Proxy implements AsyncDisposable {
  readonly #process: RunningProcess;
  readonly #folder: string;

  private constructor(process: RunningProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  /**
   * Starts HAProxy.
   *
   * @param config Its file.
   * @param port One at which it listens then.
   */
  static haproxy(config: string, port: number): Promise<Proxy> {
    return Proxy.#start(
      config,
      port,
      (file) => new RunningProcess("haproxy", { args: ["-db", "-f", file] }),
    );
  }

  /**
   * Starts nginx.
   *
   * @param blocks What its file says of TCP (`stream`) and HTTP.
   * @param port One at which it listens then.
   */
  static nginx(blocks: string, port: number): Promise<Proxy> {
    const config = `load_module ${STREAM_MODULE};
daemon off;
master_process off;
pid /dev/null;
error_log stderr;
events { worker_connections 256; }
${blocks}
`;
    return Proxy.#start(
      config,
      port,
      (file) =>
        new RunningProcess("nginx", { args: ["-c", file, "-e", "stderr"] }),
    );
  }

  static async #start(
    config: string,
    port: number,
    start: (file: string) => RunningProcess,
  ): Promise<Proxy> {
    const folder = Deno.makeTempDirSync({ prefix: "maple-test-" });
    const file = `${folder}/proxy.conf`;
    Deno.writeTextFileSync(file, config);
    const proxy = new Proxy(start(file), folder);
    try {
      await eventually(() => listens(port), { what: "a proxy that listens" });
      return proxy;
    } catch (error) {
      const { stderr } = proxy.#process;
      await proxy[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}; it says:\n${stderr}`);
    }
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

async function listens(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
