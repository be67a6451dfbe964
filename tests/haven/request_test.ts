// AppRequest: what reply takes, response hooks, answers that are given twice or too late.

import { setImmediate } from "node:timers";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Box, boxClass, BoxError, type BoxFields, RET } from "@maple/box";
import { HavenError } from "@maple/haven";
import { testClient } from "@maple/haven/testing";
import { held, QuietHaven, quietHaven } from "./quiet_haven.ts";

Deno.test("reply() maps fields, sends boxes and bytes as they are", async () => {
  await using app = quietHaven({ respondOnce: false });
  const { request, client } = await held(app, { cmd: 5, sn: 6 });
  request.reply({ ret: 1, body: "fields" });
  request.reply(new Box({ cmd: 2, body: "box" }));
  request.reply(new Box({ cmd: 3, body: "bytes" }).pack());
  assertEquals(
    (await client.readAll()).map((
      box,
    ) => [box.cmd, box.sn, box.ret, box.text()]),
    [[5, 6, 1, "fields"], [2, 0, 0, "box"], [3, 0, 0, "bytes"]],
  );
});

Deno.test("reply() without response hooks sends at once and allocates no promise", async () => {
  await using app = quietHaven({ respondOnce: false });
  const { request, client } = await held(app);
  const sent = request.reply({});
  assertEquals((await client.readAll()).length, 1);
  assertStrictEquals(request.reply({}), sent);
  assertEquals(await sent, true);
  await client.close();
  const unsent = request.reply({});
  assertStrictEquals(request.reply({}), unsent);
  assertEquals(await unsent, false);
});

Deno.test("reply() throws at once for a second answer, unless respondOnce is off", async () => {
  await using app = quietHaven();
  const { request, client } = await held(app);
  assertEquals(request.responded, false);
  request.reply({});
  assertEquals(request.responded, true);
  const error = assertThrows(
    () => request.reply({}),
    HavenError,
    "Cannot answer HavenRequest { cmd: 1, endpoint: held } a second time",
  );
  assertEquals(error.code, "request");
  assertEquals((await client.readAll()).length, 1);
});

for (const hooked of [false, true]) {
  Deno.test(`reply() throws at once for what is no answer, ${hooked ? "with" : "without"} hooks`, async () => {
    await using app = quietHaven();
    if (hooked) app.beforeResponse(() => {});
    const { request, client } = await held(app);
    const frame = new Box({ body: "whole" }).pack();
    for (
      const bytes of [
        frame.subarray(1),
        frame.subarray(0, -1),
        new Uint8Array([...frame, 0]),
        new Uint8Array(0),
      ]
    ) {
      assertThrows(() => request.reply(bytes), HavenError, "whole frame");
    }
    assertThrows(() => request.reply({ ret: 2 ** 31 }), BoxError);
    const unknown = { nothing: 1 } as Partial<BoxFields>;
    assertThrows(() => request.reply(unknown), BoxError, "nothing");
    assertEquals(request.responded, false);
    assertEquals(await client.readAll(), []);
    request.reply({ ret: 1 });
    assertEquals((await client.readAll()).map((box) => box.ret), [1]);
  });
}

Deno.test("beforeResponse may change the box, afterResponse learns what was sent", async () => {
  const seen: unknown[] = [];
  await using app = quietHaven({ respondOnce: false })
    .beforeResponse((request, response) => {
      response.flag = request.box.flag;
    })
    .afterResponse((_, response, sent) => seen.push([response.text(), sent]));
  const { request, client } = await held(app, { cmd: 1, flag: 9 });
  assertEquals(await request.reply({ body: "fields" }), true);
  assertEquals(await request.reply(new Box({ body: "bytes" }).pack()), true);
  await client.close();
  assertEquals(await request.reply({ body: "late" }), false);
  assertEquals((await client.readAll()).map((box) => box.flag), [9, 9]);
  assertEquals(seen, [["fields", true], ["bytes", true], ["late", false]]);
});

Deno.test("a request is finished when the answer that it did not await is sent", async () => {
  for (const hooked of [false, true]) {
    const calls: string[] = [];
    await using app = quietHaven()
      .beforeResponse(() => Promise.resolve())
      .afterResponse(() => calls.push("sent"))
      .route(1, (request) => {
        request.reply({ ret: 0 });
        calls.push(`responded ${request.responded}`);
      });
    if (hooked) app.afterRequest(() => calls.push("afterRequest"));
    const client = testClient(app);
    await client.write({ cmd: 1 }); // the first
    calls.length = 0;
    await client.write({ cmd: 1 });
    const after = hooked ? ["afterRequest"] : [];
    assertEquals(calls, ["responded true", "sent", ...after]);
  }
});

Deno.test("a request is finished when all of its answers are sent, also the slowest", async () => {
  let slow = Promise.withResolvers<void>();
  await using app = quietHaven({ respondOnce: false })
    .beforeResponse((_, response) => response.ret === 1 ? slow.promise : null)
    .beforeResponse(() => Promise.resolve())
    .route(1, async (request) => {
      request.reply({ ret: 1 });
      await request.reply({ ret: 2 });
    });
  const client = testClient(app);
  await client.connect();
  for (const which of ["first", "later"]) {
    slow = Promise.withResolvers();
    const running = client.write({ cmd: 1 });
    setImmediate(slow.resolve);
    await running;
    const rets = (await client.readAll()).map((box) => box.ret);
    assertEquals(rets, [2, 1], `the ${which} request`);
  }
});

Deno.test("a hook that makes an answer unpackable: thrown when it is sync, INTERNAL when it is async", async () => {
  const bad = (response: Box) => {
    response.ret = 2 ** 40;
  };
  for (const async of [false, true]) {
    await using app = quietHaven();
    app.beforeResponse(
      async
        ? async (_, response) => {
          await Promise.resolve();
          bad(response);
        }
        : (_, response) => bad(response),
    );
    const { request, client } = await held(app, { cmd: 1, sn: 8 });
    if (!async) {
      assertThrows(() => request.reply({}), BoxError, "ret");
      assertEquals(request.responded, false);
      continue;
    }
    assertEquals(await request.reply({}), false);
    assertEquals(
      (await client.readAll()).map(({ sn, ret }) => [sn, ret]),
      [[8, RET.INTERNAL]],
    );
    assertEquals(app.log.complaints.length, 1);
  }
});

Deno.test("interrupt() tells whether its answer was sent", async () => {
  await using app = quietHaven({ respondOnce: false });
  const { request, client } = await held(app);
  assertEquals(await request.interrupt(), true);
  assertEquals(await request.interrupt({ ret: 1 }), true);
  await client.close();
  assertEquals(await request.interrupt({ ret: 1 }), false);
  assertEquals((await client.readAll()).map((box) => box.ret), [1]);
});

Deno.test("cmd is a number for every box class", async () => {
  const WideBox = boxClass([["cmd", "q"], ["packetLen", "I"]]);
  await using app = new QuietHaven(WideBox);
  const cmds: number[] = [];
  app.route(3, ({ cmd }) => void cmds.push(cmd), { answers: false });
  const client = testClient(app);
  await client.write({ cmd: 3 });
  await client.write({ cmd: 2n ** 60n });
  assertEquals(cmds, [3]);
  assertEquals(app.log.complaints, [
    `WARN No route for HavenRequest { cmd: ${2 ** 60} }`,
  ]);
});

Deno.test("state belongs to one request", async () => {
  await using app = quietHaven();
  const { request: one } = await held(app, { cmd: 1 });
  const { request: other } = await held(app, { cmd: 2 });
  one.state.user = 7;
  assertEquals(one.state, { user: 7 });
  assertEquals(other.state, {});
});
