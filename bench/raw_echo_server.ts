// The yardstick: what Deno.listen gives when nothing is done about fairness. Prints its address.

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`ready 127.0.0.1:${listener.addr.port}`);

async function echo(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(2048);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      await conn.write(buffer.subarray(0, count));
    }
  } catch {
    // The clients leave as they like.
  }
  conn.close();
}

for await (const conn of listener) echo(conn);
