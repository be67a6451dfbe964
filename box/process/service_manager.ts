// tellServiceManager: what systemd wants to know of a program that it has started with Type=notify.

import { Passing } from "../net/passing.ts";
import type { Logger } from "../log/logger.ts";

const SOCKET = "NOTIFY_SOCKET";

/**
 * Tells the service manager that has started this process something, where there is one:
 * `READY=1`, `MAINPID=7`. That is a message to a Unix socket, which Deno cannot send by itself: it
 * goes by FFI, on Linux. Where it cannot be told, a warning says why.
 */
export function tellServiceManager(text: string, logger: Logger): void {
  if (!isGranted({ name: "env", variable: SOCKET })) return;
  const path = Deno.env.get(SOCKET);
  if (!path || Deno.build.os !== "linux") return;
  const why = tryToTell(path, text);
  if (why === undefined) return;
  logger.warn(`cannot tell the service manager at ${path} ${text}: ${why}`);
}

function tryToTell(path: string, text: string): string | undefined {
  if (!isGranted({ name: "ffi" })) return "--allow-ffi is missing";
  try {
    using passing = Passing.open();
    const failed = passing.notify(path, text);
    return failed < 0 ? passing.describe(failed) : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
