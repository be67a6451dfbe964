// promtool: Prometheus's own check of metrics, where it is installed.

/** Whether it is installed; without it, a line is printed that says what that means. */
export const hasPromtool: boolean = await isInstalled();

async function isInstalled(): Promise<boolean> {
  try {
    return (await new Deno.Command("promtool", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    }).output()).success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(
      "promtool is not installed (Debian: prometheus): metrics are not checked with it",
    );
    return false;
  }
}

/** What it finds wrong with metrics in the text format; empty when nothing. */
export async function promtoolProblems(metrics: string): Promise<string> {
  await using child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(metrics));
  await input.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  return code === 0 ? said : `${said}exit code ${code}`;
}
