// What a handler returns is the answer: which types there are, and what becomes of each.

import { assertEquals } from "@std/assert";
import { Box, LineBox, RET } from "@maple/box";
import { Blueprint, Haven } from "@maple/haven";
import { Worker } from "@maple/worker";
import { call, HavenFixture } from "./haven_fixture.ts";

Deno.test("a handler may return an answer, a boolean or nothing, and nothing else compiles", () => {
  const app = new Haven(Box);
  app.route(1, () => ({ ret: 0, body: { any: "thing" } }));
  app.route(2, () => new Box({ cmd: 5 }));
  app.route(3, () => new Uint8Array(4));
  app.route(4, () => "text");
  app.route(5, () => true);
  app.route(6, () => {});
  app.route(7, () => undefined);
  app.route(8, () => Promise.resolve("text"));
  app.route(9, async () => await Promise.resolve({ ret: 1 }));
  app.route(10, async (request) => {
    if (request.cmd === 1) return;
    if (request.cmd === 2) return await request.reply({ ret: 1 });
    return "text";
  });
  // @ts-expect-error A number is no answer.
  app.route(20, () => 5);
  // @ts-expect-error Nor is a list.
  app.route(21, () => [1]);
  // @ts-expect-error Nor is null.
  app.route(22, () => null);
  // @ts-expect-error Nor what has none of a box's fields.
  app.route(23, () => ({ rte: 0 }));
  // @ts-expect-error Nor a field of the wrong type.
  app.route(24, () => ({ ret: "0" }));
  // @ts-expect-error Nor a promise of any of these.
  app.route(25, () => Promise.resolve(5));
  // @ts-expect-error Nor what nobody knows.
  app.route(26, (request) => request.box.json<unknown>());
  // @ts-expect-error Nor a Map.
  app.route(27, () => new Map());

  const lines = new Haven(LineBox);
  lines.route(0, () => "a line");
  const liner = new Haven(LineBox);
  liner.route(0, () => ({ body: "a line" }));
  // @ts-expect-error A number is no line.
  liner.route(1, () => 5);
  // @ts-expect-error A line has no ret.
  liner.route(2, () => ({ ret: 5 }));
  liner.route(3, () => new LineBox());

  const worker = new Worker(Box);
  worker.route(1, () => ({ ret: 0 }));
  // @ts-expect-error A number is no answer.
  worker.route(2, () => 5);
});

const answers: readonly [
  what: string,
  returned: () => unknown,
  text: string,
][] = [
  ["fields", () => ({ ret: 3, body: "fields" }), "1/7/3 fields"],
  ["nothing but a body", () => ({ body: { a: 1 } }), '1/7/0 {"a":1}'],
  ["a box", () => new Box({ cmd: 9, body: "box" }), "9/0/0 box"],
  ["bytes", () => new TextEncoder().encode("bytes"), "1/7/0 bytes"],
  ["a string", () => "text", "1/7/0 text"],
  ["no bytes", () => new Uint8Array(), "1/7/0 "],
  ["an empty string", () => "", "1/7/0 "],
  ["an empty object", () => ({}), "1/7/0 "],
];

for (const [what, returned, text] of answers) {
  for (const hooked of [false, true]) {
    Deno.test(`a handler that returns ${what} answers with it, ${hooked ? "with" : "without"} hooks`, async () => {
      await using server = await HavenFixture.start((app) => {
        if (hooked) app.afterRequest(() => {});
        app.route(1, returned as () => string);
        app.route(2, () => Promise.resolve(returned() as string));
      });
      await using client = await server.connect();
      for (const cmd of [1, 2]) {
        const answer = await call(client, { cmd, sn: 7 });
        const head = `${answer.cmd}/${answer.sn}/${answer.ret}`;
        const expected = answer.cmd === 2 ? text.replace("1/", "2/") : text;
        assertEquals(`${head} ${answer.text()}`, expected);
      }
      assertEquals(server.log.complaints, []);
    });
  }
}

Deno.test("what a handler returns after its answer is not sent", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      request.reply({ ret: 1 });
      return { ret: 2 };
    });
    app.route(2, async (request) => {
      await request.reply({ ret: 3 });
      return "late";
    });
    app.route(3, (request) => request.reply({ ret: 5 }));
  });
  await using client = await server.connect();
  for (const [cmd, ret] of [[1, 1], [2, 3], [3, 5]]) {
    assertEquals((await call(client, { cmd: cmd! })).ret, ret);
  }
  assertEquals(server.log.complaints, []);
});

Deno.test("a handler that returns what is no answer has a fault", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, (() => 5) as unknown as () => void, "five");
    app.route(2, () => ({ ret: 0, bdoy: "typo" }));
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, RET.INTERNAL);
  assertEquals((await call(client, { cmd: 2 })).ret, RET.INTERNAL);
  await server.log.line(
    /^ERROR .*Cannot answer HavenRequest { cmd: 1, endpoint: five } with the number that its handler returned: return fields/,
  );
  await server.log.line(/^ERROR .*no field "bdoy"/);
});

Deno.test("LineBox: a returned string is a line", async () => {
  await using server = new HavenFixture(LineBox);
  server.app.route(0, ({ box }) => `you said ${box.text()}`);
  await server.app.listen({ port: 0 });
  await using client = await server.connect();
  assertEquals((await call(client, { body: "hi" })).text(), "you said hi");
});

for (const hooked of [false, true]) {
  Deno.test(`an endpoint that does not answer is told once, ${hooked ? "with" : "without"} hooks`, async () => {
    await using server = await HavenFixture.start((app) => {
      if (hooked) app.beforeRequest(() => {});
      app.route(1, () => {}, "quiet");
      app.route(2, async () => await Promise.resolve(), { endpoint: "still" });
      app.route(3, () => {}, { answers: false });
      app.route(4, () => true, { answers: true });
      app.route(5, (request) => request.reply({ ret: 5 }));
      app.route(6, () => new Promise((resolve) => setTimeout(resolve, 1)), {
        endpoint: "oneWay",
        answers: false,
      });
    });
    await using client = await server.connect();
    for (const cmd of [1, 2, 3, 4, 6, 1, 2, 3, 4, 6]) {
      await client.write({ cmd });
    }
    assertEquals((await call(client, { cmd: 5 })).ret, 5);
    const told = server.log.complaints.map((line) =>
      /^WARN HavenRequest .*endpoint: (\w+) } was not answered, .*{ answers: false }$/
        .exec(line)?.[1]
    );
    assertEquals(told, ["quiet", "still", "cmd_4"]);
  });
}

Deno.test("a blueprint's route has options too", async () => {
  await using server = await HavenFixture.start((app) => {
    app.registerBlueprint(
      new Blueprint("user")
        .route(1, () => {}, { endpoint: "quiet", answers: false })
        .route(2, () => {}, "silent")
        .route(3, () => "answer"),
    );
  });
  await using client = await server.connect();
  await client.write({ cmd: 1 });
  await client.write({ cmd: 2 });
  assertEquals((await call(client, { cmd: 3 })).text(), "answer");
  assertEquals(server.log.complaints.length, 1);
  await server.log.line(/^WARN .*endpoint: user.silent /);
});

Deno.test("a request that a hook ends on purpose is not missed", async () => {
  await using server = await HavenFixture.start((app) => {
    app.beforeRequest((request) => {
      if (request.box.flag === 1) return request.interrupt();
    });
    app.route(1, () => "answer");
  });
  await using client = await server.connect();
  await client.write({ cmd: 1, flag: 1 });
  assertEquals((await call(client, { cmd: 1 })).text(), "answer");
  assertEquals(server.log.complaints, []);
});
