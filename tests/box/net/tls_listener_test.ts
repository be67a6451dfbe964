import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  checkTlsSupport,
  type Listener,
  readCertificates,
  TlsListener,
  type TlsListenOptions,
  whenFree,
} from "@maple/box/internal";
import { canServeTls, localCertificate } from "../../helpers/certificates.ts";
import { connectTls } from "../../helpers/gateway_fixture.ts";
import { LogCollector } from "../../helpers/log_collector.ts";
import { bounded, utf8 } from "../support.ts";

async function open(
  options: Partial<TlsListenOptions> = {},
  port = 0,
): Promise<TlsListener> {
  const { cert, key } = await localCertificate();
  const at = { what: "clients", hostname: "127.0.0.1", port };
  return await TlsListener.open(at, {
    certificates: readCertificates([cert], [key]),
    protocols: ["maple"],
    ...options,
  });
}

const ignore = !canServeTls;

Deno.test("checkTlsSupport() refuses Deno below 2.8, in one line", () => {
  for (const version of ["2.8.0", "2.9.6", "2.10.0", "3.0.0"]) {
    checkTlsSupport(version);
  }
  for (const version of ["2.4.2", "2.7.14", "1.46.0"]) {
    const { message } = assertThrows(() => checkTlsSupport(version)) as Error;
    assertEquals(
      message,
      `TLS needs Deno 2.8 or later, and this is ${version}; update Deno, or let a proxy in front end it`,
    );
  }
});

Deno.test({
  name: "TlsListener lets connections in that still have to shake hands",
  ignore,
  async fn() {
    const listener = await open();
    const connecting = connectTls(listener.addr);
    const conn = await bounded(listener.accept());
    assertEquals(await bounded(conn.handshake()), undefined);
    using client = await connecting;
    assertEquals(
      [conn.remoteAddr.hostname, conn.remoteAddr.port],
      ["127.0.0.1", (client.localAddr as Deno.NetAddr).port],
    );
    const got: string[] = [];
    const space = new Uint8Array(4);
    const running = conn.run({
      next: () => undefined,
      space: () => space,
      filled: (count) =>
        void got.push(new TextDecoder().decode(space.subarray(0, count))),
      ended: () => Promise.resolve(),
    });
    await client.write(utf8("hello there"));
    await client.closeWrite();
    await bounded(running);
    assertEquals(got, ["hell", "o th", "ere"]);
    // In pieces: TLS has a copy of each.
    assertEquals(await conn.write(new Uint8Array(1e6)), 65536);
    let count = 0;
    while (count < 65536) {
      count += (await bounded(client.read(new Uint8Array(65536))))!;
    }
    await conn.write(utf8("bye"));
    await conn.closeWrite();
    const buffer = new Uint8Array(9);
    assertEquals(await client.read(buffer), 3);
    assertEquals(await client.read(buffer), null);
    conn.close();
    listener.close();
  },
});

Deno.test({
  name:
    "TlsListener tells why a handshake has failed, and its connection has ended then",
  ignore,
  async fn() {
    const listener = await open({ handshakeTimeout: 0.1 });
    const { hostname, port } = listener.addr;
    const cases: [string | null, RegExp][] = [
      ["", /^no handshake within 0.1 s$/],
      ["GET / HTTP/1.1\r\n\r\n", /./],
      [null, /closed before the handshake was done/],
    ];
    for (const [text, why] of cases) {
      const client = await Deno.connect({ hostname, port });
      const conn = await bounded(listener.accept());
      if (text === null) client.close();
      else await client.write(utf8(text));
      const message = await bounded(conn.handshake());
      assert(why.test(message ?? ""), message);
      if (text === null) continue;
      while (await bounded(client.read(new Uint8Array(99))) !== null);
      client.close();
    }
    listener.close();
  },
});

Deno.test({
  name:
    "TlsListener ends those that nobody has let in, and whoever waits for one",
  ignore,
  async fn() {
    const listener = await open();
    const { hostname, port } = listener.addr;
    const client = await Deno.connect({ hostname, port });
    const waiting = await bounded(listener.accept());
    const second = await Deno.connect({ hostname, port });
    // Node has let it in when another one that came later is there.
    const third = await Deno.connect({ hostname, port });
    (await bounded(listener.accept())).close();
    const accepting = listener.accept().then((conn) => {
      conn.close();
      return listener.accept();
    });
    const rejected = assertRejects(() => accepting, Deno.errors.BadResource);
    await new Promise((resolve) => setTimeout(resolve, 10));
    listener.close();
    await bounded(rejected);
    await assertRejects(() => listener.accept(), Deno.errors.BadResource);
    waiting.close();
    for (const one of [client, second, third]) one.close();
  },
});

Deno.test({
  name:
    "TlsListener says in one line that an address is in use, and whenFree() waits for it",
  ignore,
  async fn() {
    const first = await open();
    const { port } = first.addr;
    const { message } = await assertRejects(() => open({}, port)) as Error;
    assertEquals(
      message,
      `Cannot listen for clients at 127.0.0.1:${port}: the address is in use; stop the other program or choose another port`,
    );
    const logger = new LogCollector();
    const opening = whenFree<Listener>(() => open({}, port), {
      bindTimeout: 20,
      logger,
    });
    await logger.line(/WARN .*is in use.*trying again/);
    first.close();
    (await bounded(Promise.resolve(opening))).close();
  },
});

Deno.test({
  name:
    "TlsListener closes who is refused before he takes the place of another",
  ignore,
  async fn() {
    const FLOOD = 200;
    let refused = 0;
    const listener = await open({ refuses: () => refused++ < FLOOD });
    const { hostname, port } = listener.addr;
    for (let i = 0; i < FLOOD; i++) {
      using conn = await Deno.connect({ hostname, port });
      await bounded(conn.read(new Uint8Array(1)).catch(() => null));
    }
    using last = await Deno.connect({ hostname, port });
    const conn = await bounded(listener.accept());
    assertEquals(conn.remoteAddr.port, last.localAddr.port);
    conn.close();
    listener.close();
  },
});
