// The stores: the same of each.

import { assertEquals, assertRejects } from "@std/assert";
import { openStore } from "../../../examples/doudizhu/store/open_store.ts";
import { eventually } from "../../helpers/eventually.ts";
import { runProcess } from "../../helpers/process.ts";
import { hasRedis, startRedis } from "../../helpers/redis.ts";
import { overStores } from "./stores.ts";

const OPEN_STORE = import.meta.resolve(
  "../../../examples/doudizhu/store/open_store.ts",
);

overStores(
  "documents are changed by who knows their version",
  async (_, open) => {
    const one = await open();
    const other = await open();
    assertEquals(await one.read("a"), { version: 0, value: undefined });
    const first = { key: "a", version: 0, value: { text: "é 斗" } };
    assertEquals(await one.commit([first]), true);
    assertEquals(await other.commit([first]), false);
    assertEquals(await other.read("a"), {
      version: 1,
      value: { text: "é 斗" },
    });
    assertEquals(
      await other.commit([{ ...first, version: 1, value: 2 }]),
      true,
    );
    assertEquals(await one.commit([{ ...first, version: 1, value: 3 }]), false);
    assertEquals(await one.read("a"), { version: 2, value: 2 });
    assertEquals(
      await one.commit([{ key: "a", version: 2, value: undefined }]),
      true,
    );
    assertEquals(await other.read("a"), { version: 0, value: undefined });
  },
);

overStores("several are changed together or not at all", async (_, open) => {
  const store = await open();
  const put = (key: string, version: number, value: unknown) => ({
    ...{ key, version, value },
  });
  assertEquals(await store.commit([put("a", 0, 1), put("b", 0, 1)]), true);
  for (
    const changes of [
      [put("a", 1, 2), put("b", 0, 2)],
      [put("c", 0, 2), put("a", 0, 2)],
      [put("a", 1, undefined), put("b", 7, undefined)],
    ]
  ) {
    assertEquals(await store.commit(changes), false);
  }
  assertEquals(await store.read("a"), { version: 1, value: 1 });
  assertEquals(await store.read("b"), { version: 1, value: 1 });
  assertEquals(await store.read("c"), { version: 0, value: undefined });
  assertEquals(
    await store.commit([put("a", 1, undefined), put("c", 0, 3)]),
    true,
  );
  assertEquals(await store.read("c"), { version: 1, value: 3 });
});

overStores(
  "of many who add to a document at once each adds once",
  async (_, open) => {
    const stores = await Promise.all([open(), open(), open()]);
    const add = async (store: typeof stores[0]) => {
      for (;;) {
        const { version, value = 0 } = await store.read<number>("sum");
        const next = { key: "sum", version, value: value + 1 };
        if (await store.commit([next])) return;
      }
    };
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => add(stores[i % 3]!)),
    );
    assertEquals((await stores[0]!.read("sum")).value, 60);
  },
);

overStores(
  "what is due is given to one, and again later, until it is changed",
  async (_, open) => {
    const one = await open();
    const other = await open();
    const put = (key: string, version: number, due?: number) => ({
      ...{ key, version, value: 1, due },
    });
    await one.commit([put("a", 0, 100), put("b", 0, 200), put("c", 0)]);
    assertEquals(await one.takeDue(99, 500, 10), []);
    assertEquals(await one.takeDue(200, 500, 1), ["a"]);
    assertEquals(await other.takeDue(200, 500, 10), ["b"]);
    assertEquals(await one.takeDue(499, 900, 10), []);
    // Who had "a" has looked after it; who had "b" has died.
    assertEquals(await one.commit([put("a", 1)]), true);
    assertEquals(await other.takeDue(500, 900, 10), ["b"]);
    await one.commit([{ key: "b", version: 1, value: undefined }]);
    assertEquals(await other.takeDue(10_000, 20_000, 10), []);
  },
);

overStores(
  "many open it at the same time, where nothing was",
  async (place) => {
    const script = `
    import { openStore } from ${JSON.stringify(OPEN_STORE)};
    await using store = await openStore(Deno.args[0]);
    for (;;) {
      const { version, value = 0 } = await store.read("sum");
      if (await store.commit([{ key: "sum", version, value: value + 1 }])) break;
    }
  `;
    const results = await Promise.all(
      Array.from(
        { length: 6 },
        () => runProcess(Deno.execPath(), { args: ["eval", script, place] }),
      ),
    );
    for (const { code, stderr } of results) {
      assertEquals(code, 0, stderr);
    }
    await using store = await openStore(place);
    assertEquals((await store.read("sum")).value, 6);
  },
);

Deno.test({
  name:
    "a connection to Redis that is cut is made again; one that cannot be made is an error",
  ignore: !hasRedis,
  async fn() {
    await assertRejects(() => openStore("redis://127.0.0.1:1"));
    await using redis = await startRedis();
    const errors: unknown[] = [];
    await using store = await openStore(
      redis.url,
      (error) => errors.push(error),
    );
    const change = { key: "a", version: 0, value: 1 };
    assertEquals(await store.commit([change]), true);
    const socket = redis.url.slice("unix://".length);
    using conn = await Deno.connect({ transport: "unix", path: socket });
    await conn.write(
      new TextEncoder().encode("CLIENT KILL TYPE normal SKIPME yes\r\n"),
    );
    await eventually(() => errors.length > 0);
    assertEquals(await store.read("a"), { version: 1, value: 1 });
  },
});

Deno.test("the address of something else is no file's name", async () => {
  for (const place of ["127.0.0.1:6379", "redis:6379", "http://x/", ":6379"]) {
    await assertRejects(() => openStore(place), TypeError, `got "${place}"`);
  }
});
