// Which commands each role has, by the numbers of the wire.

import { assertEquals } from "@std/assert";
import { Task } from "@maple/box";
import {
  hello,
  INNER_ROLES,
  isForbidden,
  ping,
  withdrawal,
} from "@maple/box/internal";

const ALL = [
  ...[100, 210, 220, 230, 240, 250, 260, 270, 280],
  ...[410, 420, 430, 440, 450, 460, 470],
];

const MAY = {
  worker: ALL.filter((cmd) => cmd < 460),
  trigger: [100, 230, 240, 250, 280, 410, 420, 430, 440, 450],
  monitor: [450],
  admin: [100, 230, 240, 250, 280, 410, 420, 430, 440, 450, 460, 470],
};

for (const role of INNER_ROLES) {
  Deno.test(`a ${role} may send ${MAY[role].join(", ")} and nothing else`, () => {
    const may = ALL.filter((cmd) =>
      !isForbidden(role, new Task({ cmd, connId: 1 }).pack())
    );
    assertEquals(may, MAY[role]);
  });

  Deno.test(`a ${role} may open its connection, and show that it lives`, () => {
    assertEquals(isForbidden(role, hello({ name: "x" })), false);
    assertEquals(isForbidden(role, ping(1000)), false);
  });

  Deno.test(`a command that nobody knows is not forbidden to a ${role}`, () => {
    for (const cmd of [-1, 0, 1, 90, 300, 310, 471, 2 ** 31 - 1]) {
      assertEquals(isForbidden(role, new Task({ cmd }).pack()), false);
    }
  });
}

Deno.test("only who may clear a client's tasks may withdraw", () => {
  assertEquals(isForbidden("worker", withdrawal()), false);
  assertEquals(isForbidden("monitor", withdrawal()), true);
});
