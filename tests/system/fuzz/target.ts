// FuzzTarget: what is spoiled, and where it is sent.

import type { Random } from "../../helpers/random.ts";

/** What is fuzzed together, with honest clients beside; what is promised is in stages.ts. */
export type StageName =
  /** A gateway's clients, a trigger that means no harm, the status port. */
  | "gateway"
  /** A gateway with hostile workers, and no honest client. */
  | "harmed"
  /** A gateway that wants proof at its port for workers and triggers. */
  | "proven"
  /** A gateway behind something that speaks the PROXY protocol. */
  | "proxied"
  /** A gateway whose clients speak lines. */
  | "lines"
  /** A haven server. */
  | "haven"
  /** What reads files. */
  | "files";

/** A port of a server that is fuzzed. */
export type PortName = "outer" | "inner" | "ws" | "tls" | "metrics";

/** What is fuzzed. */
export interface FuzzTarget {
  /** What it is called on the command line. */
  readonly name: string;
  /** What is sent, and where. */
  readonly what: string;
  /** Against what. */
  readonly stage: StageName;
  /** To which port of it; files have none. */
  readonly port?: PortName;
  /** Valid frames. */
  readonly frames: (random: Random) => Uint8Array[];
  /** Where these have their length as an int32. */
  readonly lengthAt?: number;
  /** Whether they go as they are, as long as the connection stays. @default {false} */
  readonly unspoiled?: boolean;
  /** Whether an input may be sent; another one is made in its place. */
  readonly allows?: (bytes: Uint8Array) => boolean;
}
