// runFuzz: spoils what every target gets, for so long, and tells what the servers did not bear.

import type { IoKind } from "@maple/box/internal";
import { canServeTls } from "../../helpers/certificates.ts";
import type { NamedInput } from "./input.ts";
import { MemoryWatch } from "./memory_watch.ts";
import type { Stage } from "./stage.ts";
import type { startStage } from "./stages.ts";
import type { FuzzTarget } from "./target.ts";
import { makeInput, TARGETS } from "./targets.ts";

/** What is run. */
export interface FuzzOptions {
  /** Determines every input. */
  readonly seed: number;
  /** Where the sockets of the servers come from. */
  readonly io: IoKind;
  /** For how long. */
  readonly seconds: number;
  /** The names of the targets. @default all */
  readonly only?: readonly string[] | undefined;
  /** The number of the first input of each target. @default {0} */
  readonly from?: number | undefined;
  /** How many inputs each target gets at most. @default as many as there is time for */
  readonly count?: number | undefined;
  /** How the servers are started. */
  readonly start: typeof startStage;
  /** Is told how it goes on. */
  readonly tell?: (line: string) => void;
}

/** Which input of a target. */
export interface InputName {
  /** The target. */
  readonly target: FuzzTarget;
  /** Its number. */
  readonly index: number;
}

/** Something that was not borne. */
export interface Finding {
  /** What went wrong. */
  readonly faults: readonly string[];
  /** What was sent before, since all was well. */
  readonly inputs: readonly InputName[];
}

/** What came of it. */
export interface FuzzResult {
  /** What was not borne. */
  readonly findings: Finding[];
  /** How many inputs each target got. */
  readonly inputs: Record<string, number>;
  /** How many messages of clients the servers had. */
  messages: number;
  /** How much the honest clients and triggers got done. */
  honestDone: number;
}

// Connections at a time, and how many there are of a target until it is looked what became of them.
const AT_A_TIME = 24;
const BATCH = 4 * AT_A_TIME;
const SETTLE_MS = 8000;
// A stage that fails again and again is left alone.
const FINDINGS_MAX = 3;

/** Runs it. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { only, seconds } = options;
  const targets = TARGETS.filter(({ name, port }) =>
    (only?.includes(name) ?? true) && (port !== "tls" || canServeTls)
  );
  const result: FuzzResult = {
    findings: [],
    inputs: {},
    messages: 0,
    honestDone: 0,
  };
  for (const { name } of targets) result.inputs[name] = 0;
  for (const stage of new Set(targets.map(({ stage }) => stage))) {
    const its = targets.filter((target) => target.stage === stage);
    const ms = seconds * 1000 * its.length / targets.length;
    await new StageRun(options, its, result).run(ms);
  }
  return result;
}

/** The targets of one stage. */
class StageRun {
  readonly #options: FuzzOptions;
  readonly #targets: readonly FuzzTarget[];
  readonly #result: FuzzResult;
  readonly #memory = new MemoryWatch();
  #sent: InputName[] = [];
  #findings = 0;

  constructor(
    options: FuzzOptions,
    targets: readonly FuzzTarget[],
    result: FuzzResult,
  ) {
    this.#options = options;
    this.#targets = targets;
    this.#result = result;
  }

  // A stage with a fault is not used any more.
  async run(ms: number): Promise<void> {
    const { start, io } = this.#options;
    const name = this.#targets[0]!.stage;
    const end = performance.now() + ms;
    do {
      const stage = await start(name, { io });
      try {
        await this.#fuzz(stage, end);
        this.#result.messages += stage.messages;
        this.#result.honestDone += stage.honestDone;
      } finally {
        await stage[Symbol.asyncDispose]();
      }
    } while (
      performance.now() < end && this.#findings < FINDINGS_MAX && !this.#isOver
    );
    const growth = this.#memory.growth();
    if (growth.length > 0) this.#found(growth);
  }

  async #fuzz(stage: Stage, end: number): Promise<void> {
    this.#sent = [];
    let settleAt = performance.now() + SETTLE_MS;
    do {
      for (const target of this.#targets) {
        await this.#batch(stage, target);
        const faults = stage.faults();
        if (faults.length > 0) return this.#found(faults);
      }
      const now = performance.now();
      if (now < settleAt && now < end && !this.#isOver) continue;
      const faults = await stage.settle();
      if (faults.length > 0) return this.#found(faults);
      this.#sent = [];
      const memory = stage.memory();
      this.#memory.add(memory);
      this.#tell(memory);
      settleAt = performance.now() + SETTLE_MS;
    } while (performance.now() < end && !this.#isOver);
  }

  async #batch(stage: Stage, target: FuzzTarget): Promise<void> {
    const { seed, from = 0, count = Infinity } = this.#options;
    const { inputs } = this.#result;
    const done = inputs[target.name]!;
    const size = Math.min(BATCH, count - done);
    inputs[target.name] = done + size;
    const first = from + done;
    for (let i = 0; i < size; i++) {
      this.#sent.push({ target, index: first + i });
    }
    await sideBySide(
      size,
      (i) => stage.deliver(target, makeInput(target, seed, first + i)),
    );
  }

  get #isOver(): boolean {
    const { count = Infinity } = this.#options;
    return this.#targets.every(({ name }) =>
      this.#result.inputs[name]! >= count
    );
  }

  #found(faults: readonly string[]): void {
    this.#findings++;
    this.#result.findings.push({ faults, inputs: this.#sent });
    for (const fault of faults) this.#options.tell?.(`FOUND ${fault}`);
  }

  #tell(memory: Record<string, number>): void {
    const counts = this.#targets.map(({ name }) =>
      `${name} ${this.#result.inputs[name]}`
    );
    const sizes = Object.entries(memory).map(([name, bytes]) =>
      `; ${name} ${(bytes / 2 ** 20).toFixed(0)} MiB`
    );
    this.#options.tell?.(`borne: ${counts.join(", ")}${sizes.join("")}`);
  }
}

/** Sends inputs to a server that is started for them; what it did not bear. */
export async function replay(
  inputs: readonly NamedInput[],
  { io, start }: Pick<FuzzOptions, "io" | "start">,
): Promise<string[]> {
  if (inputs.length === 0) return [];
  const targetOf = ({ target }: NamedInput) => {
    const found = TARGETS.find(({ name }) => name === target);
    if (!found) throw new Error(`There is no target "${target}"`);
    return found;
  };
  await using stage = await start(targetOf(inputs[0]!).stage, { io });
  for (let at = 0; at < inputs.length; at += BATCH) {
    const batch = inputs.slice(at, at + BATCH);
    await sideBySide(
      batch.length,
      (i) => stage.deliver(targetOf(batch[i]!), batch[i]!.input),
    );
    const faults = stage.faults();
    if (faults.length > 0) return faults;
  }
  return await stage.settle();
}

async function sideBySide(
  count: number,
  one: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    while (next < count) await one(next++);
  }));
}
