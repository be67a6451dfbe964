// resolveOptions(): defaults, ranges, and options that depend on each other.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Box } from "@maple/box";
import { Gateway, GatewayError, type GatewayOptions } from "@maple/gateway";
import { RANGES } from "../../gateway/option_table.ts";
import { webSocketsOf } from "../../gateway/read_options.ts";
import { resolveOptions } from "../../gateway/resolve_options.ts";

Deno.test("resolveOptions() fills in the documented defaults", () => {
  const { boxClass, memoryBytes, ...rest } = resolveOptions({});
  assert(Number.isInteger(memoryBytes) && memoryBytes > 1024 ** 2);
  assert(Object.is(boxClass, Box));
  assertEquals(rest, {
    outerHost: "0.0.0.0",
    outerPort: 29000,
    wsPort: undefined,
    wsPath: "*",
    wsOrigins: "*",
    wsPing: 25,
    heartbeatCmd: undefined,
    moveCmd: undefined,
    tlsPort: undefined,
    wssPort: undefined,
    tlsCert: "",
    tlsKey: "",
    proxyProtocol: "",
    deny: "",
    denyFile: "",
    innerHost: "127.0.0.1",
    innerSecrets: "",
    innerSecretFile: "",
    innerOpen: "",
    innerPort: 28000,
    innerOwnPort: undefined,
    order: "client",
    io: "deno",
    reusePort: false,
    backlog: 4096,
    connsMax: 10_000,
    connsPerAddress: undefined,
    connectRate: undefined,
    connTimeout: 0,
    firstFrameTimeout: 0,
    frameTimeout: 30,
    writeTimeout: 30,
    keepAlive: 120,
    frameBytes: 1_048_576,
    clientRate: 0,
    clientBytesRate: 0,
    rateAction: "slow",
    clientQueueMax: 128,
    queueMax: 100_000,
    queueBytes: 268_435_456,
    newsMax: 100_000,
    goneRequests: "yield",
    outboxBytes: 4_194_304,
    linger: 30,
    groupsPerClient: 100,
    groupsMax: 1_000_000,
    fanOutBytes: 16_777_216,
    innerFrameBytes: 16_777_216,
    innerConnsMax: 1000,
    innerReserve: 100,
    creditsMax: 1024,
    chainMax: 2,
    maxDeliveries: 2,
    originalMaxDeliveries: 2,
    parkTime: 60,
    workerTimeout: 15,
    originalWorkerTimeout: 0,
    drainTimeout: 10,
    lameDuck: 0,
    lameDuckNotice: 10,
    moveTimeout: 10,
    bindTimeout: 10,
    handover: "",
    handoverTimeout: 5,
    handoverStay: 86_400,
    nodeId: 0,
    cluster: "",
    clusterName: "maple",
    clusterCreds: "",
    clusterTlsCa: "",
    clusterTlsCert: "",
    clusterTlsKey: "",
    innerAdvertise: "",
    clusterBytes: 67_108_864,
    bus: undefined,
  });
});

Deno.test("resolveOptions() takes undefined for left out and does not change what it got", () => {
  const options = { connsMax: undefined, nodeId: 3 };
  // deno-lint-ignore no-explicit-any -- what JavaScript callers do
  assertEquals(resolveOptions(options as any).connsMax, 10_000);
  assertEquals(options, { connsMax: undefined, nodeId: 3 });
});

for (const [name, { min, max, whole }] of Object.entries(RANGES)) {
  Deno.test(`resolveOptions() takes ${name} from ${min} to ${max} only`, () => {
    const resolve = (value: unknown) =>
      resolveOptions({ frameBytes: 1, [name]: value } as GatewayOptions);
    for (const value of [min, max]) {
      assertEquals(resolve(value)[name as keyof typeof RANGES], value);
    }
    const bad: unknown[] = [min - 1, max + 1, NaN, Infinity, null, 1n];
    if (whole) bad.push(min + 0.5);
    for (const value of bad) {
      assertThrows(
        () => resolve(value),
        GatewayError,
        `Option ${name} must be a${
          whole ? " whole" : ""
        } number from ${min} to ${max}, got ${value}`,
      );
    }
  });
}

Deno.test("resolveOptions() takes the two orders only", () => {
  assertEquals(resolveOptions({ order: "none" }).order, "none");
  assertThrows(
    () => resolveOptions({ order: "any" as "none" }),
    GatewayError,
    'Option order must be "client" or "none", got "any"',
  );
});

Deno.test("resolveOptions() takes groupsPerClient as far as one body names groups", () => {
  assertEquals(
    resolveOptions({ groupsPerClient: 10_000 }).groupsMax,
    1_000_000,
  );
  assertThrows(
    () => resolveOptions({ groupsPerClient: 10_001 }),
    GatewayError,
    "Option groupsPerClient must be a whole number from 1 to 10000, got 10001",
  );
});

Deno.test("resolveOptions() takes no node below 0: a receipt tells by -1 that gateways are not known", () => {
  assertThrows(
    () => resolveOptions({ nodeId: -1 }),
    GatewayError,
    "Option nodeId must be a whole number from 0 to 2147483647, got -1",
  );
});

Deno.test("resolveOptions() makes innerFrameBytes large enough for frameBytes", () => {
  const frameBytes = 50_000_000;
  assertEquals(resolveOptions({ frameBytes }).innerFrameBytes, frameBytes + 76);
  assertThrows(
    () => resolveOptions({ frameBytes: 1000, innerFrameBytes: 1075 }),
    GatewayError,
    "Option innerFrameBytes must be at least frameBytes + 76 = 1076, got 1075",
  );
});

Deno.test("resolveOptions() gives original workers as many deliveries as others, unless told", () => {
  const most = (options: GatewayOptions) =>
    resolveOptions(options).originalMaxDeliveries;
  assertEquals(most({ maxDeliveries: 5 }), 5);
  assertEquals(most({ maxDeliveries: 5, originalMaxDeliveries: 1 }), 1);
});

Deno.test("new Gateway() throws on a wrong option", () => {
  assertThrows(() => new Gateway({ connsMax: 0 }), GatewayError, "connsMax");
});

Deno.test("new Gateway() refuses the names that options had before", () => {
  for (
    const [options, before, now] of [
      [{ box: Box }, "box", "boxClass"],
      [{ frameMax: 9 }, "frameMax", "frameBytes"],
      [{ outboxMax: 9 }, "outboxMax", "outboxBytes"],
      [{ innerFrameMax: 9 }, "innerFrameMax", "innerFrameBytes"],
      [{ memoryMax: 9 }, "memoryMax", "memoryBytes"],
    ] as const
  ) {
    assertThrows(
      // deno-lint-ignore no-explicit-any -- what a program of before says
      () => new Gateway(options as any),
      GatewayError,
      `Option ${before} is called ${now} now`,
    );
  }
});

Deno.test("resolveOptions() takes a path and origins, and says what they are", () => {
  const of = (options: GatewayOptions) => webSocketsOf(resolveOptions(options));
  assertEquals(of({}), { path: undefined, origins: undefined });
  assertEquals(of({ wsPath: "/a", wsOrigins: "https://B.example:443,null" }), {
    path: "/a",
    origins: ["https://b.example", "null"],
  });
  const wsOrigins = ["http://localhost:8080", "chrome-extension://abc"];
  assertEquals(of({ wsOrigins }).origins, wsOrigins);
  assertEquals(of({ wsOrigins: [...wsOrigins, "*"] }).origins, undefined);
  for (const wrong of ["b.example", "https://b.example/", "", "https://a b"]) {
    assertThrows(
      () => of({ wsOrigins: `https://a.example,${wrong}` }),
      GatewayError,
      `Option wsOrigins takes origins such as https://example.org, or * for any, got "${wrong}"`,
    );
  }
  for (const wrong of ["play", "", "/a?b", "/a b"]) {
    assertThrows(
      () => of({ wsPath: wrong }),
      GatewayError,
      `Option wsPath takes a path such as /play, or * for any, got "${wrong}"`,
    );
  }
  assertThrows(() => of({ wsPort: 65_536 }), GatewayError, "Option wsPort");
  for (const name of ["outerPort", "innerPort"] as const) {
    assertThrows(
      () => of({ [name]: 29000, wsPort: 29000, outerHost: "::" }),
      GatewayError,
      "must differ, got 29000 for both",
    );
  }
});

Deno.test("resolveOptions() says plainly that the two ports are the same", () => {
  const same = { outerPort: 29000, innerPort: 29000 };
  for (
    const hosts of [
      {},
      { outerHost: "10.0.0.1", innerHost: "10.0.0.1" },
      { outerHost: "10.0.0.1", innerHost: "::" },
    ]
  ) {
    assertThrows(
      () => resolveOptions({ ...same, ...hosts }),
      GatewayError,
      "Options outerPort and innerPort must differ, got 29000 for both",
    );
  }
  resolveOptions({ ...same, outerHost: "10.0.0.1" });
  resolveOptions({ outerPort: 0, innerPort: 0 });
});

Deno.test("Gateway.limits are the numbers that bound something: no port is among them", async () => {
  await using gateway = new Gateway({ connsMax: 12, nodeId: 7 });
  const { limits } = gateway;
  assertEquals([limits.connsMax, limits.drainTimeout, gateway.nodeId], [
    12,
    10,
    7,
  ]);
  const others = Object.keys(limits).filter((name) =>
    /port$|^node/i.test(name)
  );
  assertEquals(others, []);
});
