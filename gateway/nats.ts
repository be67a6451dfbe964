/**
 * NATS's own client, for a program of yours that is compiled and uses the option `cluster`. A
 * gateway loads it only where it has a cluster, by a name that `deno compile` does not see: this
 * import has it compiled in. It exports nothing. A program that Deno runs does not need it, nor
 * does one without `cluster`; a compiled one that lacks it does not start: the error names this
 * import.
 *
 * @example A gateway of a cluster, to be compiled with `deno compile -A gateway.ts`
 * ```ts ignore
 * import "@maple/gateway/nats";
 * import { Gateway } from "@maple/gateway";
 *
 * const gateway = new Gateway({ cluster: "nats://10.0.0.5:4222" });
 * await gateway.listen();
 * ```
 *
 * @module
 */

import "./cluster/nats_client.ts";
