// Messages that come in pieces.

import { assertEquals } from "@std/assert";
import {
  decodeHead,
  HEAD_BYTES,
  piecesOf,
} from "../../../gateway/cluster/message.ts";
import { Pieces } from "../../../gateway/cluster/pieces.ts";

const head = (number: number, id = 1) => ({
  kind: "command" as const,
  node: -3,
  id,
  number,
});

function pieces(bytesMax = 1000) {
  const dropped: string[] = [];
  const made = new Pieces({
    bytesMax,
    onDropped: (cause) => dropped.push(cause),
  });
  const add = (message: Uint8Array) =>
    made.add(decodeHead(message)!, message.subarray(HEAD_BYTES));
  return { pieces: made, dropped, add };
}

const body = (length: number) => Uint8Array.from({ length }, (_, i) => i % 256);
const cut = (number: number, length: number, id = 1) => [
  ...piecesOf(head(number, id), body(length), HEAD_BYTES + 10),
];

Deno.test("piecesOf() makes pieces of which none is too long, and decodeHead() reads them", () => {
  for (const [length, count] of [[0, 1], [10, 1], [11, 2], [95, 10]]) {
    const made = cut(7, length!);
    assertEquals(made.length, count);
    assertEquals(
      made.map((one) => decodeHead(one)),
      made.map((_, piece) => (
        { ...head(7), piece, pieces: count! }
      )),
    );
  }
});

Deno.test("decodeHead() takes no message that it does not know", () => {
  const message = cut(1, 5)[0]!;
  const changed = (at: number, value: number) => {
    const other = message.slice();
    other[at] = value;
    return decodeHead(other);
  };
  // Another version, another kind, a piece behind the last one, an id that is none.
  const all = [changed(0, 2), changed(1, 99), changed(3, 9), changed(12, 0x7f)];
  assertEquals(all, [undefined, undefined, undefined, undefined]);
  assertEquals(decodeHead(message.subarray(0, HEAD_BYTES - 1)), undefined);
});

Deno.test("Pieces gives the message when it is whole, of several senders at a time", () => {
  const { pieces: made, dropped, add } = pieces();
  const [a, b] = [cut(1, 25, 1), cut(1, 25, 2)];
  const got = a.flatMap((one, i) => [add(one), add(b[i]!)]);
  assertEquals(got.slice(0, -2), [undefined, undefined, undefined, undefined]);
  assertEquals(got.slice(-2), [body(25), body(25)]);
  assertEquals([made.bytes, dropped], [0, []]);
});

Deno.test("Pieces throws a message away of which one is missing, whichever, and counts it once", () => {
  for (let missing = 0; missing < 4; missing++) {
    const { pieces: made, dropped, add } = pieces();
    const some = cut(1, 40).filter((_, i) => i !== missing);
    assertEquals(some.map(add), [undefined, undefined, undefined]);
    assertEquals(add(cut(2, 5)[0]!), body(5));
    assertEquals([made.bytes, dropped], [0, ["gap"]], `${missing}`);
  }
});

Deno.test("Pieces takes no more than there is room for, of all together", () => {
  const { pieces: made, dropped, add } = pieces(30);
  const [a, b] = [cut(1, 30, 1), cut(1, 30, 2)];
  assertEquals([a[0]!, a[1]!, b[0]!, b[1]!].map(add), Array(4).fill(undefined));
  assertEquals([made.bytes, dropped], [20, ["room"]]);
  assertEquals(add(a[2]!), body(30));
  // What is left of the other one is passed over.
  assertEquals([add(b[2]!), made.bytes, dropped], [undefined, 0, ["room"]]);
});

Deno.test("Pieces.forget() frees what a gateway has not finished", () => {
  const { pieces: made, dropped, add } = pieces();
  add(cut(1, 25)[0]!);
  made.forget(1);
  made.forget(1);
  assertEquals([made.bytes, dropped], [0, ["gap"]]);
});

Deno.test("Pieces keep what 1,024 senders have not finished, and forget the oldest", () => {
  const { pieces: made, dropped, add } = pieces(100_000);
  const messages = Array.from({ length: 1025 }, (_, i) => cut(1, 20, i + 1));
  for (const [first] of messages) add(first!);
  assertEquals([made.bytes, dropped], [1024 * 10, ["gap"]]);
  // The rest of the first one is passed over, in the place of the second.
  assertEquals(add(messages[0]![1]!), undefined);
  assertEquals(add(messages[1024]![1]!), body(20));
  assertEquals(add(messages[2]![1]!), body(20));
});
