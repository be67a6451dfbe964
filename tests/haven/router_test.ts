// Router: names of endpoints, cmds that cannot be routed.

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type AppRequest, HavenError } from "@maple/haven";
import { Router } from "@maple/haven/internal";

function login(): void {}
function logout(): void {}

Deno.test("find() gives the route of a cmd and undefined for others", () => {
  const router = new Router<AppRequest>();
  router.add(1, login);
  assertStrictEquals(router.find(1)?.handler, login);
  assertEquals(router.find(2), undefined);
  assertEquals(router.find(NaN), undefined);
});

Deno.test("add() names the endpoint after the handler unless told otherwise", () => {
  const router = new Router<AppRequest>();
  router.add(1, login);
  router.add(2, login, { endpoint: "enter" });
  router.add(3, () => {});
  router.add(-4, () => {}, { blueprint: "user" });
  router.add(5, logout, { blueprint: "user" });
  assertEquals(
    router.routes.map(({ cmd, endpoint }) => [cmd, endpoint]),
    [
      [1, "login"],
      [2, "enter"],
      [3, "cmd_3"],
      [-4, "user.cmd_-4"],
      [5, "user.logout"],
    ],
  );
});

Deno.test("add() takes the same handler again and keeps the later endpoint", () => {
  const router = new Router<AppRequest>();
  router.add(1, login);
  router.add(1, login, { endpoint: "enter" });
  assertEquals(router.routes.map((route) => route.endpoint), ["enter"]);
});

Deno.test("add() throws for another handler, naming both endpoints", () => {
  const router = new Router<AppRequest>();
  router.add(1, login, { blueprint: "user" });
  const error = assertThrows(
    () => router.add(1, logout),
    HavenError,
    'Cannot route cmd 1 to "logout": it has a handler already, "user.login"',
  );
  assertEquals(error.code, "route");
  assertStrictEquals(router.find(1)?.handler, login);
});

Deno.test("add() takes 32-bit integers, signed and unsigned, and nothing else", () => {
  const router = new Router<AppRequest>();
  for (const cmd of [-(2 ** 31), -1, 0, 2 ** 31 - 1, 2 ** 32 - 1]) {
    router.add(cmd, login);
  }
  for (const cmd of [-(2 ** 31) - 1, 2 ** 32, 1.5, NaN, Infinity]) {
    assertThrows(() => router.add(cmd, login), HavenError, "32-bit integer");
  }
  assertEquals(router.routes.length, 5);
});
