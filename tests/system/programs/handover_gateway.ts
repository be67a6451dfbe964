// A gateway that is replaced, or replaces another, and dies or stands still in the middle of it:
// at one of the messages, before or after it.
//
//   deno run -A handover_gateway.ts OPTIONS-AS-JSON [FAULT-AS-JSON]

import { Gateway, type GatewayOptions } from "@maple/gateway";
import { formatAddress } from "@maple/box/internal";
import { failAt, type Fault } from "./handover_fault.ts";

const options = JSON.parse(Deno.args[0]!) as GatewayOptions;
const fault = JSON.parse(Deno.args[1] ?? "null") as Fault | null;
if (fault) failAt(fault);

await using gateway = new Gateway({
  outerHost: "127.0.0.1",
  outerPort: 0,
  innerPort: 0,
  io: "epoll",
  ...options,
});
try {
  await gateway.listen();
} catch (error) {
  console.log(`gateway refused: ${(error as Error).message}`);
  Deno.exit(1);
}
console.log(
  `gateway ready outer=${formatAddress(gateway.outerAddr!)} inner=${
    formatAddress(gateway.innerAddr!)
  } generation=${gateway.stats().generation}`,
);
const ended = Promise.withResolvers<void>();
Deno.addSignalListener("SIGTERM", () => {
  void gateway.close().then(ended.resolve);
});
await Promise.race([gateway.replaced, ended.promise]);
await gateway.close();
Deno.exit(0);
