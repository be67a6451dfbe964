import { assertEquals } from "@std/assert";
import { busLoad, type MessageBytes } from "../../bench/run/cluster_load.ts";

const BYTES: MessageBytes = { hello: 100, logins: 20, login: 10, message: 50 };

Deno.test("busLoad: gateways at rest tell each other of themselves once a second", () => {
  const load = busLoad(
    { gateways: 4, logins: 0, messages: 0, gatherMs: 0 },
    BYTES,
  );
  assertEquals(load, { published: 4, delivered: 12, bytes: 1200 });
});

Deno.test("busLoad: each login and each message goes to all others", () => {
  const load = busLoad(
    { gateways: 4, logins: 6, messages: 2, gatherMs: 0 },
    BYTES,
  );
  const bytes = 3 * (400 + 6 * (20 + 10) + 2 * 50);
  assertEquals(load, { published: 12, delivered: 36, bytes });
});

Deno.test("busLoad: logins that come while one waits are told with it", () => {
  // Each gateway has ten a second, and nine come within the time that the first waits.
  const load = busLoad(
    { gateways: 4, logins: 40, messages: 0, gatherMs: 900 },
    BYTES,
  );
  assertEquals(Math.round(load.published), 8);
  assertEquals(Math.round(load.bytes), 3 * (400 + 4 * 20 + 40 * 10));
});
