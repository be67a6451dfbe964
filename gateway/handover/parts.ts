// The parts of a gateway that have something to hand over, each by its `give` and `takeOver`.

import type { ClusterCommands } from "../cluster/cluster_commands.ts";
import type { Lending } from "../cluster/lending.ts";
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
  /** What is gathered of other gateways; undefined without a cluster. */
  readonly clusterCommands: ClusterCommands | undefined;
  /** Tasks that others work on; undefined where that is not done. */
  readonly lending: Lending | undefined;
}
