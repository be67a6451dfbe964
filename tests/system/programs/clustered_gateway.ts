// A program of one's own around a gateway of a cluster, as it is compiled: its bus is away.

import { Gateway } from "@maple/gateway";
import "@maple/gateway/nats";

await using gateway = new Gateway({
  ...{ outerHost: "127.0.0.1", outerPort: 0, innerPort: 0 },
  cluster: "nats://127.0.0.1:1",
  drainTimeout: 0,
});
await gateway.listen();
console.log("listens");
