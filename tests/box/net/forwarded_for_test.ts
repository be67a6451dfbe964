import { assertEquals } from "@std/assert";
import { parseIpRanges } from "@maple/box/internal";
import { forwardedClient } from "../../../box/net/forwarded_for.ts";

const PROXIES = parseIpRanges("proxies", "10.0.0.0/8, ::1", Error);

const LISTS: readonly [string, string | undefined][] = [
  ["192.0.2.7", "192.0.2.7"],
  [" 192.0.2.7 ", "192.0.2.7"],
  ["192.0.2.7:4711", "192.0.2.7"],
  ["2001:db8::7", "2001:db8::7"],
  ["[2001:db8::7]:4711", "2001:db8::7"],
  // What the client has said itself.
  ["1.1.1.1, 192.0.2.7", "192.0.2.7"],
  ["1.1.1.1, 192.0.2.7, 10.1.2.3, ::1", "192.0.2.7"],
  // A proxy that asks for itself.
  ["10.1.2.3", "10.1.2.3"],
  ["nonsense, 192.0.2.7", "192.0.2.7"],
  ["192.0.2.7, nonsense", undefined],
  ["unknown", undefined],
  ["192.0.2.0/24", undefined],
  ["", undefined],
];

Deno.test("forwardedClient() gives the last that is none of the proxies", () => {
  for (const [list, client] of LISTS) {
    assertEquals(forwardedClient(list, PROXIES), client, list);
  }
});
