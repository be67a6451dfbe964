import { assertEquals } from "@std/assert";
import {
  type ByteSink,
  type Conn,
  DenoConn,
  FrameSocket,
} from "@maple/box/internal";
import { Box } from "@maple/box";
import {
  type HeadReader,
  type Incomplete,
  Preamble,
  type Verdict,
} from "../../../box/net/preamble.ts";
import {
  bounded,
  joined,
  Loopback,
  readToEnd,
  turns,
  utf8,
  writeAll,
} from "../support.ts";

interface LineVerdict extends Verdict {
  readonly line: string;
  readonly why?: Incomplete;
}

/** A head that is one line: `no` is refused. */
function lineReader(
  { response, timeout = 20 }: { response?: string; timeout?: number } = {},
): HeadReader<LineVerdict> {
  const answer = response === undefined ? {} : { response: utf8(response) };
  return {
    usualBytes: 4,
    maxBytes: 16,
    timeout,
    read(head) {
      const end = head.indexOf(10);
      if (end < 0) return undefined;
      const line = new TextDecoder().decode(head.subarray(0, end));
      return { accepted: line !== "no", bytes: end + 1, line, ...answer };
    },
    giveUp: (why, head) => ({
      accepted: false,
      bytes: 0,
      line: new TextDecoder().decode(head),
      why,
      ...answer,
    }),
  };
}

/** Everything that comes, and how it ended. */
class Collector implements ByteSink {
  readonly pieces: Uint8Array[] = [];
  readonly #space: Uint8Array;
  constructor(room = 8) {
    this.#space = new Uint8Array(room);
  }
  get text(): string {
    return new TextDecoder().decode(joined(this.pieces));
  }
  next(): undefined {}
  space(): Uint8Array {
    return this.#space;
  }
  filled(count: number): void {
    this.pieces.push(this.#space.slice(0, count));
  }
  ended(): Promise<void> {
    return Promise.resolve();
  }
}

async function opened(
  conn: Conn,
  options: Parameters<typeof lineReader>[0] = {},
) {
  const refused: LineVerdict[] = [];
  const result = await bounded(
    Preamble.open(conn, lineReader(options), (one) => refused.push(one)),
  );
  return { ...result, refused };
}

const TEXT = "head\nwhat comes behind it";

for (let cut = 1; cut <= TEXT.length; cut++) {
  Deno.test(`Preamble gives what came behind the head, cut after byte ${cut}`, async () => {
    using loopback = await Loopback.open();
    const opening = opened(new DenoConn(loopback.near));
    await writeAll(loopback.far, utf8(TEXT.slice(0, cut)));
    await turns(2);
    await writeAll(loopback.far, utf8(TEXT.slice(cut)));
    loopback.far.close();
    const { conn, verdict, refused } = await opening;
    assertEquals([verdict!.line, refused], ["head", []]);
    const sink = new Collector();
    await bounded(conn!.run(sink));
    assertEquals(sink.text, "what comes behind it");
    conn!.close();
  });
}

Deno.test("Preamble answers the head before anything else is sent", async () => {
  using loopback = await Loopback.open();
  const opening = opened(new DenoConn(loopback.near), { response: "welcome " });
  await writeAll(loopback.far, utf8("head\n"));
  const { conn } = await opening;
  const socket = new FrameSocket(conn!, { framing: Box });
  socket.send(utf8("first"));
  const running = socket.run({ onFrame() {}, onClose() {} });
  socket.close();
  const got = await readToEnd(loopback.far);
  loopback.far.close();
  assertEquals(new TextDecoder().decode(got), "welcome first");
  await bounded(running);
});

Deno.test("Preamble refuses with an answer, and throws away what still comes", async () => {
  using loopback = await Loopback.open();
  const opening = opened(new DenoConn(loopback.near), { response: "go away" });
  await writeAll(loopback.far, utf8("no\n" + "x".repeat(100)));
  assertEquals(
    new TextDecoder().decode(await readToEnd(loopback.far)),
    "go away",
  );
  loopback.far.close();
  const { conn, refused } = await opening;
  assertEquals([conn, refused.map(({ line }) => line)], [undefined, ["no"]]);
});

Deno.test("Preamble closes one that is refused without an answer at once", async () => {
  using loopback = await Loopback.open();
  const opening = opened(new DenoConn(loopback.near));
  await writeAll(loopback.far, utf8("no\n"));
  assertEquals(await readToEnd(loopback.far), new Uint8Array());
  assertEquals((await opening).conn, undefined);
});

Deno.test("Preamble gives up a head that is too long, too late or cut off", async () => {
  const cases: [Incomplete, string, number][] = [
    ["long", "0123456789abcdef", 20],
    ["late", "012", 0.05],
    ["ended", "012", 20],
  ];
  for (const [why, text, timeout] of cases) {
    using loopback = await Loopback.open();
    const opening = opened(new DenoConn(loopback.near), { timeout });
    await writeAll(loopback.far, utf8(text));
    if (why === "ended") loopback.far.close();
    const { conn, refused } = await opening;
    assertEquals(
      [conn, refused.length, refused[0]?.why, refused[0]?.line],
      [undefined, 1, why, text],
    );
  }
});

Deno.test("Preamble that is closed before anybody goes on leaves nothing behind", async () => {
  using loopback = await Loopback.open();
  const opening = opened(new DenoConn(loopback.near));
  await writeAll(loopback.far, utf8("head\nrest"));
  const { conn } = await opening;
  assertEquals(new TextDecoder().decode(conn!.takeRest()), "rest");
  conn!.close();
  assertEquals(await readToEnd(loopback.far), new Uint8Array());
});
