// `deno task cluster` as somebody sees it who tries it out, with a nats-server and without one.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { hasNatsServer } from "../helpers/nats_server.ts";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";

function example(
  what: string,
  { ignore, env, bus }: {
    ignore: boolean;
    env: Record<string, string>;
    bus: RegExp;
  },
): void {
  Deno.test({
    name:
      `the example cluster loses nothing but what was in a killed gateway's hands, ${what}`,
    ignore,
    fn: async () => {
      const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "-A",
          pathOf("../../examples/cluster/main.ts"),
        ],
        env,
        timeout: 120_000,
      });
      const text = stdout.join("\n");
      assertEquals(code, 0, `${text}\n${stderr}`);
      assertMatch(text, bus);
      const told = text.match(/: 30 of 30 users have it; .* 30$/gm);
      assertEquals(told?.length, 3, text);
      assertMatch(text, /0 requests failed, nobody was cut off$/m);
      assertMatch(text, /^lost +0$/m);
      assertMatch(text, /^came twice +0, /m);
      const [, across] = /, (\d+) across gateways$/m.exec(text)!;
      assert(Number(across) > 100, text);
    },
  });
}

example("over a nats-server", {
  ...{ ignore: !hasNatsServer, env: {} },
  bus: /bus +a nats-server at port \d+$/m,
});

example("over a gateway's own bus", {
  ignore: Deno.build.os !== "linux",
  // Where none is found.
  env: { PATH: "/nowhere" },
  bus: /bus +no nats-server is installed: one gateway of 3 processes$/m,
});
