// What the gateway as a program gives up once it runs: whoever finds a way to run code in it has no
// more than it needs.

import type { Settings } from "./settings.ts";

/** The names of permissions that can be given up. */
export type Dropped = "run" | "import" | "ffi" | "write";

// A file here is opened by a program that may do all, and by no other.
const DEVICE = /^\/(dev|proc)\//;

/**
 * Which permissions a gateway does not need any more once it listens. It has to read (the config
 * file, certificates, secrets and who is denied, at HUP), to use the network, and to ask for its
 * environment. Where it logs to a device it needs all, to open that again.
 */
export function unneededPermissions(
  { logFile, statFile, gateway: { io } }: Settings,
): Dropped[] {
  if ([logFile, statFile].some((path) => path && DEVICE.test(path))) return [];
  return [
    "run",
    "import",
    ...io === "epoll" ? [] : ["ffi" as const],
    ...logFile === undefined && statFile === undefined
      ? ["write" as const]
      : [],
  ];
}

/**
 * Gives them up, for ever.
 *
 * @param but Those that this process needs all the same.
 * @returns Those that it had.
 */
export function dropPermissions(
  settings: Settings,
  but: readonly Dropped[] = [],
): Dropped[] {
  return unneededPermissions(settings).filter((name) => {
    if (but.includes(name)) return false;
    const descriptor = { name } as Deno.PermissionDescriptor;
    try {
      if (Deno.permissions.querySync(descriptor).state === "prompt") {
        return false;
      }
      return Deno.permissions.revokeSync(descriptor).state !== "granted";
    } catch {
      // A Deno that does not know it.
      return false;
    }
  });
}
