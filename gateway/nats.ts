/**
 * NATS's own client, for a program of yours that is compiled and uses the option `cluster`. A
 * gateway loads it only where it has a cluster, by a name that `deno compile` does not see: this
 * import has it compiled in. A program that Deno runs needs none.
 *
 * ```ts ignore
 * import "@maple/gateway/nats";
 * ```
 *
 * @module
 */

import "./cluster/nats_client.ts";
