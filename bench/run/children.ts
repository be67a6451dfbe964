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

/** Ends a process at once and waits for its end. */
export async function endChild(child: Deno.ChildProcess): Promise<void> {
  kill(child);
  await child.status;
  running.delete(child);
}

/** When this process is told to end, its children end as well, and `folder`, if any, is removed. */
export function endOnSignal(folder?: string): void {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      running.forEach(kill);
      if (folder !== undefined) Deno.removeSync(folder, { recursive: true });
      Deno.exit(code);
    });
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}
