// What the parent of several gateway processes and its children tell each other over their lines.

import type { RelayAddress } from "../cluster/local_bus.ts";
import type { Settings } from "../settings.ts";
import type { SharedPorts } from "./shared_ports.ts";

/** What a child is told first of all: what it is. */
export interface ChildTask {
  /** The settings that are in effect, of the whole gateway. */
  readonly settings: Settings;
  /** How many processes there are. */
  readonly count: number;
  /** Where the gateway is reached. */
  readonly ports: SharedPorts;
  /** By which way messages go to the other processes; none where something else carries them. */
  readonly relay: RelayAddress | undefined;
}

/** What a child is told. */
export interface ChildTold {
  readonly task?: ChildTask;
  /** HUP: the settings of now, of the whole gateway. */
  readonly settings?: Settings;
  /** Its report is wanted. */
  readonly report?: true;
}
