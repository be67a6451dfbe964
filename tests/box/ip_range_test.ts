import { assert, assertEquals } from "@std/assert";
import { IpRange, isInRanges } from "../../box/ip_range.ts";

const INSIDE = [
  ["127.0.0.1", "127.0.0.1"],
  ["10.0.0.0/8", "10.255.1.2"],
  ["192.168.1.128/25", "192.168.1.255"],
  ["192.168.1.130/31", "192.168.1.131"],
  ["0.0.0.0/0", "8.8.8.8"],
  ["0.0.0.0", "0.0.0.0"],
  ["::1", "::1"],
  ["::1", "0:0:0:0:0:0:0:1"],
  ["fe80::/10", "febf::1"],
  ["::/0", "2001:db8::1"],
  ["::ffff:10.0.0.0/104", "10.1.2.3"],
  ["10.0.0.0/8", "::ffff:10.1.2.3"],
  [" 10.0.0.0/8 ", "10.0.0.1"],
] as const;

const OUTSIDE = [
  ["127.0.0.1", "127.0.0.2"],
  ["10.0.0.0/8", "11.0.0.0"],
  ["192.168.1.128/25", "192.168.1.127"],
  ["192.168.1.130/31", "192.168.1.132"],
  ["0.0.0.0/0", "::1"],
  ["fe80::/10", "fec0::1"],
  ["10.0.0.0/8", "no address"],
] as const;

const WRONG = [
  "",
  "localhost",
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0/8",
  "::/129",
  "::ffff:10.0.0.0/90",
];

Deno.test("IpRange.contains() tells who is in it", () => {
  for (const [range, address] of INSIDE) {
    assert(IpRange.parse(range)?.contains(address), `${address} in ${range}`);
  }
  for (const [range, address] of OUTSIDE) {
    assertEquals(IpRange.parse(range)?.contains(address), false, range);
  }
});

Deno.test("IpRange.parse() gives nothing for what is no range", () => {
  for (const text of WRONG) assertEquals(IpRange.parse(text), undefined, text);
});

Deno.test("isInRanges() asks each of them", () => {
  const ranges = ["127.0.0.1", "::1"].map((text) => IpRange.parse(text)!);
  assertEquals(isInRanges("::1", ranges), true);
  assertEquals(isInRanges("::2", ranges), false);
  assertEquals(isInRanges("127.0.0.1", []), false);
});
