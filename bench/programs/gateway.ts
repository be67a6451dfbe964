// The gateway of the long run: it tells how it does.
//
//   deno run -A bench/programs/gateway.ts SAMPLE_SECONDS [IO]

import { Gateway } from "@maple/gateway";
import { formatAddress, type IoKind } from "@maple/box/internal";
import { startSampling } from "./sampler.ts";

const gateway = new Gateway({
  outerHost: "127.0.0.1",
  outerPort: 0,
  innerPort: 0,
  io: (Deno.args[1] ?? "deno") as IoKind,
});
await gateway.listen();
console.log(
  `ready outer=${formatAddress(gateway.outerAddr!)} inner=${
    formatAddress(gateway.innerAddr!)
  }`,
);
startSampling(Number(Deno.args[0]), () => {
  const { chained } = gateway.stats();
  return { chained };
});
