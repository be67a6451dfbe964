import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  ClientRates,
  type CloseCause,
  type RatedClient,
  type RateLimits,
} from "@maple/box/internal";

class FakeClient implements RatedClient {
  frameLevel = 0;
  byteLevel = 0;
  levelAt = 0;
  slowed = false;
  readonly events: string[] = [];
  readonly causes: CloseCause[] = [];
  readonly socket = {
    pause: () => void this.events.push("pause"),
    close: (cause: CloseCause) => void this.causes.push(cause),
  };
  readOn(): void {
    this.events.push("readOn");
  }
}

class Fixture {
  now = 5000;
  readonly limits: { -readonly [K in keyof RateLimits]: RateLimits[K] };
  readonly exceeded: string[] = [];
  readonly rates: ClientRates<FakeClient>;

  constructor(limits: Partial<RateLimits>) {
    this.limits = {
      clientRate: 0,
      clientBytesRate: 0,
      rateAction: "slow",
      ...limits,
    };
    this.rates = new ClientRates(this.limits, {
      onExceeded: (_, kind) => this.exceeded.push(kind),
      now: () => this.now,
    });
  }

  // How many of so many frames are taken before the client is slowed or closed.
  taken(client: FakeClient, frames: number, bytes = 24): number {
    for (let i = 0; i < frames; i++) {
      if (client.slowed || !this.rates.take(client, bytes)) return i;
    }
    return frames;
  }

  [Symbol.dispose](): void {
    this.rates.stop();
  }
}

Deno.test("ClientRates without a rate has nothing to do", () => {
  using fixture = new Fixture({});
  assertEquals(fixture.rates.on, false);
});

Deno.test("ClientRates takes the frames of two seconds at once, then slows the client until it may send again", () => {
  using fixture = new Fixture({ clientRate: 100 });
  const client = new FakeClient();
  assertEquals(fixture.rates.on, true);
  assertEquals(fixture.taken(client, 1000), 200);
  assertEquals(client.events, ["pause"]);
  assertEquals([fixture.exceeded, fixture.rates.slowed], [["frames"], 1]);
  fixture.now += 9;
  fixture.rates.step();
  assertEquals(client.events, ["pause"]);
  fixture.now += 1;
  fixture.rates.step();
  assertEquals(client.events, ["pause", "readOn"]);
  assertEquals(fixture.rates.slowed, 0);
  // Of ten milliseconds it is one, and of half a second fifty.
  assertEquals(fixture.taken(client, 1000), 1);
  fixture.now += 500;
  fixture.rates.step();
  assertEquals(fixture.taken(client, 1000), 50);
  // However long it is quiet, no more than those of two seconds.
  fixture.now += 3_600_000;
  fixture.rates.step();
  assertEquals(fixture.taken(client, 1000), 200);
});

Deno.test("ClientRates lets a client that keeps to its rate be", () => {
  using fixture = new Fixture({ clientRate: 10, clientBytesRate: 1000 });
  const client = new FakeClient();
  for (let i = 0; i < 1000; i++) {
    fixture.now += 100;
    assertEquals(fixture.rates.take(client, 100), true);
  }
  assertEquals([client.events, fixture.exceeded], [[], []]);
});

Deno.test("ClientRates counts bytes, and takes a frame of more than the bucket holds", () => {
  using fixture = new Fixture({ clientBytesRate: 1000 });
  const client = new FakeClient();
  assertEquals(fixture.taken(client, 10, 1000), 2);
  assertEquals(fixture.exceeded, ["bytes"]);
  fixture.now += 2000;
  fixture.rates.step();
  assertEquals(fixture.taken(client, 10, 10_000), 1);
  // Ten seconds pay for it, but for what the bucket holds.
  fixture.now += 7999;
  fixture.rates.step();
  assertEquals(client.slowed, true);
  fixture.now += 2;
  fixture.rates.step();
  assertEquals(client.slowed, false);
});

Deno.test("ClientRates closes a client for the frame that is too many, where it is to", () => {
  using fixture = new Fixture({ clientRate: 100, rateAction: "close" });
  const client = new FakeClient();
  assertEquals(fixture.taken(client, 1000), 200);
  const [cause] = client.causes;
  assertEquals(cause?.kind, "rate");
  assertStringIncludes(
    cause!.message,
    "more than 100 frames a second (clientRate)",
  );
  assertEquals([client.events, fixture.exceeded], [[], ["frames"]]);
});

Deno.test("ClientRates with less than one frame a second takes one", () => {
  using fixture = new Fixture({ clientRate: 0.1 });
  const client = new FakeClient();
  assertEquals(fixture.taken(client, 10), 1);
  fixture.now += 9999;
  fixture.rates.step();
  assertEquals(client.slowed, true);
  fixture.now += 2;
  fixture.rates.step();
  assertEquals(client.slowed, false);
});

Deno.test("ClientRates.changed() goes by other limits, and lets everybody go where there are none", () => {
  using fixture = new Fixture({ clientRate: 1 });
  const client = new FakeClient();
  assertEquals(fixture.taken(client, 10), 2);
  fixture.limits.clientRate = 0;
  fixture.rates.changed();
  assertEquals(fixture.rates.on, false);
  fixture.rates.step();
  assertEquals(client.events, ["pause", "readOn"]);
});

Deno.test("ClientRates.forget() leaves a client that is gone alone", () => {
  using fixture = new Fixture({ clientRate: 1 });
  const client = new FakeClient();
  fixture.taken(client, 10);
  fixture.rates.forget(client);
  fixture.now += 10_000;
  fixture.rates.step();
  assertEquals([client.events, fixture.rates.slowed], [["pause"], 0]);
});
