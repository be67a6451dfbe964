// The examples of servers do what they say.

import { assertEquals } from "@std/assert";
import { Box, LineBox, TcpClient } from "@maple/box";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";
import { PATIENCE_MS } from "../helpers/within.ts";
import { HavenProcess } from "./haven_process.ts";

function start(example: string): Promise<HavenProcess> {
  const program = pathOf(`../../examples/${example}`);
  return HavenProcess.run([program, "--port", "0"]);
}

Deno.test("examples/haven_echo.ts answers examples/echo_client.ts", async () => {
  await using server = await start("haven_echo.ts");
  const client = pathOf("../../examples/echo_client.ts");
  const { code, stdout } = await runProcess(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      client,
      "--port",
      String(server.port),
      "hello",
      "7",
    ],
  });
  assertEquals([code, stdout], [0, ["0 hello", "0 7"]]);
});

Deno.test("examples/hooks.ts prints every hook in its order", async () => {
  await using server = await start("hooks.ts");
  {
    await using client = await server.connect();
    await client.write({ cmd: 1, body: "hello" });
    assertEquals((await client.read())?.text(), "hello");
    await client.write({ cmd: 1 });
    assertEquals((await client.read())?.ret, 1);
  }
  await server.line(/closeConn/);
  server.kill("SIGTERM");
  assertEquals((await server.finished()).code, 0);
  assertEquals(
    server.stdout.filter((line) => !line.startsWith("maple haven ready")),
    [
      "startWorker",
      "createConn 1",
      "beforeFirstRequest",
      "beforeRequest 1",
      "handler",
      "beforeResponse 0",
      "afterResponse 0 true",
      "afterRequest 1 went well",
      "beforeRequest 1",
      "beforeResponse 1",
      "afterResponse 1 true",
      "afterRequest 1 went well",
      "closeConn 1",
      "stopWorker",
    ],
  );
});

Deno.test("examples/user_blueprint.ts lets in who has logged in", async () => {
  await using server = await start("user_blueprint.ts");
  {
    await using client = await server.connect();
    const call = async (cmd: number, body?: { name: string }) => {
      await client.write(new Box({ cmd, body }));
      return (await client.read())!;
    };
    assertEquals((await call(102)).ret, 1);
    assertEquals((await call(101, { name: "ann" })).json(), { welcome: "ann" });
    assertEquals((await call(102)).json(), { name: "ann" });
    assertEquals((await call(103)).ret, 0);
    assertEquals((await call(102)).ret, 1);
    await call(101, { name: "bob" });
  }
  await server.line(/^ann is here, by user\.login$/);
  await server.line(/^bob is gone$/);
});

Deno.test("examples/line_chat.ts tells everybody else what one says", async () => {
  await using server = await start("line_chat.ts");
  const connect = async () => {
    const client = new TcpClient(LineBox, "127.0.0.1", server.port, {
      timeout: PATIENCE_MS / 1000,
    });
    await client.connect();
    return client;
  };
  const next = async (client: TcpClient<object>) =>
    (await client.read())?.text();
  await using ann = await connect();
  assertEquals(await next(ann), "welcome, guest 1");
  await using bob = await connect();
  assertEquals(await next(bob), "welcome, guest 2");
  assertEquals(await next(ann), "guest 2 is here");
  await bob.write({ body: "/name bob" });
  assertEquals(await next(ann), "guest 2 is now bob");
  await bob.write({ body: "hello" });
  assertEquals(await next(ann), "bob: hello");
  await ann.write({ body: "hi bob" });
  assertEquals(await next(bob), "guest 1: hi bob");
  await bob.write({ body: "/quit" });
  assertEquals([await next(bob), await next(bob)], ["bye", undefined]);
  assertEquals(await next(ann), "bob is gone");
});
