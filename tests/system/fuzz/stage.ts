// Stage: what is fuzzed, with honest clients beside, and how it is found out that it has borne it.

import type { IoKind } from "@maple/box/internal";
import type { FuzzInput } from "./input.ts";
import type { FuzzTarget } from "./target.ts";

/** What a stage is started with. */
export interface StageOptions {
  /** Where the sockets of the servers come from. */
  readonly io: IoKind;
}

/** What is fuzzed, with honest clients beside. */
export interface Stage extends AsyncDisposable {
  /** Sends one input; resolves when its connection is over. */
  deliver(target: FuzzTarget, input: FuzzInput): Promise<void>;
  /** What went wrong and was not told yet, as far as it shows without waiting. */
  faults(): string[];
  /**
   * Waits until all that the inputs have left behind is over. What went wrong and was not told yet,
   * what is left in the end included.
   */
  settle(): Promise<string[]>;
  /** Bytes of memory that each process takes, by its name. */
  memory(): Record<string, number>;
  /** How many messages of clients the server has had when it settled last. */
  readonly messages: number;
  /** How much the honest have got done. */
  readonly honestDone: number;
}
