// The name under which the system lists this process.

/**
 * Names this process in the `comm` column of `ps` and in `top`, up to 15 characters, where the
 * system and the permissions allow it (Linux); elsewhere nothing happens.
 */
export function setProcessName(name: string): void {
  if (Deno.build.os !== "linux") return;
  const path = "/proc/self/comm";
  try {
    // Writing without the permission would ask for it at a terminal.
    const { state } = Deno.permissions.querySync({ name: "write", path });
    if (state !== "granted") return;
    Deno.writeTextFileSync(path, name.slice(0, 15));
  } catch {
    // Only a convenience: without the permission the process goes by its program's name.
  }
}
