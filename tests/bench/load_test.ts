import { PERMISSIONS } from "../helpers/permissions.ts";
import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { Box, type BoxFields, type BoxOf } from "@maple/box";
import { SILENT, UsageError } from "@maple/box/internal";
import { Haven } from "@maple/haven";
import { type LoadSummary, summarize } from "../../bench/load/load_result.ts";
import { LoadRun } from "../../bench/load/load_run.ts";
import {
  type LoadOptions,
  parseTarget,
  readJob,
} from "../../bench/load/options.ts";
import { shares } from "../../bench/load/processes.ts";
import { formatReport } from "../../bench/load/report.ts";
import { hasOpenssl, localCertificate } from "../helpers/certificates.ts";
import { pathOf } from "../helpers/paths.ts";
import { runProcess } from "../helpers/process.ts";
import { RawPeer } from "../helpers/raw_peer.ts";

function options(...args: string[]): LoadOptions {
  const job = readJob(args);
  assert(job.kind === "load");
  return job.options;
}

/**
 * What a load on a server measures that answers each request as `answer` does: with boxes, or by
 * closing the connection.
 */
async function load(
  args: string[],
  answer: (
    box: BoxOf<BoxFields>,
    count: number,
  ) => BoxOf<BoxFields>[] | undefined,
): Promise<LoadSummary> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) serving.push(serve(conn));
  })();
  async function serve(conn: Deno.TcpConn): Promise<void> {
    await using peer = new RawPeer(conn, Box);
    for (let count = 0;; count++) {
      const frame = await peer.nextFrame();
      const boxes = frame && answer(Box.fromFrame(frame), count);
      if (!boxes) return;
      // The other side may be gone already.
      for (const box of boxes) {
        await peer.sendBytes(box.pack()).catch(() => {});
      }
    }
  }
  try {
    await using run = new LoadRun(
      options("-u", `127.0.0.1:${listener.addr.port}`, ...args),
    );
    await run.connect();
    return summarize(await run.run());
  } finally {
    listener.close();
    await accepting;
    await Promise.all(serving);
  }
}

const reply = (box: BoxOf<BoxFields>, ret = 0) =>
  box.map({ ret, body: box.body });

Deno.test("LoadRun sends each request and counts the answers", async () => {
  const seen: number[] = [];
  const result = await load(
    [..."-c 3 -r 20 -m 7 -b 100".split(" "), "--depth", "4"],
    (box) => {
      assertEquals(box.cmd, 7);
      assertEquals(box.body.length, 100);
      seen.push(box.sn);
      return [reply(box)];
    },
  );
  assertEquals(seen.length, 60);
  assertEquals(result.successful, 60);
  assertEquals(result.transactions, 60);
  assertEquals(result.availability, 100);
  assertEquals([result.worst, result.mean, result.best], [20, 20, 20]);
  assertEquals(result.errors, {});
  assert(result.p50 > 0 && result.p50 <= result.p99);
  assert(result.p99 <= result.max);
});

Deno.test("LoadRun never has more requests in flight than its depth", async () => {
  let most = 0;
  const waiting: BoxOf<BoxFields>[] = [];
  const result = await load(
    ["-c", "1", "-r", "50", "--depth", "5"],
    (box, count) => {
      waiting.push(box);
      most = Math.max(most, waiting.length);
      // Answers in an order of its own, and only when all that may come has come.
      if (waiting.length < 5 && count < 49) return [];
      return [reply(waiting.pop()!)].concat(
        count < 49 ? [] : waiting.splice(0).map((box) => reply(box)),
      );
    },
  );
  assertEquals(most, 5);
  assertEquals(result.successful, 50);
});

Deno.test("LoadRun counts refusals, messages and connections that are lost", async () => {
  const refused = await load(["-c", "2", "-r", "5"], (box, count) => [
    new Box({ cmd: 100 }),
    reply(box, count === 2 ? -10003 : 0),
  ]);
  assertEquals(refused.successful, 8);
  assertEquals(refused.failed, 2);
  assertEquals(refused.pushes, 10);
  assertEquals(refused.availability, 80);
  assertEquals(refused.errors, { "answered with ret -10003": 2 });

  const lost = await load(
    ["-c", "2", "-r", "5"],
    (box, count) => count === 3 ? undefined : [reply(box)],
  );
  assertEquals([lost.successful, lost.failed], [6, 4]);
  assertEquals(Object.values(lost.errors), [2]);
});

Deno.test("LoadRun gives up what is not answered in time", async () => {
  const result = await load(
    ["-c", "1", "-r", "3", "-o", "0.05"],
    (box, count) => count === 1 ? [] : [reply(box)],
  );
  assertEquals([result.successful, result.failed], [2, 1]);
  assertEquals(result.errors, { "no answer in time": 1 });
});

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

Deno.test("LoadRun with a rate charges a server that stalls for all that was due meanwhile", async () => {
  // The first answer comes when ten requests more are due; each of them waited for it.
  const result = await load(
    ["-c", "1", "-r", "11", "--rate", "100"],
    (box, count) => {
      if (count === 0) Atomics.wait(PAUSE, 0, 0, 120);
      return [reply(box)];
    },
  );
  assertEquals(result.successful, 11);
  // The least that it can be, however slow the machine; counted from when a request could be sent
  // only one took that long.
  assert(result.p50 > 30, `p50 is ${result.p50} ms`);
});

Deno.test("LoadRun logs in with the uids that it is given", async () => {
  const uids: number[] = [];
  const result = await load(
    ["-c", "3", "-r", "1", "--login", "1000", "--login-cmd", "9"],
    (box) => {
      if (box.cmd !== 9) return [reply(box)];
      const { uid } = box.json<{ uid: number }>();
      uids.push(uid);
      return [reply(box, uid === 1001 ? 5 : 0)];
    },
  );
  assertEquals(uids.sort(), [1000, 1001, 1002]);
  assertEquals([result.successful, result.failed], [2, 1]);
  assertEquals(result.errors, { "login: answered with ret 5": 1 });
});

const PROGRAM = [
  "run",
  "--quiet",
  "--no-prompt",
  ...PERMISSIONS.load,
  "--allow-run",
  pathOf("../../bench/load.ts"),
];

Deno.test("maple load shares the load among processes and prints JSON, by TCP and by WebSocket", async () => {
  await using app = new Haven(Box, { logger: SILENT });
  app.route(1, (request) => request.reply({ body: request.box.body }));
  await app.listen({ host: "127.0.0.1", port: 0, websocketPort: 0 });
  for (
    const url of [
      `127.0.0.1:${app.addr!.port}`,
      `ws://127.0.0.1:${app.websocketAddr!.port}/`,
    ]
  ) {
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
      args: [...PROGRAM, "-u", url, "-c", "3", "-r", "10", "-p", "2", "--json"],
    });
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const result = JSON.parse(stdout.join("\n"));
    assertEquals(result.successful, 30);
    assertEquals(result.failed, 0);
    assertEquals([result.worst, result.best], [10, 10]);
    assertFalse("raw" in result);
  }
});

Deno.test("maple load takes its flags from the environment, and its processes do not take them once more", async () => {
  await using app = new Haven(Box, { logger: SILENT });
  app.route(1, (request) => request.reply({ body: request.box.body }));
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { code, stdout, stderr } = await runProcess(Deno.execPath(), {
    args: [...PROGRAM, "-c", "2", "--json"],
    env: {
      MAPLE_LOAD_URL: `127.0.0.1:${app.addr!.port}`,
      MAPLE_LOAD_PROCESSES: "2",
      MAPLE_LOAD_CONNECTIONS: "1",
      MAPLE_LOAD_REQUESTS: "10",
      MAPLE_LOAD_BODY: "1KiB",
    },
  });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const { successful, failed, worst } = JSON.parse(stdout.join("\n"));
  assertEquals({ successful, failed, worst }, {
    successful: 20,
    failed: 0,
    worst: 10,
  });
});

Deno.test({
  name:
    "LoadRun speaks TLS, by wss:// too, with a server whose certificate it trusts, and with no other",
  ignore: !hasOpenssl,
}, async () => {
  const { authorityFile, ...files } = await localCertificate();
  const cert = Deno.readTextFileSync(files.cert);
  const key = Deno.readTextFileSync(files.key);
  const tls = { hostname: "127.0.0.1", port: 0, key, cert };
  const listener = Deno.listenTls(tls);
  const serving = (async () => {
    for await (const conn of listener) {
      await conn.readable.pipeTo(conn.writable).catch(() => {});
    }
  })();
  await using web = Deno.serve({ ...tls, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  try {
    for (
      const url of [
        `tls://localhost:${listener.addr.port}`,
        // Before Deno 2.5 its WebSockets take no certificates.
        ...(Deno.version.deno.startsWith("2.4.")
          ? []
          : [`wss://localhost:${web.addr.port}/`]),
      ]
    ) {
      const args = ["-u", url, "-c", "1", "-r", "20"];
      await using stranger = new LoadRun(options(...args));
      await stranger.connect();
      const refused = summarize(await stranger.run());
      assertEquals([refused.successful, refused.failed], [0, 20]);
      assertMatch(
        Object.keys(refused.errors).join(),
        /^connect: .*certificate/i,
      );
      await using run = new LoadRun(
        options(...args, "--ca-file", authorityFile),
      );
      await run.connect();
      const { successful, failed } = summarize(await run.run());
      assertEquals({ successful, failed }, { successful: 20, failed: 0 });
    }
  } finally {
    listener.close();
    await serving;
  }
});

Deno.test("maple load ends with 1 when nothing was successful, with 2 for bad use", async () => {
  const run = (...args: string[]) =>
    runProcess(Deno.execPath(), { args: [...PROGRAM, ...args] });
  // A port that was free just now.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const refused = await run("-u", `127.0.0.1:${port}`, "-c", "2", "-r", "3");
  assertEquals(refused.code, 1);
  assertMatch(refused.stdout.join("\n"), /Failed: +6\n[^]*2 × connect: /);
  const misused = await run("-u", "nowhere");
  assertEquals(misused.code, 2);
  assertMatch(misused.stderr, /^maple load: -u takes [^\n]+\n$/);
});

Deno.test("readJob() refuses what does not fit", () => {
  for (
    const [args, message] of [
      [[], "Give -u SERVER"],
      [["-u", "localhost"], "-u takes HOST:PORT"],
      [["-u", "http://a:1"], "-u takes HOST:PORT"],
      [["-u", "a:1", "-c", "0"], "--connections takes"],
      [["-u", "a:1", "-c", "2", "-p", "3"], "--processes takes no more"],
      [["-u", "a:1", "-r", "3", "--warm-up", "1"], "--warm-up goes with -d"],
      [["-u", "a:1", "more"], 'Unexpected argument "more"'],
    ] as const
  ) assertThrows(() => readJob(args), UsageError, message);
});

Deno.test("parseTarget() reads every kind of address", () => {
  const parts = (text: string) => {
    const { protocol, hostname, port } = parseTarget(text);
    return [protocol, hostname, port];
  };
  assertEquals(parts("game.example:29000"), ["tcp", "game.example", 29000]);
  assertEquals(parts("tls://[::1]:7"), ["tls", "::1", 7]);
  assertEquals(parts("ws://127.0.0.1:80/play"), ["ws", "127.0.0.1", 80]);
  assertEquals(parts("wss://game.example/"), ["wss", "game.example", 443]);
});

Deno.test("shares() divides connections, uids and rate", () => {
  const whole = options(
    ..."-u a:1 -c 10 -p 3 --login 100 --rate 50".split(" "),
  );
  const parts = shares(whole);
  assertEquals(parts.map((part) => part.connections), [3, 3, 4]);
  assertEquals(parts.map((part) => part.login), [100, 103, 106]);
  assertEquals(parts.map((part) => part.rate), [15, 15, 20]);
});

Deno.test("formatReport() names what the original did, and more", () => {
  const report = formatReport({
    connections: 2,
    elapsed: 2,
    successful: 3,
    failed: 1,
    pushes: 5,
    errors: { "no answer in time": 1 },
    latency: { buckets: [[127, 3]], sum: 0.0381, max: 0.0127 },
    served: [1, 2],
  });
  for (
    const line of [
      "  Transactions:     4 hits",
      "  Availability:     75.00 %",
      "  Elapsed time:     2.00 s",
      "  Response time:    0.0127 ms",
      "  Transaction rate: 2.00 per s",
      "  Successful:       3",
      "  Failed:           1",
      "  p99.9:            0.0127 ms",
      "  worst served:     1",
      "  1 × no answer in time",
    ]
  ) assert(report.includes(`${line}\n`) || report.endsWith(line), line);
});
