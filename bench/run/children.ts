// Children: the processes that a benchmark has started, which end with it.

const running = new Set<Deno.ChildProcess>();

/**
 * Starts a process that ends with this one; {@linkcode endChild} ends it before.
 *
 * @throws {Deno.errors.NotFound} when there is no such program.
 */
export function startChild(
  executable: string,
  options: Deno.CommandOptions,
): Deno.ChildProcess {
  const child = new Deno.Command(executable, options).spawn();
  running.add(child);
  return child;
}

/** Ends a process, at once unless another signal is named, and waits for its end. */
export async function endChild(
  child: Deno.ChildProcess,
  signal: Deno.Signal = "SIGKILL",
): Promise<void> {
  kill(child, signal);
  await child.status;
  running.delete(child);
}

/** When this process is told to end, its children end as well, and `folder`, if any, is removed. */
export function endOnSignal(folder?: string): void {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      // One that has children of its own passes it on.
      for (const child of running) kill(child, "SIGTERM");
      if (folder !== undefined) Deno.removeSync(folder, { recursive: true });
      Deno.exit(code);
    });
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}
