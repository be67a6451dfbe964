import { assertEquals } from "@std/assert";
import type { Int64 } from "@maple/box";
import {
  encodeLogins,
  isStamp,
  type LoginRow,
  readLogins,
} from "../../../gateway/cluster/login_rows.ts";
import { propertyTest } from "../../helpers/random.ts";

function read(body: Uint8Array) {
  const rows: LoginRow[] = [];
  const isGood = readLogins(body, (uid, stamp) => rows.push({ uid, stamp }));
  return { isGood, rows };
}

Deno.test("logins come as they were sent", () => {
  const rows = [
    { uid: 1, stamp: 1 },
    { uid: 2 ** 53 - 1, stamp: 1_800_000_000_000 },
    { uid: 2n ** 63n - 1n, stamp: 2 ** 52 },
  ];
  assertEquals(read(encodeLogins(rows)), { isGood: true, rows });
  assertEquals(read(encodeLogins([])), { isGood: true, rows: [] });
});

Deno.test("logins that lie within other bytes are read as well", () => {
  const rows = [{ uid: 7, stamp: 9 }];
  const around = new Uint8Array(40);
  around.set(encodeLogins(rows), 5);
  assertEquals(read(around.subarray(5, 21)), { isGood: true, rows });
});

Deno.test("a body of logins that is cut tells nothing", () => {
  const whole = encodeLogins([{ uid: 1, stamp: 2 }, { uid: 3, stamp: 4 }]);
  for (let end = 1; end < whole.length; end++) {
    if (end === 16) continue;
    assertEquals(read(whole.subarray(0, end)), { isGood: false, rows: [] });
  }
});

Deno.test("logins that make no sense are passed over, the others are not", () => {
  const hostile: [Int64, number][] = [
    [0, 5],
    [-1, 5],
    [-(2n ** 63n), 5],
    [5, 0],
    [5, -1],
    [5, NaN],
    [5, Infinity],
    [5, 1.5],
    [5, 2 ** 52 + 1],
    [5, 1e300],
  ];
  const good = { uid: 8, stamp: 9 };
  for (const [uid, stamp] of hostile) {
    const body = encodeLogins([{ uid, stamp }, good]);
    assertEquals(
      read(body),
      { isGood: false, rows: [good] },
      `${uid} ${stamp}`,
    );
    if (uid === 5) assertEquals(isStamp(stamp), false);
  }
});

propertyTest("any bytes are read as logins without harm", (random) => {
  const body = random.bytes(random.between(0, 100));
  const { rows } = read(body);
  for (const { uid, stamp } of rows) {
    assertEquals([uid > 0, isStamp(stamp)], [true, true]);
  }
});
