// startProgram: another program of this project as a process of its own, for programs that show
// several together.

/** A program that has said that it is ready. */
export interface Program extends AsyncDisposable {
  /** Its process. */
  readonly process: Deno.ChildProcess;
  /** The line with which it said that it is ready. */
  readonly ready: string;
}

/**
 * Starts a program and waits until it says that it is ready; it is ended in order.
 *
 * @param file The program.
 * @param args Its arguments.
 * @param stderr What becomes of its log. @default {"null"}
 */
export async function startProgram(
  file: URL,
  args: readonly string[],
  stderr: "null" | "inherit" = "null",
): Promise<Program> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", file.href, ...args],
    stdin: "null",
    stdout: "piped",
    stderr,
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  let ready = "";
  while (!ready.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${file} ended before it was ready`);
    ready += value;
  }
  return {
    process,
    ready: ready.trim(),
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGTERM");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
      await process.status;
      await reader.cancel();
    },
  };
}
