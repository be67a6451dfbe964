// Program: one of the programs that make up the cluster.

const HERE = new URL(".", import.meta.url);

/** A program that runs until it is ended. */
export class Program implements AsyncDisposable {
  /** Its process. */
  readonly process: Deno.ChildProcess;
  readonly #isEnded: { yes: boolean } = { yes: false };

  private constructor(process: Deno.ChildProcess) {
    this.process = process;
    process.status.then(() => this.#isEnded.yes = true);
  }

  /** Whether it has ended. */
  get isEnded(): boolean {
    return this.#isEnded.yes;
  }

  /** Starts one and waits until a line of it says where it is. */
  static async start(
    command: string | URL,
    args: string[],
    { says, at }: { says: RegExp; at: "stdout" | "stderr" },
  ): Promise<[Program, RegExpExecArray]> {
    const process = new Deno.Command(command, {
      args,
      env: { NO_COLOR: "1" },
      stdout: at === "stdout" ? "piped" : "null",
      stderr: at === "stderr" ? "piped" : "null",
    }).spawn();
    let text = "";
    const chunks = process[at].pipeThrough(new TextDecoderStream());
    for await (const chunk of chunks.values({ preventCancel: true })) {
      text += chunk;
      const match = says.exec(text);
      if (!match) continue;
      // What it says later is read, and nobody wants it.
      chunks.pipeTo(new WritableStream()).catch(() => {});
      return [new Program(process), match];
    }
    throw new Error(`${command} ended before it was ready: ${text}`);
  }

  /** Starts one of ours. */
  static ours(
    file: string,
    args: string[],
  ): Promise<[Program, RegExpExecArray]> {
    const url = new URL(file, HERE).href;
    return Program.start(
      Deno.execPath(),
      ["run", "-A", "--unstable-net", url, ...args],
      { says: /^maple .*\n/m, at: "stdout" },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isEnded) this.process.kill("SIGTERM");
    await this.process.status;
  }
}
