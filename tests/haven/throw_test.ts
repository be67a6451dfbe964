// What is thrown: a Reply, a body that is no JSON, everything else; and the hook that sees it all.

import { assertEquals, assertMatch } from "@std/assert";
import { Box, LineBox, type LineFields, RET } from "@maple/box";
import { Blueprint, type Haven, HavenRequest, Reply } from "@maple/haven";
import { call, HavenFixture } from "./haven_fixture.ts";

function deep(): never {
  throw new Reply({ ret: -5, body: "from below" });
}

for (const hooked of [false, true]) {
  Deno.test(`a thrown Reply answers, and nothing is logged, ${hooked ? "with" : "without"} hooks`, async () => {
    await using server = await HavenFixture.start((app) => {
      if (hooked) app.afterRequest(() => {});
      app.route(1, () => deep());
      app.route(2, async () => {
        await Promise.resolve();
        deep();
      });
      app.route(3, () => {
        throw new Reply("text");
      });
      app.route(4, () => {
        throw new Reply(new Box({ cmd: 9, ret: 9 }));
      });
    });
    await using client = await server.connect();
    const seen: unknown[] = [];
    for (const cmd of [1, 2, 3, 4]) {
      const { sn, ret, ...answer } = await call(client, { cmd, sn: 5 });
      seen.push([answer.cmd, sn, ret]);
    }
    assertEquals(seen, [[1, 5, -5], [2, 5, -5], [3, 5, 0], [9, 0, 9]]);
    assertEquals(server.log.complaints, []);
  });
}

const hooks: Record<string, (app: Haven) => unknown> = {
  beforeRequest: (app) => app.beforeRequest(deep),
  beforeFirstRequest: (app) => app.beforeFirstRequest(deep),
  "async beforeFirstRequest": (app) =>
    app.beforeFirstRequest(async () => {
      await Promise.resolve();
      deep();
    }),
  "a blueprint's beforeRequest": (app) =>
    app.registerBlueprint(
      new Blueprint("b").beforeAppRequest(async () => {
        await Promise.resolve();
        deep();
      }),
    ),
};

for (const [name, add] of Object.entries(hooks)) {
  Deno.test(`a Reply that ${name} throws answers, and the handler is not run`, async () => {
    const calls: string[] = [];
    await using server = await HavenFixture.start((app) => {
      add(app);
      app.route(1, () => void calls.push("handler"));
    });
    await using client = await server.connect();
    assertEquals((await call(client, { cmd: 1 })).ret, -5);
    assertEquals([calls, server.log.complaints], [[], []]);
  });
}

Deno.test("a Reply that afterRequest throws answers what was not answered", async () => {
  await using server = await HavenFixture.start((app) => {
    app.afterRequest(deep);
    app.route(1, () => {});
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, -5);
  assertEquals(server.log.complaints, []);
});

Deno.test("a Reply that is thrown after the answer is not sent, and that is told", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, (request) => {
      request.reply({ ret: 1 });
      deep();
    });
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, 1);
  await server.log.line(/^WARN .* was answered before: the Reply /);
  assertEquals((await call(client, { cmd: 2 })).ret, RET.INVALID_CMD);
});

Deno.test("a Reply that cannot be packed is a fault", async () => {
  await using server = await HavenFixture.start((app) => {
    app.route(1, () => {
      throw new Reply({ ret: 2 ** 40 });
    });
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).ret, RET.INTERNAL);
  await server.log.line(/^ERROR Cannot answer .*ret/);
});

Deno.test("a Reply outside of a request is an error like any other", async () => {
  await using server = await HavenFixture.start((app) => {
    app.createConn(deep);
    app.route(1, () => "hi");
  });
  await using client = await server.connect();
  assertEquals((await call(client, { cmd: 1 })).text(), "hi");
  await server.log.line(/^ERROR Hook createConn threw: Reply: an answer that/);
});

Deno.test("LineBox: a thrown Reply is a line", async () => {
  await using server = new HavenFixture(LineBox);
  server.app.route(0, () => {
    throw new Reply<LineFields>({ body: "no" });
  });
  await server.app.listen({ port: 0 });
  await using client = await server.connect();
  assertEquals((await call(client, { body: "hi" })).text(), "no");
});

for (const hooked of [false, true]) {
  Deno.test(`a body that is no JSON is one warning and BAD_REQUEST, ${hooked ? "with" : "without"} hooks`, async () => {
    await using server = await HavenFixture.start((app) => {
      if (hooked) app.afterRequest(() => {});
      app.route(1, ({ box }) => `${box.json<number>()}`, "read");
      app.route(2, async ({ box }) => {
        await Promise.resolve();
        return `${box.json<number>()}`;
      });
    });
    await using client = await server.connect();
    const rets: number[] = [];
    for (
      const [cmd, body] of [[1, "{"], [1, ""], [2, "x"], [1, "7"]] as const
    ) {
      rets.push((await call(client, { cmd, sn: 3, body })).ret);
    }
    assertEquals(rets, [...Array(3).fill(RET.BAD_REQUEST), 0]);
    assertEquals(RET.BAD_REQUEST, -10004);
    assertEquals(server.log.complaints, [
      "WARN HavenRequest { cmd: 1, endpoint: read } makes no sense: Cannot read the body as JSON: its 1 bytes are none",
      "WARN HavenRequest { cmd: 1, endpoint: read } makes no sense: Cannot read the body as JSON: it is empty",
      "WARN HavenRequest { cmd: 2, endpoint: cmd_2 } makes no sense: Cannot read the body as JSON: its 1 bytes are none",
    ]);
  });
}

Deno.test("the error hook sees every throw, with the request where there is one", async () => {
  const seen: string[] = [];
  const note = (who: string) => (request: unknown, error: unknown) => {
    const from = request instanceof HavenRequest ? request.cmd : "-";
    seen.push(`${who} ${from} ${(error as Error).message}`);
  };
  const fail = (message: string) => () => {
    throw new Error(message);
  };
  const user = new Blueprint<HavenRequest>("user").appError(note("b"))
    .afterRequest(fail("own afterRequest")).route(2, fail("handler"));
  await using server = await HavenFixture.start((app) => {
    app.error(note("a")).startWorker(fail("startWorker"));
    app.createConn(fail("createConn"));
    app.registerBlueprint(user);
    app.route(1, () => deep());
    app.route(3, ({ box }) => box.json<string>());
    app.beforeResponse((request) => {
      if (request.cmd === 2) throw new Error("beforeResponse");
    });
  });
  await using client = await server.connect();
  await call(client, { cmd: 1 });
  await call(client, { cmd: 2 });
  await call(client, { cmd: 3 });
  const expected = [
    "- startWorker",
    "- createConn",
    "1 an answer that is thrown; only handlers and hooks of requests may",
    "2 handler",
    "2 beforeResponse",
    "2 own afterRequest",
    "3 Cannot read the body as JSON: it is empty",
  ];
  assertEquals(seen, expected.flatMap((line) => [`a ${line}`, `b ${line}`]));
});

for (const async of [false, true]) {
  Deno.test(`the error hook may answer in its own way, ${async ? "later" : "at once"}`, async () => {
    class NotFound extends Error {}
    const turn = (fn: () => void) => async ? Promise.resolve().then(fn) : fn();
    await using server = await HavenFixture.start((app) => {
      app.error((request, error) =>
        turn(() => {
          if (error instanceof NotFound) request?.reply({ ret: 404 });
        })
      );
      app.error((_request, error) =>
        turn(() => {
          if (error instanceof RangeError) throw new Reply({ ret: 416 });
          if (error instanceof TypeError) throw new Error("the hook itself");
        })
      );
      const fail = (error: Error) => () => {
        throw error;
      };
      app.route(1, fail(new NotFound("no such table")));
      app.route(2, fail(new RangeError("too much")));
      app.route(3, fail(new TypeError("a bug")));
    });
    await using client = await server.connect();
    const rets: number[] = [];
    for (const cmd of [1, 2, 3]) rets.push((await call(client, { cmd })).ret);
    assertEquals(rets, [404, 416, RET.INTERNAL]);
    const [first, second, third, fourth, ...more] = server.log.complaints;
    assertMatch(first!, /^ERROR The handler .*no such table/);
    assertMatch(second!, /^ERROR The handler .*too much/);
    assertMatch(third!, /^ERROR Hook error threw: Error: the hook itself/);
    assertMatch(fourth!, /^ERROR The handler .*a bug/);
    assertEquals(more, []);
  });
}
