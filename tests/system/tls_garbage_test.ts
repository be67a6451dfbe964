// Clients that never get through their handshake of TLS leave nothing behind.

import { assert } from "@std/assert";
import { canServeTls, localCertificate } from "../helpers/certificates.ts";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";

const COUNT = 250;
const KINDS = 4;

Deno.test({
  name:
    "a listener for TLS keeps nothing of those whose handshake comes to nothing",
  ignore: !canServeTls,
  async fn() {
    const { cert, key } = await localCertificate();
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "-A", "--v8-flags=--expose-gc"],
        ...["--config", pathOf("../../deno.json")],
        pathOf("../system/programs/tls_garbage.ts"),
        ...[cert, key, String(COUNT)],
      ],
      timeout: 60_000,
    });
    assert(code === 0, stderr);
    const [, before, after] = /^heap (\d+) (\d+)$/.exec(stdout.at(-1)!)!;
    const each = (Number(after) - Number(before)) / (COUNT * KINDS);
    assert(each < 1500, `${each} bytes of each`);
  },
});
