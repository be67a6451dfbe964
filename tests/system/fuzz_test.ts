// Spoiled frames at everything that takes any, with honest clients beside: the short form of
// `deno task fuzz`.

import { assert, assertEquals } from "@std/assert";
import { TEST_IO } from "../helpers/test_io.ts";
import { runFuzz } from "./fuzz/run_fuzz.ts";
import { startStage } from "./fuzz/stages.ts";

const SEED = 20;

Deno.test("fuzz: spoiled frames end nothing, leave nothing behind and cost no honest client its answer", async () => {
  const said: string[] = [];
  const { findings, inputs, honestDone } = await runFuzz({
    seed: SEED,
    io: TEST_IO ?? "deno",
    seconds: 20,
    start: startStage,
    tell: (line) => said.push(line),
  });
  assertEquals(
    findings.map(({ faults }) => faults),
    [],
    `deno task fuzz --seed ${SEED}: ${said.join("; ")}`,
  );
  for (const [name, count] of Object.entries(inputs)) assert(count > 0, name);
  assert(honestDone > 50);
});
