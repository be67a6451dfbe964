// What is read of the list of a cluster's gateways, whoever has written it.

import { assertEquals } from "@std/assert";
import { Task, TaskCmd } from "@maple/box";
import {
  decodeGreeting,
  greet,
  LISTED_MAX,
  type ListedGateway,
  parseInner,
  readGatewayList,
} from "@maple/box/internal";

function serving(node: number, inner: string): ListedGateway {
  return { node, inner, state: "serving" };
}

Deno.test("greet() tells of a cluster, and decodeGreeting() reads it", () => {
  const gateways: ListedGateway[] = [
    serving(1, "10.0.0.1:28000"),
    { node: 2, inner: "[2001:db8::1]:28001", state: "draining" },
    serving(-3, "gw-3.internal:28000"),
  ];
  const greeting = { node: 1, cluster: "maple", gateways };
  assertEquals(decodeGreeting(greet(greeting)), greeting);
  assertEquals(decodeGreeting(greet({ ...greeting, alone: true })), {
    ...greeting,
    alone: true,
  });
});

Deno.test("decodeGreeting() knows no gateways without the name of a cluster", () => {
  const told = (body: object) =>
    decodeGreeting(new Task({ cmd: TaskCmd.GREETING, body }).pack());
  const gateways = [serving(1, "10.0.0.1:28000")];
  for (const cluster of [undefined, "", 7, null, "x".repeat(101)]) {
    assertEquals(told({ cluster, gateways, alone: true, node: 1 }), {
      node: 1,
    });
  }
  assertEquals(told({ cluster: "a", gateways: {}, alone: 1 }), {
    cluster: "a",
    gateways: [],
  });
});

Deno.test("decodeGreeting() reads nothing of a body that is far too long", () => {
  const cluster = "maple";
  const frame = (bytes: number) =>
    greet({ cluster, gateways: [], version: "v".repeat(bytes) });
  assertEquals(decodeGreeting(frame(1000))?.cluster, cluster);
  assertEquals(decodeGreeting(frame(600 * 1024)), {});
});

Deno.test("parseInner() takes HOST:PORT and [IPV6]:PORT", () => {
  assertEquals(parseInner("127.0.0.1:28000"), {
    host: "127.0.0.1",
    port: 28000,
  });
  assertEquals(parseInner("[::1]:1"), { host: "::1", port: 1 });
  assertEquals(parseInner("a-b.c_d:65535"), { host: "a-b.c_d", port: 65535 });
});

Deno.test("parseInner() gives nothing for what nobody can connect to", () => {
  for (
    const inner of [
      ...["", ":28000", "10.0.0.1", "10.0.0.1:", "10.0.0.1:0"],
      ...["10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:1e3", "10.0.0.1:028000"],
      ...["::1:28000", "[]:28000", "[::1]", "[::1:28000", "[fe80::1%eth0]:1"],
      ...["a b:1", "a/b:1", "http://a:1", "user@a:1", "a?b:1", "a:1\n", "a:1 "],
      ...["0.0.0.0:28000", "[::]:28000", "[0:0:0:0:0:0:0:0]:28000"],
      `${"h".repeat(254)}:28000`,
    ]
  ) {
    assertEquals(parseInner(inner), undefined, inner);
  }
});

Deno.test("readGatewayList() leaves out what is no gateway, and keeps the others in their order", () => {
  const good = [serving(5, "b:1"), serving(4, "a:1")];
  const wrong = [
    ...[null, 7, "a:2", [], {}, { node: 1 }, { inner: "a:2" }],
    ...["1", 1.5, 2 ** 31, NaN, null].map((node) => ({
      ...{ node, inner: "a:2", state: "serving" },
    })),
    ...[1, null, [], "a:0", "a"].map((inner) => ({
      ...{ node: 1, inner, state: "serving" },
    })),
    ...[undefined, "starting", "SERVING", 1].map((state) => ({
      ...{ node: 1, inner: "a:2", state },
    })),
  ];
  assertEquals(readGatewayList([...wrong, good[0], ...wrong, good[1]]), good);
  const more = { ...good[0], inner: "c:1", more: "x" };
  assertEquals(readGatewayList([more]), [serving(5, "c:1")]);
  for (const value of [undefined, null, "a:1", 7, {}, { length: 3 }]) {
    assertEquals(readGatewayList(value), []);
  }
});

Deno.test("readGatewayList() takes an address once, and a thousand gateways", () => {
  const twice = [serving(1, "a:1"), serving(2, "a:1"), serving(1, "b:1")];
  assertEquals(readGatewayList(twice), [serving(1, "a:1"), serving(1, "b:1")]);
  const many = Array.from(
    { length: LISTED_MAX + 1 },
    (_, node) => serving(node, `h${node}:1`),
  );
  assertEquals(readGatewayList(many), many.slice(0, LISTED_MAX));
});
