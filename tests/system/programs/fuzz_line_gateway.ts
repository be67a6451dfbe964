// A gateway whose clients speak lines, with its status port, as the gateway's own program has one.
//
//   deno run -A fuzz_line_gateway.ts OPTIONS-AS-JSON

import { type BoxClass, LineBox } from "@maple/box";
import { createLogger, formatAddress, statusUrl } from "@maple/box/internal";
import { Gateway, type GatewayOptions } from "@maple/gateway";
import { reportOf } from "../../../gateway/metrics/report.ts";
import { MetricsServer } from "../../../gateway/metrics/server.ts";

const logger = createLogger({ role: "gateway", level: "INFO" });
const gateway = new Gateway({
  ...JSON.parse(Deno.args[0]!) as GatewayOptions,
  boxClass: LineBox as unknown as BoxClass<object>,
  logger,
});
const metrics = new MetricsServer("0", () => reportOf(gateway), { logger });
await gateway.listen();
logger.info(`metrics and dashboard at ${statusUrl(metrics.addr)}`);
console.log(
  `maple gateway ready outer=${formatAddress(gateway.outerAddr!)} inner=${
    formatAddress(gateway.innerAddr!)
  }`,
);
Deno.addSignalListener("SIGTERM", async () => {
  await gateway.closeNow();
  await metrics.close();
  Deno.exit(0);
});
