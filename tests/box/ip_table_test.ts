import { assertEquals } from "@std/assert";
import { IpRange, IpTable, ipTable } from "@maple/box/internal";

function range(text: string): IpRange {
  return IpRange.parse(text)!;
}

Deno.test("IpTable.find() finds what a range stands for that an address is in", () => {
  const table = new IpTable<string>();
  const entries = [
    ["192.0.2.0/24", "net"],
    ["198.51.100.7", "one"],
    ["2001:db8::/32", "v6"],
    ["::1", "self"],
  ] as const;
  for (const [text, value] of entries) table.set(range(text), value);
  assertEquals(table.size, 4);
  const expected = [
    ["192.0.2.0", "net"],
    ["192.0.2.255", "net"],
    ["::ffff:192.0.2.9", "net"],
    ["192.0.3.0", undefined],
    ["198.51.100.7", "one"],
    ["198.51.100.6", undefined],
    ["2001:db8:ffff::1", "v6"],
    ["2001:db9::", undefined],
    ["::1", "self"],
    ["::2", undefined],
    ["0.0.0.1", undefined],
  ] as const;
  for (const [address, value] of expected) {
    assertEquals(table.find(address), value, address);
  }
});

Deno.test("IpTable has a range once, however it is written", () => {
  const table = new IpTable<number>();
  table.set(range("10.1.2.3/8"), 1);
  table.set(range("10.0.0.0/8"), 2);
  assertEquals([table.size, table.find("10.9.9.9")], [1, 2]);
  assertEquals(table.delete(range("10.200.0.0/8")), true);
  assertEquals(table.delete(range("10.0.0.0/8")), false);
  assertEquals([table.size, table.find("10.9.9.9")], [0, undefined]);
});

Deno.test("IpTable.find() takes a range with no bits, and the one that fits of several", () => {
  const all = ipTable([range("0.0.0.0/0")]);
  assertEquals(all.find("203.0.113.7"), true);
  assertEquals(all.find("2001:db8::1"), undefined);
  assertEquals(ipTable([range("::/0")]).find("2001:db8::1"), true);
  const table = new IpTable<number>();
  table.set(range("10.0.0.0/8"), 1);
  table.set(range("10.1.0.0/16"), 2);
  assertEquals(table.find("10.1.1.1", (value) => value === 2), 2);
  assertEquals(table.find("10.2.1.1", (value) => value === 2), undefined);
});

Deno.test("IpRange as text is the one form of a range", () => {
  const forms = [
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["2001:0db8:0:0::1/33", "2001:db8::/33"],
    ["::ffff:192.0.2.7/120", "192.0.2.0/24"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["192.0.2.255/25", "192.0.2.128/25"],
  ] as const;
  for (const [text, form] of forms) assertEquals(`${range(text)}`, form);
});
