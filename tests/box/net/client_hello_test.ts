import { assert, assertEquals } from "@std/assert";
import {
  CLIENT_HELLO_MAX_BYTES,
  readClientHello,
} from "../../../box/net/client_hello.ts";
import { propertyTest } from "../../helpers/random.ts";
import { bounded, joined, utf8 } from "../support.ts";

/** What Deno sends first. */
async function realHello(hostname: string): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using conn = await Deno.connect({
    hostname: "127.0.0.1",
    port: listener.addr.port,
  });
  using server = await listener.accept();
  const tls = await Deno.startTls(conn, { hostname });
  const shaking = tls.handshake().catch(() => {});
  const buffer = new Uint8Array(9000);
  const count = await bounded(server.read(buffer));
  server.close();
  await shaking;
  tls.close();
  return buffer.slice(0, count!);
}

// The records of a message, so many bytes in each.
function inRecords(hello: Uint8Array, size: number): Uint8Array {
  const message = hello.subarray(5);
  const records: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Uint8Array.of(22, 3, 1, part.length >> 8, part.length), part);
  }
  return joined(records);
}

Deno.test("readClientHello() tells the host that a client asks for, as soon as all is there", async () => {
  const hello = await realHello("example.org");
  const expected = { kind: "hello", name: "example.org" } as const;
  assertEquals(readClientHello(hello), expected);
  assertEquals(readClientHello(joined([hello, utf8("more")])), expected);
  for (let end = 0; end < hello.length; end++) {
    assertEquals(readClientHello(hello.subarray(0, end)), { kind: "more" });
  }
  for (const size of [1, 3, 4, 100]) {
    assertEquals(readClientHello(inRecords(hello, size)), expected);
  }
});

Deno.test("readClientHello() tells that a client asks for no host, and what is none", async () => {
  const nameless = { kind: "hello", name: undefined } as const;
  assertEquals(readClientHello(await realHello("127.0.0.1")), nameless);
  const wrong = { kind: "wrong" } as const;
  assertEquals(readClientHello(utf8("GET / HTTP/1.1\r\n")), wrong);
  // Another message, an empty record, another record behind the first.
  assertEquals(
    readClientHello(Uint8Array.of(22, 3, 1, 0, 4, 2, 0, 0, 0)),
    wrong,
  );
  assertEquals(readClientHello(Uint8Array.of(22, 3, 1, 0, 0)), wrong);
  assertEquals(
    readClientHello(Uint8Array.of(22, 3, 1, 0, 1, 1, 23, 3, 3, 0, 1, 0)),
    wrong,
  );
  // One that has nothing in it, and one that never ends.
  assertEquals(
    readClientHello(Uint8Array.of(22, 3, 1, 0, 4, 1, 0, 0, 0)),
    wrong,
  );
  const endless = new Uint8Array(CLIENT_HELLO_MAX_BYTES);
  endless.set([22, 3, 1, 255, 255, 1, 255, 255, 255]);
  assertEquals(readClientHello(endless), nameless);
  assertEquals(readClientHello(endless.subarray(1)), wrong);
});

propertyTest("readClientHello() bears 20,000 spoiled ones", async (random) => {
  const hello = await realHello("example.org");
  let named = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = hello.slice(0, random.between(40, hello.length));
    for (let n = random.between(0, 3); n > 0; n--) {
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    }
    const told = readClientHello(bytes);
    if (told.kind === "hello" && told.name !== undefined) named++;
  }
  assert(named > 0);
});
