// Floods: one at each layer, by 2,000 connections or as many as the attacker's machine bears.

import type { Attack } from "./attack.ts";
import { AttackCmd } from "./commands.ts";
import {
  close,
  connect,
  CROWD,
  crowd,
  flood,
  packed,
  pause,
  repeated,
  swallow,
  write,
} from "./means.ts";

const SLOW_READ_BYTES = 16 * 1024;
const HALF_REQUEST = new TextEncoder().encode(
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
);

/** The first bytes of a handshake of TLS, as a client of this machine sends them. */
async function clientHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const client = Deno.connectTls({ hostname: "127.0.0.1", port }).then(
    (conn) => conn.handshake().finally(() => conn.close()),
  ).catch(() => {});
  const bytes = new Uint8Array(4096);
  const conn = await listener.accept();
  const count = await conn.read(bytes) ?? 0;
  conn.close();
  await client;
  return bytes.subarray(0, count);
}

/** Asks for much and reads little of it at a time. */
async function readSlowly(port: number): Promise<void> {
  const conn = await connect(port);
  const ask = async () => {
    while (await write(conn, packed(AttackCmd.BIG))) await pause(100);
  };
  const read = async () => {
    const buffer = new Uint8Array(SLOW_READ_BYTES);
    try {
      while (await conn.read(buffer) !== null) await pause(100);
    } catch {
      // Ended by the other side.
    }
    close(conn);
  };
  await Promise.all([ask(), read()]);
}

/** A flood at each layer. */
export const FLOODS: readonly Attack[] = [
  {
    name: "connect-flood",
    what: `${CROWD} that connect and leave, again and again`,
    run: ({ outer }) => crowd(CROWD, async () => close(await connect(outer))),
  },
  {
    name: "ws-flood",
    what: `${CROWD} that ask for a WebSocket, and stop half-way`,
    run: ({ ws }) =>
      crowd(CROWD, async () => {
        const conn = await connect(ws);
        await write(conn, HALF_REQUEST);
        await swallow(conn);
        close(conn);
      }),
  },
  {
    name: "tls-flood",
    what: "500 that begin a handshake of TLS and leave, again and again",
    run: async ({ tls }) => {
      if (Number.isNaN(tls)) throw new Error("there is no port for TLS");
      const hello = await clientHello();
      await crowd(500, async () => {
        const conn = await connect(tls);
        await write(conn, hello);
        await conn.read(new Uint8Array(4096)).catch(() => null);
        close(conn);
      });
    },
  },
  {
    name: "frame-flood",
    what: `${CROWD} that send requests as fast as they may`,
    run: flood(CROWD, repeated(packed(AttackCmd.ECHO, "x".repeat(40)), 100), {
      reads: true,
    }),
  },
  {
    name: "byte-flood",
    what: "500 that flood requests of 64 KB",
    run: flood(500, packed(AttackCmd.SINK, "x".repeat(64 * 1024)), {
      reads: true,
    }),
  },
  {
    name: "slow-readers",
    what: "200 that ask for answers of 1 MB and read 160 KB a second",
    run: ({ outer }) => crowd(200, () => readSlowly(outer)),
  },
];
