// What is left of a HUP of which the old or the new process is killed or stands still, at each
// message: whoever has all serves on, and no client notices, unless its server is the one that was
// killed.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../helpers/eventually.ts";
import { at } from "./faulty_gateway.ts";
import { ask, HupProcess } from "./hup_process.ts";
import type { Fault } from "./programs/handover_fault.ts";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

const FAILED = /reload failed, the old processes stay/g;
const OPTIONS = { handoverTimeout: 1 };

// The new process dies before it has said that it goes on.
const NEW_DIES: Fault[] = [
  at("send", "HELLO", "before"),
  at("send", "HELLO", "after"),
  at("receive", "OFFER", "after"),
  at("send", "TAKE", "after"),
  at("receive", "STATE", "after"),
  at("receive", "DESCRIPTORS", "after"),
  at("receive", "END", "after"),
  at("send", "MINE", "after"),
  at("receive", "YOURS", "after"),
  at("receive", "STATE", "after", "stop"),
  at("send", "MINE", "before", "stop"),
];

for (const fault of NEW_DIES) {
  const { call, message, when, what } = fault;
  test(`a new process that ${what}s ${when} ${call} of ${message} changes nothing`, async () => {
    await using hup = await HupProcess.start({ ...OPTIONS, reloadTimeout: 4 });
    await using client = await hup.server.connect();
    assertEquals(await ask(client, 1), "1 1");
    hup.change("2", { fault });
    await hup.hup(FAILED);
    assertEquals(await ask(client, 1), "1 2");
    await hup.reload("3");
    assertEquals(await ask(client, 1), "3 3");
    await eventually(() => hup.children.length === 1);
  });
}

// The old one dies when the new one has all.
const OLD_GAVE: Fault[] = [
  at("receive", "MINE", "after"),
  at("send", "YOURS", "after"),
  at("receive", "SERVING", "after"),
];

for (const fault of OLD_GAVE) {
  const { call, message, when } = fault;
  test(`an old process that is killed ${when} ${call} of ${message} has given all: nobody notices`, async () => {
    await using hup = await HupProcess.start(OPTIONS, { fault });
    await using client = await hup.server.connect();
    assertEquals(await ask(client, 1), "1 1");
    await hup.reload("2");
    assertEquals(await ask(client, 1), "2 2");
    await hup.server.logged(/WARN .* ended: signal SIGKILL/);
    await hup.reload("3");
    assertEquals(await ask(client, 1), "3 3");
    await eventually(() => hup.children.length === 1);
  });
}

// The old one dies before.
const OLD_DIES: Fault[] = [
  at("send", "OFFER", "after"),
  at("receive", "TAKE", "after"),
  at("send", "STATE", "after"),
  at("send", "DESCRIPTORS", "after"),
];

for (const fault of OLD_DIES) {
  const { call, message, when } = fault;
  test(`an old process that is killed ${when} ${call} of ${message} takes the program with it`, async () => {
    await using hup = await HupProcess.start(OPTIONS, { fault });
    await using client = await hup.server.connect();
    assertEquals(await ask(client, 1), "1 1");
    hup.change("2");
    hup.server.kill("SIGHUP");
    const { code } = await hup.server.finished();
    assertEquals(code, 137, hup.server.stderr);
    assertEquals(await client.read().catch(() => null), null);
    assertMatch(hup.server.stderr, /so does this program/);
  });
}

test("an old process that is killed before it has told what is there leaves the place to the new one", async () => {
  const fault: Fault = {
    call: "receive",
    message: "HELLO",
    when: "after",
    what: "kill",
  };
  await using hup = await HupProcess.start(OPTIONS, { fault });
  await using client = await hup.server.connect();
  assertEquals(await ask(client, 1), "1 1");
  await hup.reload("2");
  assertEquals(await client.read().catch(() => null), null);
  await using late = await hup.server.connect();
  assertEquals(await ask(late, 1), "2 1");
  await hup.server.logged(/WARN .* gone, and its clients with it/);
  await hup.server.logged(/WARN .* ended: signal SIGKILL/);
});

test("a new process that is killed when it has all, before it serves, takes the program with it", async () => {
  const fault: Fault = {
    call: "send",
    message: "SERVING",
    when: "after",
    what: "kill",
  };
  await using hup = await HupProcess.start(OPTIONS);
  await using client = await hup.server.connect();
  assertEquals(await ask(client, 1), "1 1");
  hup.change("2", { fault });
  hup.server.kill("SIGHUP");
  const { code } = await hup.server.finished();
  assert(code !== 0);
  assertMatch(hup.server.stderr, /handed all to one that has ended/);
});

test("a new process that cannot take the place says why in one line", async () => {
  await using hup = await HupProcess.start(OPTIONS);
  await using client = await hup.server.connect();
  await using other = await hup.server.connect();
  assertEquals(await ask(client, 1), "1 1");
  assertEquals(await ask(other, 1), "1 1");
  hup.change("2", { options: { connsMax: 1 } });
  await hup.hup(FAILED);
  const { stderr } = hup.server;
  assertMatch(
    stderr,
    /ERROR haven\[\d+\] Cannot take the place .*: there are 2 clients, and connsMax is 1\n/,
  );
  // Each line is one of the log: no stack is among them.
  for (const line of stderr.trim().split("\n")) assertMatch(line, /^\d{4}-/);
  assertEquals(await ask(client, 1), "1 2");
});
