// takeEnv: what a parent process tells its child, where this one may be told anything.

/** Whether this process may see what its parent tells it. */
export function mayTakeEnv(name: string): boolean {
  const descriptor = { name: "env", variable: name } as const;
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/**
 * The value of an environment variable, which is then gone: a program that an app starts must not
 * take itself for a child as well.
 */
export function takeEnv(name: string): string | undefined {
  // To ask for a permission at a terminal would stop the program.
  if (!mayTakeEnv(name)) return undefined;
  const value = Deno.env.get(name);
  if (value !== undefined) Deno.env.delete(name);
  return value;
}
