// readSettings(): flags, JSON and the ini file of the original; flags beat the file.

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  describeFlags,
  parseCommandLine,
  UsageError,
  withEnvironment,
} from "@maple/box/internal";
import { FLAGS } from "../../gateway/setting_table.ts";
import {
  changesOf,
  readSettings,
  readTold,
  type Settings,
} from "../../gateway/settings.ts";
import { DEFAULTS, RANGES } from "../../gateway/option_table.ts";
import { resolveOptions } from "../../gateway/resolve_options.ts";
import { pathOf } from "../helpers/paths.ts";

function read(args: string[], fileText?: string): Settings {
  const file = fileText === undefined
    ? undefined
    : { path: "gw.conf", text: fileText };
  return readSettings(parseCommandLine(args, FLAGS), file);
}

// Every setting, with a value that is not its default.
const EVERY: Record<string, string | number | boolean> = {
  outerHost: "10.0.0.1",
  outerPort: 1,
  wsPort: 3,
  wsPath: "/play",
  wsOrigins: "https://a.example,https://b.example",
  wsPing: 12.5,
  heartbeatCmd: -77,
  moveCmd: -78,
  tlsPort: 5,
  wssPort: 6,
  tlsCert: "a.crt,b.crt",
  tlsKey: "a.key,b.key",
  proxyProtocol: "10.0.0.0/8,::1",
  innerHost: "::1",
  innerPort: 2,
  innerOwnPort: 7,
  innerSecretFile: "/etc/maple/secrets",
  innerOpen: "10.0.0.0/8",
  order: "none",
  io: "epoll",
  reusePort: true,
  deny: "192.0.2.7,2001:db8::/32",
  denyFile: "deny.txt",
  connsPerAddress: 100,
  connectRate: 0.5,
  clientRate: 20,
  clientBytesRate: 2000.5,
  rateAction: "close",
  connsMax: 3,
  connTimeout: 4.5,
  firstFrameTimeout: 1.5,
  frameTimeout: 2.5,
  writeTimeout: 3.5,
  memoryBytes: 1e9,
  keepAlive: 90,
  frameBytes: 5,
  clientQueueMax: 6,
  queueMax: 7,
  queueBytes: 8,
  newsMax: 8,
  goneRequests: "run",
  outboxBytes: 9,
  linger: 9.5,
  groupsPerClient: 9,
  groupsMax: 10,
  fanOutBytes: 11,
  backlog: 10,
  innerFrameBytes: 100,
  innerConnsMax: 11,
  innerReserve: 99,
  creditsMax: 12,
  chainMax: 3,
  maxDeliveries: 13,
  originalMaxDeliveries: 1,
  parkTime: 13.5,
  workerTimeout: 14,
  originalWorkerTimeout: 30.5,
  drainTimeout: 14.5,
  lameDuck: 15.5,
  lameDuckNotice: 16.5,
  moveTimeout: 17.5,
  bindTimeout: 14.6,
  handover: "/run/maple/gateway.sock",
  handoverTimeout: 4.5,
  handoverStay: 3600.5,
  nodeId: 15,
  cluster: "nats://u:p@h:1,tls://h2",
  clusterName: "eu_1",
  clusterCreds: "/run/a.creds",
  clusterTlsCa: "/run/ca.pem",
  clusterTlsCert: "/run/own.pem",
  clusterTlsKey: "/run/own.key",
  innerAdvertise: "gw1.example:28000",
  clusterBytes: 18_000_000,
  processes: 3,
  logLevel: "DEBUG",
  logFormat: "json",
  logFile: "/tmp/x.log",
  logFileMaxBytes: 16,
  logFileMaxCount: 17,
  statFile: "/tmp/stat.json",
  metrics: "127.0.0.1:9100",
  metricsHosts: "a.example, b",
  metricsTokenFile: "/run/token",
};

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function expected(values: typeof EVERY): Settings {
  const {
    processes,
    logLevel,
    logFormat,
    logFile,
    logFileMaxBytes,
    logFileMaxCount,
    statFile,
    metrics,
    metricsHosts,
    metricsTokenFile,
    ...gateway
  } = values;
  return {
    gateway,
    processes,
    logLevel,
    logFormat,
    logFile,
    logFileMaxBytes,
    logFileMaxCount,
    statFile,
    metrics,
    metricsHosts,
    metricsTokenFile,
    remarks: [],
  } as unknown as Settings;
}

Deno.test("readSettings() has the documented defaults", () => {
  assertEquals(read([]), {
    gateway: {},
    processes: 1,
    logLevel: "INFO",
    logFormat: "text",
    logFile: undefined,
    logFileMaxBytes: 10 * 1024 * 1024,
    logFileMaxCount: 5,
    statFile: undefined,
    metrics: undefined,
    metricsHosts: "",
    metricsTokenFile: "",
    remarks: [],
  });
});

Deno.test("readSettings() knows a flag for every option but box, bus, logger and secrets", () => {
  // What is on a command line is seen by all users of the machine.
  const { boxClass: _, innerSecrets: __, bus: ___, ...options } = DEFAULTS;
  const flags = FLAGS.map((flag) => flag.name);
  for (const name of Object.keys(options)) {
    assertEquals([name, flags.includes(kebab(name))], [name, true]);
  }
  assertEquals(
    flags.toSorted(),
    [
      ...["version", "check", "check-config"],
      ...Object.keys(EVERY).map(kebab),
      "config",
      "help",
    ]
      .toSorted(),
  );
});

Deno.test("readSettings() takes every flag", () => {
  const args = Object.entries(EVERY).flatMap(([name, value]) => [
    `--${kebab(name)}`,
    ...(value === true ? [] : [String(value)]),
  ]);
  assertEquals(read(args), expected(EVERY));
  const joined = Object.entries(EVERY).map(([name, value]) =>
    `--${kebab(name)}=${value}`
  );
  assertEquals(read(joined), expected(EVERY));
});

Deno.test("readSettings() takes every name from JSON", () => {
  assertEquals(read([], JSON.stringify(EVERY)), expected(EVERY));
  assertEquals(read([], " \n {} "), read([]));
});

const INI = `; the original's file
[outer]
host = 10.1.2.3
port=29001
backlog = 511
recv_buf_init_size = 1024
recv_buf_max_size = 65536   ; bytes
conn_timeout_check_interval = 10
conn_timeout = 600 # seconds
conns_maxsize = 5000

[inner]
host = 10.1.2.4
port = 28001
recv_buf_max_size = 1048576
conns_maxsize = 200

[log]
log_level = debug
log_dir = /var/log/maple/
file_prefix = gate
file_max_size = 1000000
file_max_num = 9

[stat]
file_name = /tmp/stat
`;

Deno.test("readSettings() takes the ini file of the original and tells what it ignores", () => {
  for (const text of [INI, INI.replaceAll("\n", "\r\n")]) {
    assertEquals(read([], text), {
      gateway: {
        outerHost: "10.1.2.3",
        outerPort: 29001,
        backlog: 511,
        frameBytes: 65536,
        connTimeout: 600,
        connsMax: 5000,
        innerHost: "10.1.2.4",
        innerPort: 28001,
        innerFrameBytes: 1048576,
        innerConnsMax: 200,
      },
      processes: 1,
      logLevel: "DEBUG",
      logFormat: "text",
      logFile: "/var/log/maple/gate.log",
      logFileMaxBytes: 1_000_000,
      logFileMaxCount: 9,
      statFile: "/tmp/stat",
      metrics: undefined,
      metricsHosts: "",
      metricsTokenFile: "",
      remarks: [
        'the config file "gw.conf" sets what has no meaning here: outer.recv_buf_init_size (line 6), outer.conn_timeout_check_interval (line 8)',
      ],
    });
  }
});

Deno.test("readSettings() makes the log file's name from either half of it", () => {
  const logFile = (text: string) => read([], text).logFile;
  assertEquals(logFile("[log]\nlog_dir = logs"), "logs/gateway.log");
  assertEquals(logFile("[log]\nfile_prefix = gate"), "./gate.log");
  assertEquals(logFile("[log]\nlog_level = INFO"), undefined);
});

Deno.test("readSettings() lets flags beat the file", () => {
  const json = JSON.stringify({ outerPort: 1, connsMax: 2, logLevel: "ERROR" });
  const args = ["--outer-port", "5", "--log-level", "DEBUG"];
  const settings = read(args, json);
  assertEquals(settings.gateway, { outerPort: 5, connsMax: 2 });
  assertEquals(settings.logLevel, "DEBUG");
  const fromIni = read(["--outer-port=5", "--log-file=a.log"], INI);
  assertEquals([fromIni.gateway.outerPort, fromIni.gateway.innerPort], [
    5,
    28001,
  ]);
  assertEquals(fromIni.logFile, "a.log");
});

Deno.test("readSettings() takes -1 for no limit in every limit, from flags and files", () => {
  const none = ["outerPort", "innerPort", "nodeId", "innerReserve"];
  // Of these 0 means not to wait; of other times it means never.
  const waits = [
    ...["drainTimeout", "bindTimeout", "handoverTimeout"],
    ...["lameDuck", "lameDuckNotice", "moveTimeout"],
  ];
  for (const [name, { max, whole }] of Object.entries(RANGES)) {
    if (none.includes(name)) continue;
    const expected = { [name]: whole || waits.includes(name) ? max : 0 };
    const fromFlag = read([`--${kebab(name)}`, "-1"]).gateway;
    assertEquals([name, fromFlag], [name, expected]);
    const fromJson = read([], JSON.stringify({ [name]: -1 })).gateway;
    assertEquals([name, fromJson], [name, expected]);
    // What it gives is taken.
    resolveOptions(fromFlag);
  }
  assertEquals(read(["--node-id", "0"]).gateway, { nodeId: 0 });
  const log = read([], "[log]\nfile_max_size = -1\nfile_max_num = -1\n");
  assertEquals(log.logFileMaxBytes, Number.MAX_SAFE_INTEGER);
  assertEquals(log.logFileMaxCount, 1000);
  assertEquals(log.remarks, []);
});

Deno.test("readSettings() takes the original's file_max_size for MiB when it cannot be bytes, and says so", () => {
  const size = (text: string) => {
    const { logFileMaxBytes, remarks } = read([], text);
    return [logFileMaxBytes, ...remarks];
  };
  assertEquals(size("[log]\nfile_max_size = 1024"), [
    1024 * 1024 * 1024,
    'log.file_max_size = 1024 in line 2 of the config file "gw.conf" is taken as 1024 MiB, since it is below 65536',
  ]);
  assertEquals(size("[log]\nfile_max_size = 65536"), [65536]);
  assertEquals(size('{"logFileMaxBytes": 1024}'), [1024]);
});

Deno.test("readSettings() takes a file with a byte order mark", () => {
  const gateway = { outerPort: 5 };
  assertEquals(read([], '\uFEFF{"outerPort": 5}').gateway, gateway);
  assertEquals(read([], "\uFEFF[outer]\nport = 5").gateway, gateway);
});

Deno.test("readSettings() takes words in capitals and small letters", () => {
  assertEquals(read(["--log-level", "debug"]).logLevel, "DEBUG");
  assertEquals(read(["--log-level", "Warn"]).logLevel, "WARN");
  assertEquals(read([], '{"logFormat": "JSON"}').logFormat, "json");
});

Deno.test("readSettings() knows -c for --config and -h for --help", () => {
  const { flags } = parseCommandLine(["-c", "x.json", "-h"], FLAGS);
  assertEquals(Object.fromEntries(flags), { config: "x.json", help: true });
});

Deno.test("readSettings() takes sizes and times with units, from flags and files", () => {
  const expected = { frameBytes: 65536, connTimeout: 90, linger: 0.5 };
  const args = ["--frame-bytes", "64KiB", "--conn-timeout=90s"];
  assertEquals(read([...args, "--linger", "500ms"]).gateway, expected);
  const json = { frameBytes: "64k", connTimeout: "1m30s", linger: "0.5s" };
  assertEquals(read([], JSON.stringify(json)).gateway, expected);
  const ini = read([], "[outer]\nrecv_buf_max_size=64K\nconn_timeout = 1.5m\n");
  assertEquals(ini.gateway, { frameBytes: 65536, connTimeout: 90 });
  // Who writes a unit means it.
  const log = read([], "[log]\nfile_max_size = 10k\n");
  assertEquals([log.logFileMaxBytes, log.remarks], [10_240, []]);
});

Deno.test("readTold() tells where each setting comes from: flags beat variables, these the file", () => {
  const file = {
    path: "gw.conf",
    text: '{"outerPort": 1,\n"nodeId": 2,\n"linger": 3}',
  };
  const commandLine = withEnvironment(
    parseCommandLine(["--outer-port", "5"], FLAGS),
    FLAGS,
    {
      command: "gateway",
      env: { MAPLE_GATEWAY_OUTER_PORT: "x", MAPLE_GATEWAY_NODE_ID: "6" },
    },
  );
  const told = readTold(commandLine, file);
  assertEquals(Object.fromEntries(told.values), {
    outerPort: 5,
    nodeId: 6,
    linger: 3,
  });
  assertEquals(Object.fromEntries(told.sources), {
    outerPort: "--outer-port",
    nodeId: "MAPLE_GATEWAY_NODE_ID",
    linger: 'line 3 of the config file "gw.conf"',
  });
});

Deno.test("readTold() checks what comes from a variable as it checks a flag", () => {
  const env = { MAPLE_GATEWAY_METRICS: "127.0.0.1" };
  const commandLine = withEnvironment(parseCommandLine([], FLAGS), FLAGS, {
    command: "gateway",
    env,
  });
  const error = assertThrows(() => readTold(commandLine), UsageError);
  assertStringIncludes(
    error.message,
    'MAPLE_GATEWAY_METRICS: "127.0.0.1" is no address',
  );
});

Deno.test("changesOf() names the settings that differ, defaults filled in", () => {
  const before = read(["--conns-max", "7", "--log-level", "WARN"]);
  const now = read(["--conns-max", "8", "--queue-max", "100000"]);
  assertEquals(changesOf(before, now), [
    { name: "connsMax", from: "7", to: "8" },
    { name: "logLevel", from: "WARN", to: "INFO" },
  ]);
});

const MISTAKES: [string, string[], string | undefined, string][] = [
  ["an unknown flag", ["--port", "1"], undefined, "Unknown flag --port"],
  [
    "a flag's name of before",
    ["--inner-frame-max=1"],
    undefined,
    "Flag --inner-frame-max is called --inner-frame-bytes now",
  ],
  [
    "a missing value",
    ["--outer-port"],
    undefined,
    "--outer-port needs a value",
  ],
  [
    "a value out of range",
    ["--outer-port", "65536"],
    undefined,
    '--outer-port takes a whole number from 0 to 65535, got "65536"',
  ],
  [
    "half a connection",
    ["--conns-max", "1.5"],
    undefined,
    "--conns-max takes a whole number",
  ],
  [
    "an unknown order",
    ["--order", "any"],
    undefined,
    '--order takes client or none, got "any"',
  ],
  [
    "an unknown level",
    ["--log-level", "LOUD"],
    undefined,
    "--log-level takes DEBUG or INFO or WARN or ERROR",
  ],
  [
    "a metrics address without a port",
    ["--metrics", "127.0.0.1"],
    undefined,
    '--metrics: "127.0.0.1" is no address: expected PORT, HOST:PORT',
  ],
  [
    "an unknown log format",
    ["--log-format", "xml"],
    undefined,
    '--log-format takes text or json, got "xml"',
  ],
  [
    "broken JSON",
    [],
    '{\n"outerPort": 1,\n"connsMax" 5\n}',
    "Line 3 of the config file \"gw.conf\" is no JSON: Expected ':' after property name",
  ],
  [
    "JSON with a word that is none",
    [],
    '{\n"outerPort": nope\n}',
    "Line 2 of the config file \"gw.conf\" is no JSON: Unexpected token 'o'",
  ],
  [
    "half of JSON",
    [],
    '{\n"outerPort": 1,\n"connsMax":',
    'Line 3 of the config file "gw.conf" is no JSON: Unexpected end of JSON input',
  ],
  [
    "a name that stands twice in JSON",
    [],
    '{"outerPort": 1,\n\n"outerPort": 2}',
    '"outerPort" in line 3 of the config file "gw.conf" stands in line 1 as well',
  ],
  [
    "a name of before in JSON",
    [],
    '{\n"frameMax": 1}',
    '"frameMax" in line 2 of the config file "gw.conf" is called "frameBytes" now',
  ],
  [
    "an unknown name in JSON",
    [],
    '{\n"outerport": 1}',
    'Line 2 of the config file "gw.conf" has the unknown name "outerport"; is "outerPort" meant?',
  ],
  [
    "a name in JSON that is like no other",
    [],
    '{"debugging": true}',
    'Line 1 of the config file "gw.conf" has the unknown name "debugging"; known are outerHost,',
  ],
  [
    "a wrong value in JSON",
    [],
    '{"connsMax": 5,\n\n"outerPort": "many"}',
    '"outerPort" in line 3 of the config file "gw.conf" takes a whole number from 0 to 65535, got "many"',
  ],
  [
    "null in JSON",
    [],
    '{"logFile": null}',
    '"logFile" in line 1 of the config file "gw.conf" takes one value, got null',
  ],
  [
    "a metrics address without a port in JSON",
    [],
    '{"metrics": "127.0.0.1"}',
    '"metrics" in line 1 of the config file "gw.conf": "127.0.0.1" is no address',
  ],
  [
    "two ports that are the same",
    ["--outer-port", "5", "--inner-port", "5"],
    undefined,
    "Options outerPort and innerPort must differ, got 5 for both",
  ],
  [
    "what does not fit together in a file",
    [],
    '{"innerFrameBytes": 100}',
    'Option innerFrameBytes must be at least frameBytes + 76 = 1048652, got 100 (innerFrameBytes: line 1 of the config file "gw.conf")',
  ],
  [
    "a port without limit",
    ["--outer-port", "-1"],
    undefined,
    "--outer-port takes a whole number from 0 to 65535",
  ],
  [
    "a wrong value in ini",
    [],
    "[outer]\nport = x",
    'outer.port in line 2 of the config file "gw.conf" takes a whole number',
  ],
  [
    "neither JSON nor ini",
    [],
    "[outer]\n\nwhat is this",
    'Line 3 of the config file "gw.conf" is neither [section] nor key = value',
  ],
];

for (const [what, args, fileText, message] of MISTAKES) {
  Deno.test(`readSettings() refuses ${what}`, () => {
    const error = assertThrows(() => read(args, fileText), UsageError);
    assertStringIncludes((error as Error).message, message);
  });
}

function shownAs(value: unknown): string {
  return value === "" ? "none" : value === false ? "off" : `${value}`;
}

Deno.test("FLAGS tell each default in the usage text", () => {
  const usage = describeFlags(FLAGS);
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (name === "boxClass" || value === undefined) continue;
    if (name === "innerSecrets") continue;
    const line = usage.split("\n").find((line) =>
      line.includes(`  --${kebab(name)} `)
    );
    assertStringIncludes(line ?? "", `(${shownAs(value)})`);
  }
});

Deno.test("README.md tells every flag and the default of each option", async () => {
  const readme = await Deno.readTextFile(pathOf("../../gateway/README.md"));
  const cells = readme.split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  for (const { name } of FLAGS) {
    assertStringIncludes(cells.flat().join(" "), `\`--${name}`);
  }
  for (const [name, value] of Object.entries(DEFAULTS)) {
    // One is no text, the other the machine's.
    if (name === "boxClass" || name === "memoryBytes") continue;
    if (name === "innerSecrets") continue;
    if (value === undefined) continue;
    const row = cells.find(([, flag]) =>
      flag?.startsWith(`\`--${kebab(name)}${value === false ? "\`" : " "}`)
    );
    assertEquals([name, row?.[2]?.split(" ")[0]], [name, shownAs(value)]);
  }
});
