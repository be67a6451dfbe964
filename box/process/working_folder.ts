// workingFolder: the folder that this process was started in, by the name that leads to it.

import { BoxError } from "../errors.ts";

// Noted before the program's own module runs, which may go elsewhere: its command line was meant
// here, and whoever is started again goes there in turn.
const STARTED_IN = find();

/**
 * The folder that this process was started in, as whoever started it has named it: where that was
 * by way of a symbolic link, the link, which may lead elsewhere by the time that the name is used.
 *
 * @returns `undefined` where this process may not know it.
 */
export function workingFolder(): string | undefined {
  return STARTED_IN;
}

function find(): string | undefined {
  try {
    const folder = Deno.cwd();
    return linkTo(folder) ?? folder;
  } catch {
    return undefined;
  }
}

// Shells tell it; whoever has changed the folder without telling has left a stale one.
function linkTo(folder: string): string | undefined {
  if (!isGranted({ name: "env", variable: "PWD" })) return undefined;
  const named = Deno.env.get("PWD");
  if (!named?.startsWith("/")) return undefined;
  return realPath(named) === folder ? named : undefined;
}

/**
 * Goes to a folder when the one that this process works in is gone, as it is when another has taken
 * its name.
 *
 * @param what What cannot be started without it.
 * @throws {BoxError} `state` when there is none.
 */
export function returnToFolder(folder: string, what: string): void {
  try {
    Deno.cwd();
  } catch (gone) {
    // It may not be known.
    if (!(gone instanceof Deno.errors.NotFound)) return;
    try {
      Deno.chdir(folder);
    } catch (cause) {
      throw new BoxError(
        "state",
        `Cannot start ${what}: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}

/**
 * The path of a program as it was called: by way of a symbolic link, perhaps, which leads to the
 * next version later.
 *
 * @param called How it was called.
 * @param found Where the program is.
 * @param folder The working folder.
 * @returns `undefined` when that cannot be told from how it was called.
 */
export function pathAsCalled(
  called: string | undefined,
  found: string,
  folder: string | undefined,
): string | undefined {
  // A bare name was looked for in many places.
  if (!called?.includes("/")) return undefined;
  const path = called.startsWith("/") ? called : `${folder}/${called}`;
  const real = realPath(path);
  return real !== undefined && real === realPath(found) ? path : undefined;
}

// Undefined when it leads nowhere or this process may not look.
function realPath(path: string): string | undefined {
  if (!isGranted({ name: "read", path })) return undefined;
  try {
    return Deno.realPathSync(path);
  } catch {
    return undefined;
  }
}

// To ask for a permission at a terminal is not worth this.
function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}
