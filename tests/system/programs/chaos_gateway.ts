// The gateway of the chaos test: on free ports, with its counters on stdout, as JSON, for each line
// on stdin; one that says `renew` has it read its secrets before. Ends with its stdin, and when
// another one has taken its place.
//
//   deno run -A chaos_gateway.ts OPTIONS-AS-JSON

import { Gateway, type GatewayOptions } from "@maple/gateway";
import { formatAddress } from "@maple/box/internal";
import { TEST_IO } from "../../helpers/test_io.ts";

const options = JSON.parse(Deno.args[0] ?? "{}") as GatewayOptions;
const local = {
  outerHost: "127.0.0.1",
  outerPort: options.outerPort ?? 0,
  innerPort: options.innerPort ?? 0,
  ...(TEST_IO && { io: TEST_IO }),
};
await using gateway = new Gateway({ ...options, ...local });
await gateway.listen();
gateway.replaced.then(async () => {
  await gateway.close();
  Deno.exit(0);
});
const ws = gateway.wsAddr;
console.log(
  `gateway ready outer=${formatAddress(gateway.outerAddr!)} inner=${
    formatAddress(gateway.innerAddr!)
  }${ws ? ` ws=${formatAddress(ws)}` : ""}`,
);
for await (
  const lines of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
) {
  if (lines.includes("renew")) gateway.renewSecrets();
  console.log(`stats ${JSON.stringify(gateway.stats())}`);
}
