import { assertEquals } from "@std/assert";
import { ipFromBytes, ipToBytes } from "@maple/box";
import { propertyTest } from "../helpers/random.ts";
import { toHex } from "./support.ts";

// Text, raw bytes, and the text that comes back where it is another.
const TABLE: [text: string, digits: string, again?: string][] = [
  ["127.0.0.1", "7f000001"],
  ["255.255.255.255", "ffffffff"],
  ["1.2.3.4", "01020304"],
  ["0.0.0.0", "00000000", ""],
  ["::ffff:1.2.3.4", "01020304", "1.2.3.4"],
  ["::FFFF:102:304", "01020304", "1.2.3.4"],
  ["::1", "00000000000000000000000000000001"],
  ["::", "00000000000000000000000000000000"],
  ["1::", "00010000000000000000000000000000"],
  ["2001:db8::1", "20010db8000000000000000000000001"],
  ["2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001", "2001:db8::1"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["1:0:3:4:5:6:7:8", "00010000000300040005000600070008"],
  ["1::3:4:5:6:7:8", "00010000000300040005000600070008", "1:0:3:4:5:6:7:8"],
  ["1:0:0:4:0:0:0:8", "00010000000000040000000000000008", "1:0:0:4::8"],
  ["1:0:0:4:5:0:0:8", "00010000000000040005000000000008", "1::4:5:0:0:8"],
  ["0:0:3::", "00000000000300000000000000000000", "0:0:3::"],
  ["fe80::1%eth0", "fe800000000000000000000000000001", "fe80::1"],
  ["64:ff9b::1.2.3.4", "0064ff9b000000000000000001020304", "64:ff9b::102:304"],
  [
    "1:2:3:4:5:6:1.2.3.4",
    "00010002000300040005000601020304",
    "1:2:3:4:5:6:102:304",
  ],
];

for (const [text, digits, again = text] of TABLE) {
  Deno.test(`ipToBytes() and ipFromBytes() know ${text}`, () => {
    const { bytes, ipv6 } = ipToBytes(text);
    assertEquals(bytes.length, 16);
    assertEquals(ipv6, digits.length === 32);
    assertEquals(toHex(bytes), digits.padEnd(32, "0"));
    assertEquals(ipFromBytes(bytes, ipv6), again);
  });
}

for (
  const text of [
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "1..3.4",
    "1.2.3.",
    "0001.2.3.4",
    "1.2.3.256",
    "1.2.3.-4",
    "1.2.3.4 ",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7::8",
    ":::",
    ":1",
    "1:",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    "[::1]",
  ]
) {
  Deno.test(`ipToBytes() gives zero bytes for ${JSON.stringify(text)}`, () => {
    const { bytes, ipv6 } = ipToBytes(text);
    assertEquals([toHex(bytes), ipv6], ["00".repeat(16), false]);
    assertEquals(ipFromBytes(bytes, ipv6), "");
  });
}

propertyTest(
  "ipFromBytes() gives the text that the URL standard gives",
  (random) => {
    for (let run = 0; run < 5000; run++) {
      const bytes = random.bytes(16);
      for (let i = 0; i < 16; i += 2) {
        if (random.next() < 0.5) bytes.fill(0, i, i + 2);
      }
      const text = ipFromBytes(bytes, true);
      assertEquals(new URL(`http://[${text}]/`).hostname, `[${text}]`);
      const again = ipToBytes(text);
      // The text of a mapped IPv4 address comes back as that address.
      if (again.ipv6) assertEquals(again.bytes, bytes);
      else assertEquals(toHex(bytes.subarray(0, 12)), "00".repeat(10) + "ffff");
      const ipv4 = ipFromBytes(bytes, false);
      assertEquals(ipToBytes(ipv4).bytes.subarray(0, 4), bytes.subarray(0, 4));
    }
  },
);
