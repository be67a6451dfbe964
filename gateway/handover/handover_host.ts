// HandoverHost: what a handover needs of its gateway.

import type { Ports } from "../ports.ts";
import type { Watches } from "../watches.ts";
import type { ProcessCounts } from "./format.ts";
import type { Parts } from "./parts.ts";

/** What a handover needs of its gateway. */
export interface HandoverHost {
  /** What has something to hand over. */
  readonly parts: Parts;
  /** Where it listens. */
  readonly ports: Ports;
  /** Ends what is on its way to many. */
  finish(): void;
  /** When it began, as the first of all that have taken its place. */
  age(): { readonly startedAt: Date; readonly listeningSince: number };
  /** What its process and those before have counted. */
  counts(): ProcessCounts;
  /** The watches of its clients. */
  readonly watches: Pick<Watches, "clientStepMs" | "hold" | "goOn">;
  /**
   * All of it is another process's.
   *
   * @returns Resolves when what other gateways were sent has left.
   */
  onGiven(): Promise<void>;
}
