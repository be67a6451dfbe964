// What the fuzz takes for a finding, and what it makes of one.

import { assert, assertEquals } from "@std/assert";
import { contentOf, formatInputs, parseInputs } from "./input.ts";
import { proofOf, Secret } from "@maple/box/internal";
import {
  KNOWN_SECRETS,
  proofs,
  UNKNOWN_SECRETS,
  withCode,
} from "./generate/proofs.ts";
import { MemoryWatch } from "./memory_watch.ts";
import { HonestClient } from "./honest_client.ts";
import { ProcessWatch } from "./process_watch.ts";
import { replay, runFuzz } from "./run_fuzz.ts";
import { shrink } from "./shrink.ts";
import type { Stage } from "./stage.ts";
import { makeInput, TARGETS } from "./targets.ts";
import { Random } from "../../helpers/random.ts";
import { RunningProcess } from "../../helpers/process.ts";
import { spoil } from "./spoil.ts";

const BOX = TARGETS.find(({ name }) => name === "box")!;

/** Bears no two bytes 0xff at the end of a connection's first frame; tells so when it settles. */
class Brittle implements Stage {
  readonly honestDone = 0;
  readonly messages = 0;
  #faults: string[] = [];

  deliver(_: unknown, { frames: [frame] }: { frames: readonly Uint8Array[] }) {
    if (frame?.at(-1) === 255 && frame.at(-2) === 255) {
      this.#faults.push("it is broken");
    }
    return Promise.resolve();
  }

  faults(): string[] {
    return [];
  }

  settle(): Promise<string[]> {
    return Promise.resolve(this.#faults.splice(0));
  }

  memory(): Record<string, number> {
    return {};
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const start = () => Promise.resolve(new Brittle());

Deno.test("the seed, the target and the number determine an input, in a file as well", () => {
  for (const target of TARGETS) {
    const inputs = [0, 1, 2].map((index) => makeInput(target, 7, index));
    assertEquals(inputs, [0, 1, 2].map((index) => makeInput(target, 7, index)));
    const named = inputs.map((input) => ({ target: target.name, input }));
    assertEquals(parseInputs(formatInputs(named)), named);
  }
  assert(
    String(contentOf(makeInput(BOX, 7, 0))) !==
      String(contentOf(makeInput(BOX, 8, 0))),
  );
});

Deno.test("spoil() leaves the frames that it is given as they are", () => {
  const random = new Random(1);
  const frames = [random.bytes(40), random.bytes(3), new Uint8Array(0)];
  const before = structuredClone(frames);
  const outcomes = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    outcomes.add(String(spoil(random, frames, { lengthAt: 8 })));
  }
  assertEquals(frames, before);
  assert(outcomes.size > 1000);
});

Deno.test("a finding is told with the inputs that it came with, and shrunk to the bytes that do it", async () => {
  const seed = 1;
  const { findings, inputs } = await runFuzz({
    ...{ seed, io: "deno", seconds: 1e9, only: ["box"], count: 5000, start },
  });
  assertEquals(inputs, { box: 5000 });
  const [finding] = findings;
  assertEquals(finding?.faults[0], "it is broken");
  const named = finding!.inputs.map(({ target, index }) => ({
    target: target.name,
    input: makeInput(target, seed, index),
  }));
  const shrunk = await shrink(
    named,
    async (inputs) => (await replay(inputs, { io: "deno", start })).length > 0,
    () => true,
  );
  assertEquals(shrunk?.length, 1);
  assertEquals(shrunk![0]!.input.frames, [Uint8Array.of(255, 255)]);
  assertEquals(shrunk![0]!.input.pieces, []);
});

Deno.test("hostile peers prove what they know, as far as their proof is not spoiled", () => {
  const challenge = new Random(1).bytes(32);
  let proven = 0;
  for (let i = 0; i < 100; i++) {
    const [frame] = proofs(new Random(i));
    const proof = proofOf(withCode(frame!, challenge));
    if (!proof) continue;
    const { trigger, monitor, worker } = {
      ...KNOWN_SECRETS,
      ...UNKNOWN_SECRETS,
    };
    const knows = (role: "trigger" | "monitor" | "worker", text = "") =>
      new Secret(role, text).isProvenBy(proof, challenge);
    if (knows("trigger", trigger) || knows("monitor", monitor)) proven++;
    assert(!knows("worker", worker));
  }
  assert(proven > 30, `${proven}`);
});

Deno.test("shrink() tells that it does not come again", async () => {
  const inputs = [{ target: "box", input: makeInput(BOX, 1, 1) }];
  const result = await shrink(inputs, () => Promise.resolve(false), () => true);
  assertEquals(result, undefined);
});

Deno.test("a process is at fault that logs errors, too much or what is no log, and that ends", async () => {
  const line = (level: string, text: string) =>
    `2026-01-31T23:59:59.123+02:00 ${level} gateway[42] ${text}`;
  const storm = Array.from(
    { length: 13 },
    (_, i) => line("WARN ", `conn=${i} 1.2.3.${i}:99 sent ${i} bytes`),
  );
  const lines = [
    line("INFO ", "all is well"),
    line("ERROR", "allowed"),
    line("ERROR", "Uncaught TypeError"),
    "    at file:///gateway.ts:1:1",
    ...storm,
  ];
  await using process = new RunningProcess(Deno.execPath(), {
    args: ["eval", `console.error(${JSON.stringify(lines.join("\n"))})`],
  });
  const watch = new ProcessWatch("gateway", process, /allowed$/);
  await process.finished();
  const faults = watch.faults().map((fault) => fault.slice(0, 40));
  assertEquals(faults, [
    'gateway has ended with code 0: "2026-01-',
    'gateway logged an error: "2026-01-31T23:',
    "gateway wrote a line that is none of a l",
    "gateway logged 13 lines alike in a secon",
  ]);
  assertEquals(watch.faults(), [], "each is told once");
});

const foreign = (bytes: Uint8Array) => {
  const text = new TextDecoder("latin1").decode(bytes);
  const other = text.replace('"client":"a"', '"client":"b"');
  return Uint8Array.from(other, (char) => char.charCodeAt(0));
};
const ANSWERS: Record<string, (bytes: Uint8Array) => Uint8Array | undefined> = {
  "none": (bytes) => bytes,
  "request 2 got the answer of a to 1": (bytes) =>
    Uint8Array.from([...bytes, ...bytes]),
  "request 1 got the answer of b to 1": foreign,
  "disconnected with request 1 open": () => undefined,
};
for (const [fault, answer] of Object.entries(ANSWERS)) {
  Deno.test(`what an honest client complains of: ${fault}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const faults: string[] = [];
    const client = new HonestClient({
      name: "a",
      connect: () => Deno.connect({ hostname: "127.0.0.1", port }),
    }, faults);
    const serving = (async () => {
      using conn = await listener.accept();
      const buffer = new Uint8Array(1000);
      for (;;) {
        const count = await conn.read(buffer).catch(() => null);
        const bytes = count && answer(buffer.slice(0, count));
        if (!bytes) return;
        await conn.write(bytes);
      }
    })();
    await client.ask();
    if (faults.length === 0) await client.ask();
    client.close();
    await serving;
    assertEquals(faults, fault === "none" ? [] : [`honest client a: ${fault}`]);
  });
}

Deno.test("memory that grows from quarter to quarter is told, what goes up and down is not", () => {
  const watch = new MemoryWatch();
  const MIB = 2 ** 20;
  for (let i = 0; i < 30; i++) {
    watch.add({
      leaking: (80 + i * 4) * MIB,
      steady: (80 + i % 5 * 30) * MIB,
      warm: (i < 4 ? 80 : 150) * MIB,
      settling: (250 - 150 * 0.9 ** i) * MIB,
    });
  }
  assertEquals(watch.growth().map((line) => line.split(" ")[0]), ["leaking"]);
});
