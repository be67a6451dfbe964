// hasNpm: whether packages can be had from npm, and Node to run them.

/** Whether Node and npm are here and npm is answered; otherwise a line says what that means. */
export const hasNpm: boolean = await answers("node", ["--version"]) &&
  await answers("npm", ["view", "ws@8.18.0", "version"]);

async function answers(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      env: { npm_config_fetch_retries: "0", npm_config_fetch_timeout: "10000" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (success) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log(
    `${command} ${
      args.join(" ")
    } fails: the client is not built and tried for browsers and Node`,
  );
  return false;
}
