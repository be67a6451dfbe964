// What is left of a handover in miniature.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { SILENT } from "@maple/box/internal";
import { rehearse } from "../../gateway/rehearsal.ts";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";

const ignore = Deno.build.os !== "linux";

// Without what a process opens once, and its threads.
const AGAIN = `
import { rehearse } from ${
  JSON.stringify(pathOf("../../gateway/rehearsal.ts"))
};
const told = [];
const logger = { debug: (line) => told.push(line) };
const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
for (let i = 0; i < 3; i++) await rehearse(logger);
const before = count();
await rehearse(logger);
console.log(JSON.stringify({ told, more: count() - before }));
`;

Deno.test({
  name: "a rehearsal of the handover comes to its end and leaves nothing",
  ignore,
  async fn() {
    // In a process of its own, whose descriptors are nobody else's.
    const { stdout, stderr } = await runProcess(Deno.execPath(), {
      args: ["eval", "--quiet", "--config", pathOf("../../deno.json"), AGAIN],
    });
    assertEquals(stdout, [JSON.stringify({ told: [], more: 0 })], stderr);
  },
});

Deno.test({
  name: "a gateway that cannot rehearse goes on without",
  ignore,
  async fn() {
    const told: string[] = [];
    const logger = { ...SILENT, debug: (line: string) => void told.push(line) };
    const dlopen = Deno.dlopen;
    Deno.dlopen = () => {
      throw new Error("no library");
    };
    try {
      await rehearse(logger);
    } finally {
      Deno.dlopen = dlopen;
    }
    assertStringIncludes(told.join(), "no library");
  },
});
