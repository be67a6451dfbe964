// A haven server that answers cmd 1 with the body that came. Prints its ready line.
//
//   deno run -A haven_echo.ts IO [--websocket]

import { Box } from "@maple/box";
import { type IoKind, SILENT } from "@maple/box/internal";
import { Haven } from "@maple/haven";

const app = new Haven(Box, { logger: SILENT });
app.route(1, (request) => request.reply({ body: request.box.body }));
await app.run("127.0.0.1", 0, {
  connsMax: 100_000,
  // In this process, which is the one that is measured.
  workers: 0,
  io: (Deno.args[0] ?? "deno") as IoKind,
  ...(Deno.args.includes("--websocket") ? { websocketPort: 0 } : {}),
});
