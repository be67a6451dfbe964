// The options of run and attach.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type RunOptions, WorkerError } from "@maple/worker";
import { programName } from "@maple/box/internal";
import { resolveRun, runOptions } from "../../worker/options.ts";
import { WorkerFixture } from "./worker_fixture.ts";

Deno.test("resolveRun() fills in the defaults", () => {
  const { secret, ...options } = resolveRun({});
  assertEquals(secret.last, undefined);
  assertEquals(options, {
    gateways: [{ host: "127.0.0.1", port: 28000 }],
    concurrency: 64,
    name: programName("worker"),
    workTimeoutMs: 15_000,
    onWorkTimeout: "log",
    onUnhandled: "log",
    stopSignal: undefined,
    stopTimeoutMs: 30_000,
    reloadTimeoutMs: 30_000,
    bindTimeout: 10,
    workers: 1,
    metrics: undefined,
    metricsHosts: [],
    metricsTokenFile: undefined,
    debug: false,
    logFormat: "text",
    signal: undefined,
  });
  const { gateways, workTimeoutMs } = resolveRun({
    gateways: [{}, { host: "a", port: 1 }],
    workTimeout: 0.5,
  });
  assertEquals(gateways, [
    { host: "127.0.0.1", port: 28000 },
    { host: "a", port: 1 },
  ]);
  assertEquals(workTimeoutMs, 500);
});

const WRONG: readonly [options: RunOptions, says: string][] = [
  [{ workers: -1 }, "workers must be a whole number from 0 to 1024, got -1"],
  [{ workers: 1.5 }, "workers must be a whole number"],
  [{ workers: NaN }, "got NaN"],
  [{ concurrency: 0 }, "concurrency must be a whole number from 1 to 65536"],
  [{ port: 0 }, "port must be a whole number from 1 to 65535, got 0"],
  [{ port: NaN }, "port must be a whole number"],
  [{ gateways: [{ port: 70000 }] }, "port must be"],
  [{ gateways: [] }, "gateways must name at least one gateway"],
  [{ gateways: [{}], port: 1 }, "exclude each other"],
  [{ gateways: [{}], host: "a" }, "exclude each other"],
  [{ workTimeout: -1 }, "workTimeout must be a number from 0 to 2147483"],
  [
    { onWorkTimeout: "kill" as "log" },
    'onWorkTimeout must be "log" or "replace", got "kill"',
  ],
  [
    { onWorkTimeout: "replace", workers: 0 },
    'onWorkTimeout "replace" needs workers: 1 or more',
  ],
  [
    { onWorkTimeout: "replace", workTimeout: 0 },
    'onWorkTimeout "replace" needs a workTimeout above 0',
  ],
  [
    { stopSignal: "SIGKILL" as "SIGUSR1" },
    'stopSignal must be "SIGUSR1" or "SIGUSR2" or "SIGINT" or "SIGQUIT", got "SIGKILL"',
  ],
  [{ stopTimeout: Infinity }, "stopTimeout must be a number from 0"],
  [{ reloadTimeout: 0 }, "reloadTimeout must be a number from 0.1"],
  [
    { logFormat: "xml" as "json" },
    'logFormat must be "text" or "json", got "xml"',
  ],
  [{ name: "" }, "name must have 1 to 100 characters, got 0"],
  [{ metrics: "here" }, 'metrics: "here" is no address: expected PORT'],
  [{ metrics: "127.0.0.1:65536" }, "is no address"],
];

for (const [options, says] of WRONG) {
  Deno.test(`Worker.run() and attach() refuse ${Deno.inspect(options)}`, async () => {
    const calls = [
      () => new WorkerFixture().app.run(options),
      () => new WorkerFixture().app.attach(options),
    ];
    for (const one of calls) {
      const { message } = await assertRejects(one, WorkerError, says);
      assert(!message.includes("\n"));
    }
  });
}

Deno.test("resolveRun() takes a name of up to 100 characters", () => {
  const name = "x".repeat(100);
  assertEquals(resolveRun({ name }).name, name);
  assertThrows(
    () => resolveRun({ name: `${name}x` }),
    WorkerError,
    "name must have 1 to 100 characters, got 101",
  );
});

Deno.test("runOptions() understands every form of run's arguments", () => {
  const rest = { workers: 3, debug: true };
  const list = [{ port: 1 }, { host: "b" }] as const;
  assertEquals(runOptions(undefined, undefined, undefined), {});
  assertEquals(runOptions("a", undefined, undefined), { host: "a" });
  assertEquals(runOptions("a", 5, undefined), { host: "a", port: 5 });
  assertEquals(runOptions("a", 5, rest), { host: "a", port: 5, ...rest });
  assertEquals(runOptions("a", undefined, rest), { host: "a", ...rest });
  assertEquals(runOptions(undefined, 5, rest), { port: 5, ...rest });
  assertEquals(runOptions(list, undefined, undefined), { gateways: list });
  assertEquals(runOptions(list, rest, undefined), { gateways: list, ...rest });
  assertEquals(runOptions(rest, undefined, undefined), rest);
});

Deno.test("Worker.run() takes gateway and options in every form", async () => {
  // That an aborted run ends at once shows that the options arrived.
  const options = { workers: 0, signal: AbortSignal.abort() };
  const app = () => new WorkerFixture().app;
  await app().run("127.0.0.1", 28000, options);
  await app().run(undefined, 28000, options);
  await app().run([{ port: 28000 }, { port: 28001 }], options);
  await app().run({ port: 28000, ...options });
});
