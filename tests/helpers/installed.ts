// isInstalled(): whether a program that some tests need is there.

/**
 * Whether a program is installed; without it, a line is printed that says what that means.
 *
 * @param command The program, and what asks it for its version.
 * @param without The Debian packages that it is in, and what is not tested without it.
 */
export async function isInstalled(
  command: readonly [name: string, version: string],
  without: { readonly packages: string; readonly untested: string },
): Promise<boolean> {
  const [name, version] = command;
  try {
    return (await new Deno.Command(name, {
      args: [version],
      stdout: "null",
      stderr: "null",
    }).output()).success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const { packages, untested } = without;
    console.log(`${name} is not installed (Debian: ${packages}): ${untested}`);
    return false;
  }
}
