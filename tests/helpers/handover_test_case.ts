// A test with a path for a handover, on Linux, where there are handovers.

/** Makes a test of `fn`, which gets the path; nothing is there. Elsewhere it is ignored. */
export function handoverTest(
  name: string,
  fn: (path: string) => Promise<void>,
  { ignore = false }: { ignore?: boolean } = {},
): void {
  Deno.test({
    name,
    ignore: ignore || Deno.build.os !== "linux",
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "maple_handover_" });
      try {
        await fn(`${dir}/gateway.sock`);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}
