// watchMaster: ends a child whose master is gone, whatever the child's event loop does. Only
// another thread can: one that holds a connection to the master and waits for its end. It sleeps
// until then; it costs some 7 MB.

import { CHILD_ENV } from "./child_process.ts";
import { takeEnv } from "./env.ts";

// As text, so that it is in a compiled program without being named there.
function threadSource(port: number, graceMs: number): string {
  return `
    try {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: ${port} });
      const buffer = new Uint8Array(64);
      while (await conn.read(buffer) !== null);
    } catch {
      // The connection has broken, or there is no master any more.
    }
    setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), ${graceMs});
  `;
}

/**
 * Kills this process when its master is gone and it has not left by itself, until it is disposed
 * of. It needs the permissions to connect to the master and to run programs.
 *
 * @param port Where the master waits for lines of its children.
 * @param graceMs Milliseconds that this process has to leave, counted from the master's end.
 */
export function watchMaster(port: number, graceMs: number): Disposable {
  const source = encodeURIComponent(threadSource(port, graceMs));
  const thread = new Worker(`data:text/javascript,${source}`, {
    type: "module",
    name: "maple-master-watch",
  });
  // Without a permission, say: then there is no watch, and all else goes on.
  thread.onerror = (event) => event.preventDefault();
  return { [Symbol.dispose]: () => thread.terminate() };
}

// The module of a child may hang, or compute, before it comes to `run`: a child is watched from the
// moment it imports this.
let early = watchEarly();

function watchEarly(): Disposable | undefined {
  const names = [CHILD_ENV.CONTROL, CHILD_ENV.STOP_LIMIT];
  // To ask for a permission at a terminal is not worth this.
  const mayRead = names.every((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
  );
  if (!mayRead) return undefined;
  const limit = takeEnv(CHILD_ENV.STOP_LIMIT);
  const control = Deno.env.get(CHILD_ENV.CONTROL);
  if (limit === undefined || control === undefined) return undefined;
  // A module that never comes to `run` ends as it would without the watch, which holds its process.
  globalThis.addEventListener(
    "load",
    () => takeEarlyWatch()?.[Symbol.dispose](),
  );
  return watchMaster(parseInt(control), Number(limit));
}

/** The watch of this child that was begun when it was started; whoever takes it has to end it. */
export function takeEarlyWatch(): Disposable | undefined {
  const taken = early;
  early = undefined;
  return taken;
}
