// promtool: Prometheus's own check of metrics, where it is installed.

import { isInstalled } from "./installed.ts";

/** Whether it is installed; without it, a line is printed that says what that means. */
export const hasPromtool: boolean = await isInstalled(
  ["promtool", "--version"],
  { packages: "prometheus", untested: "metrics are not checked with it" },
);

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
