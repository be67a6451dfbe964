// A TLS listener, and so many clients of each kind that never get through their handshake. Prints
// the bytes of its heap after a first few, and after all.
//
//   deno run -A --v8-flags=--expose-gc tls_garbage.ts CERT KEY COUNT

import { readCertificates, TlsListener } from "@maple/box/internal";

const [cert, key, count] = Deno.args as [string, string, string];
const HANDSHAKE_MS = 300;
const listener = await TlsListener.open(
  { what: "clients", hostname: "127.0.0.1", port: 0 },
  {
    certificates: readCertificates([cert, cert], [key, key]),
    protocols: [],
    handshakeTimeout: HANDSHAKE_MS / 1000,
  },
);
const accepting = (async () => {
  for (;;) {
    const conn = await listener.accept();
    void conn.handshake().then((failed) => failed ?? conn.close());
  }
})().catch(() => {});

const hello = await firstBytes();
const kinds = [
  new Uint8Array(0),
  new Uint8Array(100).fill(7),
  hello.subarray(0, hello.length >> 1),
  hello,
];

/** What a client of TLS sends first. */
async function firstBytes(): Promise<Uint8Array> {
  using plain = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = plain.addr;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  using server = await plain.accept();
  const tls = await Deno.startTls(conn, { hostname: "localhost" });
  const shaking = tls.handshake().catch(() => {});
  const buffer = new Uint8Array(9000);
  const read = await server.read(buffer);
  server.close();
  await shaking;
  tls.close();
  return buffer.slice(0, read!);
}

async function visit(count: number): Promise<void> {
  const { port } = listener.addr;
  for (let i = 0; i < count; i++) {
    for (const bytes of kinds) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      if (bytes.length > 0) await conn.write(bytes);
    }
  }
}

async function heapBytes(): Promise<number> {
  const { gc } = globalThis as unknown as { gc: () => void };
  await new Promise((resolve) => setTimeout(resolve, 5 * HANDSHAKE_MS));
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Deno.memoryUsage().heapUsed;
}

await visit(30);
const before = await heapBytes();
await visit(Number(count));
console.log(`heap ${before} ${await heapBytes()}`);
listener.close();
await accepting;
