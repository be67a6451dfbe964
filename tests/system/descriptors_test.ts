// Programs that are short of file descriptors: they live on, and serve their operators.

import { assertEquals, assertMatch } from "@std/assert";
import { canServeTls, localCertificate } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { GATEWAY_ALL_ARGS, GATEWAY_READY } from "../helpers/gateway_process.ts";
import { pathOf } from "../helpers/paths.ts";
import { type RunningProcess, startProcess } from "../helpers/process.ts";
import { within } from "../helpers/within.ts";

const ignore = Deno.build.os === "windows";

/** Starts a Deno program that may have so many descriptors. */
function startLimited(
  descriptors: number,
  args: readonly string[],
  ready: RegExp,
): Promise<RunningProcess> {
  return startProcess("sh", {
    args: [
      ...["-c", `ulimit -n ${descriptors}; exec "$0" "$@"`],
      ...[Deno.execPath(), ...args],
    ],
    ready,
  });
}

async function textOf(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

Deno.test({
  name:
    "a status server out of descriptors says so, lives on and answers when there are some",
  ignore,
  fn: async () => {
    const program = pathOf("../system/programs/out_of_descriptors.ts");
    await using process = await startLimited(
      100,
      ["run", "-A", program],
      /^used up, serves at (\d+)$/,
    );
    const url = `http://127.0.0.1:${process.ready![1]}/`;
    const answer = textOf(url);
    await eventually(() =>
      /cannot accept a connection: Too many open files/.test(process.stderr)
    );
    await process.write("close them");
    await process.line(/^free$/);
    assertEquals(await within(answer, "the answer"), "well\n");
    assertEquals(await textOf(url), "well\n");
    assertEquals(/Uncaught/.test(process.stderr), false, process.stderr);
  },
});

Deno.test({
  name:
    "a gateway with more silent clients than descriptors lives on and serves metrics",
  ignore,
  fn: async () => {
    await using process = await startLimited(256, [
      ...GATEWAY_ALL_ARGS,
      ...["--outer-host", "127.0.0.1", "--outer-port", "0"],
      ...["--inner-host", "127.0.0.1", "--inner-port", "0"],
      ...["--metrics", "0", "--drain-timeout", "0"],
    ], GATEWAY_READY);
    const port = Number(process.ready![2]);
    const at = /dashboard at (http:\S+)/;
    await eventually(() => at.test(process.stderr));
    const url = at.exec(process.stderr)![1]!;
    using silent = new DisposableStack();
    for (let i = 0; i < 300; i++) {
      silent.use(await Deno.connect({ hostname: "127.0.0.1", port }));
    }
    const text = await within(textOf(`${url}metrics`), "the metrics");
    assertMatch(text, /^maple_gateway_clients [1-9]\d*$/m);
    silent.dispose();
    await eventually(async () =>
      /^maple_gateway_clients 0$/m.test(await textOf(`${url}metrics`))
    );
    process.kill("SIGTERM");
    assertEquals((await process.finished()).code, 0);
    assertEquals(/Uncaught/.test(process.stderr), false, process.stderr);
  },
});

Deno.test({
  name:
    "a port for TLS lets nobody in while descriptors have run out, says so and does it again",
  ignore: ignore || !canServeTls,
  async fn() {
    const { cert, key } = await localCertificate();
    const program = pathOf("../system/programs/tls_acceptor.ts");
    await using process = await startLimited(
      100,
      ["run", "-A", program, cert, key],
      /^ready (\d+)$/,
    );
    const address = {
      hostname: "127.0.0.1",
      port: Number(process.ready![1]),
    };
    (await Deno.connect(address)).close();
    await process.line(/^let in$/);
    await process.write("use them up");
    await process.line(/^used up$/);
    // What Deno's listener tries to let in now is the last.
    using _last = await Deno.connect(address);
    await process.write("close them");
    await process.line(/^free$/);
    await eventually(
      () => /nobody is let in any more; it listens anew/.test(process.stderr),
      {
        timeout: 30_000,
      },
    );
    (await Deno.connect(address)).close();
    await process.line(/^let in$/);
  },
});
