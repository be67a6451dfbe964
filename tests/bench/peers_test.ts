// The load tool in C and the other systems that the benchmark "peers" puts beside the gateway; where
// one of them is missing, it is left out.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Box } from "@maple/box";
import {
  compileNative,
  Generator,
  type LoadFlags,
  type LoadOutcome,
} from "../../bench/run/generator.ts";
import { COLYSEUS } from "../../bench/run/colyseus.ts";
import { PEERS as KINDS } from "../../bench/run/peers.ts";
import { PINUS } from "../../bench/run/pinus.ts";
import { isInstalled } from "../helpers/installed.ts";
import { within } from "../helpers/within.ts";

const hasCompiler = await isInstalled(["cc", "--version"], {
  packages: "gcc",
  untested: "the load tool in C is not tested",
});
const PEERS = `${Deno.env.get("HOME")}/.cache/maple-bench`;
const LOAD = { connections: 3, depth: 4, body: 40, duration: 0.2, cmd: 1 };
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Runs what needs a folder and the load tool. */
async function withLoad(
  run: (folder: string, generator: Generator) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder, new Generator(await compileNative(folder)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function assertServed(result: LoadOutcome): void {
  const { successful, failed, pushes, worst } = result;
  assert(worst > 0, `a connection got ${worst} answers`);
  assertEquals([failed, pushes], [0, 0]);
  assertEquals(successful, result.transactions);
  assert(result.p50 > 0 && result.p50 <= result.p99);
  assert(result.cpu! >= 0);
}

/** What the load tool measures on a server of the test, which gets each connection. */
async function loadOn(
  flags: LoadFlags,
  serve: (conn: Deno.TcpConn) => Promise<void>,
): Promise<LoadOutcome> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      conn.setNoDelay(true);
      serving.push(serve(conn).finally(() => conn.close()));
    }
  })();
  let result: LoadOutcome | undefined;
  await withLoad(async (_, generator) => {
    const running = generator.run(listener.addr.port, { ...LOAD, ...flags });
    result = await within(running, "the end of the load");
  });
  listener.close();
  await accepting;
  await Promise.all(serving);
  return result!;
}

/** Reads so many bytes; undefined when the other side has left. */
async function read(
  conn: Deno.TcpConn,
  count: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const got = await conn.read(bytes.subarray(at)).catch(() => null);
    if (got === null) return undefined;
    at += got;
  }
  return bytes;
}

/** Writes in pieces of so many bytes, which do not end where messages do. */
async function writeInPieces(
  conn: Deno.TcpConn,
  bytes: Uint8Array,
  size: number,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + size);
    // The load tool leaves when its time is over.
    const written = await conn.write(piece).catch(() => undefined);
    if (written === undefined) return;
    at += written;
  }
}

Deno.test({
  name:
    "the load tool in C writes the length of a box before it with --prefix 2, and reads it",
  ignore: !hasCompiler,
}, async () => {
  const lengths = new Set<number>();
  const result = await loadOn({ prefix: 2 }, async (conn) => {
    for (;;) {
      const prefix = await read(conn, 2);
      if (!prefix) return;
      const length = new DataView(prefix.buffer).getUint16(0);
      lengths.add(length);
      const frame = await read(conn, length);
      if (!frame) return;
      assertEquals(Box.fromFrame(frame).body.length, 40);
      await writeInPieces(conn, new Uint8Array([...prefix, ...frame]), 25);
    }
  });
  assertServed(result);
  assertEquals([...lengths], [64]);
});

/** Reads lines, and bodies of known length behind them. */
class LineReader {
  #text = "";
  readonly #conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** A line without its end; undefined when the other side has left. */
  async line(): Promise<string | undefined> {
    while (!this.#text.includes("\r\n")) {
      if (!await this.#more()) return undefined;
    }
    const line = this.#text.slice(0, this.#text.indexOf("\r\n"));
    this.#text = this.#text.slice(line.length + 2);
    return line;
  }

  /** So many characters. */
  async body(count: number): Promise<string | undefined> {
    while (this.#text.length < count) {
      if (!await this.#more()) return undefined;
    }
    const body = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return body;
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(4096);
    const count = await this.#conn.read(buffer).catch(() => null);
    if (count !== null) this.#text += DECODER.decode(buffer.subarray(0, count));
    return count !== null;
  }
}

Deno.test({
  name:
    "the load tool in C speaks NATS with a server that cuts its answers anywhere, and answers its PINGs",
  ignore: !hasCompiler,
}, async () => {
  let pings = 0, pongs = 0, requests = 0;
  const result = await loadOn({ nats: "a.subject" }, async (conn) => {
    const reader = new LineReader(conn);
    const say = (text: string, size = 25) =>
      writeInPieces(conn, ENCODER.encode(text), size);
    await say('INFO {"server_id":"x","max_payload":1048576}\r\n', 5);
    assertMatch((await reader.line())!, /^CONNECT \{.*"verbose":false.*\}$/);
    const [, inbox] = /^SUB (r\.\d{5})\.\* 1$/.exec((await reader.line())!)!;
    assertEquals(await reader.line(), "PING");
    await say("PONG\r\n");
    for (;;) {
      const line = await reader.line();
      if (line === undefined) return;
      if (line === "PONG") {
        pongs++;
        continue;
      }
      const [, reply, bytes] = /^PUB a\.subject (r\.\d{5}\.\d{4}) (\d+)$/
        .exec(line)!;
      assertEquals([reply!.slice(0, -5), bytes], [inbox, "40"]);
      const body = await reader.body(42);
      if (body === undefined) return;
      assert(body.endsWith("\r\n"));
      if (requests++ % 5 === 0) {
        pings++;
        await say("PING\r\n", 3);
      }
      await say(`MSG ${reply} 1 ${bytes}\r\n${body}`);
    }
  });
  assertServed(result);
  assert(pongs > 0 && pongs <= pings, `${pongs} PONGs to ${pings} PINGs`);
});

Deno.test("a system that is not there is left out", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const { name, start } of KINDS) {
      // That is not in the folder, but installed or not.
      if (name.startsWith("NATS")) continue;
      assertEquals(await start(folder, folder), undefined, name);
    }
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("a system whose Node is there, but not all of its packages, is left out", async () => {
  const folder = await Deno.makeTempDir();
  const modules = ["pinus", "colyseus"].map((name) =>
    `${folder}/${name}/node_modules`
  );
  try {
    for (const path of modules) {
      await Deno.mkdir(`${path}/.bin`, { recursive: true });
      await Deno.symlink(Deno.execPath(), `${path}/.bin/node`);
      await Deno.mkdir(`${path}/@colyseus/core`, { recursive: true });
      await Deno.writeTextFile(`${path}/@colyseus/core/package.json`, "{}");
    }
    for (const { name, start } of [PINUS, COLYSEUS]) {
      assertEquals(await start(folder, folder), undefined, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (const { name, flags, needs, start } of KINDS) {
  Deno.test({
    name: `${name}, answers the load tool in C, where it is there`,
    ignore: !hasCompiler,
  }, async () => {
    await withLoad(async (folder, generator) => {
      await using system = await start(PEERS, folder);
      if (!system) {
        return console.log(`${name}, is not tested: ${needs(PEERS)}`);
      }
      const load = generator.run(system.port, { ...LOAD, ...flags });
      assertServed(await within(load, "the end of the load"));
    });
  });
}
