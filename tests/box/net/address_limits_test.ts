import { assertEquals } from "@std/assert";
import {
  type AddressCause,
  AddressLimits,
  type ConnectionLimits,
  type CountedAddress,
  IpRange,
} from "@maple/box/internal";

const PUBLIC = "203.0.113.7";

class Fixture {
  now = 5000;
  readonly refused: [name: string, cause: AddressCause][] = [];
  readonly limits: AddressLimits;

  constructor(limits: Partial<ConnectionLimits>, deny: string[] = []) {
    this.limits = new AddressLimits({
      connsMax: 10_000,
      connsPerAddress: undefined,
      connectRate: undefined,
      ...limits,
    }, {
      deny: deny.map((text) => IpRange.parse(text)!),
      onRefused: (...all) => this.refused.push(all),
      now: () => this.now,
    });
  }

  // What of so many connections is let in.
  connect(address: string, count: number): CountedAddress[] {
    const all: CountedAddress[] = [];
    for (let i = 0; i < count; i++) {
      if (!this.limits.refuses(address)) all.push(this.limits.enter(address));
    }
    return all;
  }
}

Deno.test("AddressLimits lets so many connections of an address in, and one more when one is gone", () => {
  const fixture = new Fixture({ connsPerAddress: 3, connectRate: 0 });
  const [first] = fixture.connect("127.0.0.1", 3);
  assertEquals(fixture.connect("127.0.0.1", 2).length, 0);
  assertEquals(fixture.connect("127.0.0.2", 5).length, 3);
  fixture.limits.leave(first);
  assertEquals(fixture.connect("127.0.0.1", 2).length, 1);
  assertEquals(fixture.refused.length, 5);
  assertEquals(fixture.refused[0], ["127.0.0.1", "connsPerAddress"]);
});

Deno.test("AddressLimits counts a /64 of IPv6 as one, and an IPv4 address in IPv6 as itself", () => {
  const fixture = new Fixture({ connsPerAddress: 2, connectRate: 0 });
  fixture.connect("2001:db8:1:2::1", 1);
  fixture.connect("2001:db8:1:2:ffff::1", 1);
  assertEquals(fixture.connect("2001:db8:1:2:3::", 1).length, 0);
  assertEquals(fixture.connect("2001:db8:1:3::1", 1).length, 1);
  assertEquals(fixture.refused, [["2001:db8:1:2::/64", "connsPerAddress"]]);
  fixture.connect("192.0.2.7", 1);
  fixture.connect("::ffff:192.0.2.7", 1);
  assertEquals(fixture.connect("192.0.2.7", 1).length, 0);
});

Deno.test("AddressLimits lets so many connections a second in, and those of two at once", () => {
  const fixture = new Fixture({ connsPerAddress: 0, connectRate: 10 });
  for (const counted of fixture.connect(PUBLIC, 100)) {
    fixture.limits.leave(counted);
  }
  assertEquals(fixture.refused.length, 80);
  assertEquals(fixture.refused[0], [PUBLIC, "connectRate"]);
  fixture.now += 1000;
  assertEquals(fixture.connect(PUBLIC, 100).length, 10);
});

Deno.test("AddressLimits without limits of its own bounds public addresses only", () => {
  const fixture = new Fixture({ connsMax: 100 });
  assertEquals(fixture.connect(PUBLIC, 100).length, 50);
  for (
    const address of [
      ...["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1"],
      ...["169.254.1.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.9"],
    ]
  ) {
    assertEquals(fixture.connect(address, 5000).length, 5000, address);
  }
  const fast = new Fixture({ connsMax: 1_000_000 });
  assertEquals(fast.connect("2001:db8::1", 3000).length, 2000);
  assertEquals(fast.refused[0], ["2001:db8::/64", "connectRate"]);
});

Deno.test("AddressLimits with 0 bounds nobody", () => {
  const fixture = new Fixture({
    connsMax: 10,
    connsPerAddress: 0,
    connectRate: 0,
  });
  assertEquals(fixture.connect(PUBLIC, 5000).length, 5000);
});

Deno.test("AddressLimits keeps out who is denied, and is told others", () => {
  const fixture = new Fixture({}, ["203.0.113.0/24", "2001:db8::/32"]);
  assertEquals(fixture.connect(PUBLIC, 1).length, 0);
  assertEquals(fixture.connect("2001:db8:ffff::1", 1).length, 0);
  assertEquals(fixture.refused, [
    [PUBLIC, "deny"],
    ["2001:db8:ffff::/64", "deny"],
  ]);
  fixture.limits.setDeny([IpRange.parse("198.51.100.7")!]);
  assertEquals(fixture.limits.denied, 1);
  assertEquals(fixture.limits.bars(PUBLIC), undefined);
  assertEquals(fixture.limits.bars("198.51.100.7"), "deny");
});

Deno.test("AddressLimits keeps out who is banned, until that ends", () => {
  const fixture = new Fixture({});
  const { bans } = fixture.limits;
  bans.set(IpRange.parse("203.0.113.0/24")!, 60);
  assertEquals(fixture.limits.bars(PUBLIC), "ban");
  fixture.now += 59_000;
  assertEquals(bans.list(), [{ address: "203.0.113.0/24", seconds: 1 }]);
  fixture.now += 1000;
  assertEquals(fixture.limits.bars(PUBLIC), undefined);
  assertEquals(bans.size, 0);
  bans.set(IpRange.parse(PUBLIC)!, 60);
  bans.set(IpRange.parse(PUBLIC)!, 0);
  assertEquals([fixture.limits.bars(PUBLIC), bans.size], [undefined, 0]);
});

Deno.test("Bans are bounded, and those that have ended make room", () => {
  const fixture = new Fixture({});
  const { bans } = fixture.limits;
  const one = (i: number) =>
    IpRange.parse(`10.${i >> 16}.${i >> 8 & 255}.${i & 255}`)!;
  for (let i = 0; i < 10_000; i++) assertEquals(bans.set(one(i), 60), true);
  assertEquals(bans.set(one(10_000), 60), false);
  // In place of one of them.
  assertEquals(bans.set(one(0), 30), true);
  fixture.now += 30_000;
  assertEquals(bans.set(one(10_000), 60), true);
  assertEquals(fixture.limits.bars("10.0.0.0"), undefined);
  assertEquals(fixture.limits.bars("10.0.39.16"), "ban");
});

Deno.test("AddressLimits forgets addresses without connections", () => {
  const fixture = new Fixture({});
  const kept = fixture.connect(PUBLIC, 1);
  for (let i = 0; i < 100_000; i++) {
    const address = `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`;
    fixture.limits.leave(fixture.limits.enter(address));
    fixture.now += 1;
  }
  assertEquals(fixture.limits.size < 3000, true, `${fixture.limits.size}`);
  assertEquals(kept[0]!.conns, 1);
  // It is known still.
  assertEquals(fixture.limits.enter(PUBLIC), kept[0]);
});
