// The parts of a gateway that have something to hand over, each by its `give` and `takeOver`.

import type { GatewayContext } from "../context.ts";
import type { InnerDoor } from "../inner/inner_door.ts";
import type { InnerLinks } from "../inner/inner_links.ts";
import type { Measures } from "../metrics/measures.ts";
import type { Clients } from "../outer/clients.ts";

/** The parts of a gateway that have something to hand over. */
export interface Parts {
  /** What they share. */
  readonly context: GatewayContext;
  /** The clients. */
  readonly clients: Clients;
  /** The workers and triggers. */
  readonly links: InnerLinks;
  /** Those that are to prove who they are. */
  readonly door: InnerDoor;
  /** How long tasks take. */
  readonly measures: Measures;
}
