// takeEnv: what a parent process tells its child.

/**
 * The value of an environment variable, which is then gone: a program that an app starts must not
 * take itself for a child as well.
 */
export function takeEnv(name: string): string | undefined {
  const value = Deno.env.get(name);
  if (value !== undefined) Deno.env.delete(name);
  return value;
}
