// Heard: in a cluster all that others send has to come to the process that takes a gateway's place
// before it takes anything. It asks the gateway again and again whether it misses something.

import type { Taking } from "@maple/box/internal";
import type { Cluster } from "../cluster/cluster.ts";
import type { Mark } from "../cluster/standby.ts";
import type { Offer } from "./format.ts";

/** What is asked in a cluster before all is taken: whether this process misses anything. */
export interface Heard {
  /** Whether the bus reaches it. */
  readonly isUp: boolean;
  /** Where what has come of each other gateway begins. */
  readonly firsts: readonly Mark[];
}

/** The answer. */
export interface Lacking {
  /** Of how many gateways it does; null = of all. */
  readonly lacking: number | null;
}

// In so long each of the other gateways has said something, or counts as gone.
const HEARD_MS = 10_000;
const HEARD_LOOK_MS = 20;

/**
 * Waits until all comes to this process as well that the others of the cluster send.
 *
 * @throws {GatewayError} with one line, when that does not come about.
 */
export async function untilHeard(
  taking: Taking<Offer>,
  cluster: Cluster,
): Promise<void> {
  const deadline = performance.now() + HEARD_MS;
  for (;;) {
    const { lacking } = await asked(taking, {
      isUp: cluster.bus.isUp,
      firsts: cluster.firsts,
    });
    if (lacking === 0) return;
    if (performance.now() > deadline) {
      const why = lacking === null
        ? "its bus does not reach this process"
        : `of ${lacking} other gateways nothing comes to this process over the bus`;
      taking.refuse(why);
      throw taking.cannot(why);
    }
    await new Promise((resolve) => setTimeout(resolve, HEARD_LOOK_MS));
  }
}

/** What the one that is asked answers. */
export function lackingOf(
  cluster: Cluster | undefined,
  { firsts, isUp }: Heard,
): Lacking {
  return { lacking: cluster?.lacking(firsts, isUp) ?? (cluster ? null : 0) };
}

async function asked(taking: Taking<Offer>, question: Heard): Promise<Lacking> {
  try {
    return await taking.question<Lacking>(question);
  } catch (cause) {
    throw taking.cannot((cause as Error).message, { cause });
  }
}
