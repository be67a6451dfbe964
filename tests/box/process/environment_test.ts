// Flags as variables of the environment.

import { assertEquals, assertThrows } from "@std/assert";
import {
  ABOUT_FLAGS,
  type Flag,
  parseCommandLine,
  readEnvironment,
  UsageError,
  variableOf,
  withEnvironment,
} from "@maple/box/internal";

const TABLE: readonly Flag[] = [
  { name: "outer-port", type: "integer", help: "", min: 0, max: 65535 },
  { name: "linger", type: "number", help: "", value: "S" },
  { name: "reuse-port", type: "boolean", help: "" },
  { name: "log-level", type: "string", help: "", choices: ["INFO", "WARN"] },
  ...ABOUT_FLAGS,
];

function read(env: Record<string, string>) {
  const { flags, remarks } = readEnvironment(TABLE, {
    command: "gateway",
    env,
  });
  return { flags: Object.fromEntries(flags), remarks };
}

Deno.test("variableOf() names the variable of each flag that is a setting", () => {
  assertEquals(TABLE.map((flag) => variableOf("gateway", flag)), [
    "MAPLE_GATEWAY_OUTER_PORT",
    "MAPLE_GATEWAY_LINGER",
    "MAPLE_GATEWAY_REUSE_PORT",
    "MAPLE_GATEWAY_LOG_LEVEL",
    undefined,
    undefined,
  ]);
});

Deno.test("readEnvironment() reads values as a command line does; an empty one is none", () => {
  assertEquals(
    read({
      MAPLE_GATEWAY_OUTER_PORT: "29001",
      MAPLE_GATEWAY_LINGER: "2m",
      MAPLE_GATEWAY_REUSE_PORT: "true",
      MAPLE_GATEWAY_LOG_LEVEL: "warn",
      PATH: "/bin",
    }),
    {
      flags: {
        "outer-port": 29001,
        "linger": 120,
        "reuse-port": true,
        "log-level": "WARN",
      },
      remarks: [],
    },
  );
  assertEquals(read({ MAPLE_GATEWAY_LINGER: "" }), { flags: {}, remarks: [] });
});

Deno.test("readEnvironment() names the variable whose value does not fit", () => {
  const error = assertThrows(
    () => read({ MAPLE_GATEWAY_OUTER_PORT: "many" }),
    UsageError,
  );
  assertEquals(
    error.message,
    'MAPLE_GATEWAY_OUTER_PORT takes a whole number from 0 to 65535, got "many"',
  );
});

Deno.test("readEnvironment() remarks what is likely to be spelled wrong, and nothing else", () => {
  assertEquals(
    read({
      MAPLE_GATEWAY_OUTER_PROT: "1",
      MAPLE_GATWAY_LINGER: "1",
      MAPLE_GATEWAY_HELP: "1",
      MAPLE_COLOUR: "red",
      // Of others.
      MAPLE_INNER_SECRET: "x",
      MAPLE_METRICS_TOKEN: "x",
      MAPLE_TRIGGER_NOTHING: "1",
      MAPLE_WORKER: "1",
      MAPLE_WORKER_CONTROL: "1:x",
      MAPLE_HAVEN_PORTS: "1",
      MAPLES: "7",
      maple_gateway_x: "1",
    }).remarks,
    [
      "MAPLE_GATEWAY_OUTER_PROT in the environment means nothing here; is MAPLE_GATEWAY_OUTER_PORT meant?",
      "MAPLE_GATWAY_LINGER in the environment means nothing here; is MAPLE_GATEWAY_LINGER meant?",
      "MAPLE_GATEWAY_HELP in the environment means nothing here",
      "MAPLE_COLOUR in the environment means nothing here",
    ],
  );
});

Deno.test("readEnvironment() leaves alone what Kubernetes tells of services", () => {
  const service = (name: string, port: number) => ({
    [`${name}_SERVICE_HOST`]: "10.0.0.1",
    [`${name}_SERVICE_PORT`]: `${port}`,
    [`${name}_SERVICE_PORT_TCP`]: `${port}`,
    [`${name}_PORT`]: `tcp://10.0.0.1:${port}`,
    [`${name}_PORT_${port}_TCP`]: `tcp://10.0.0.1:${port}`,
    [`${name}_PORT_${port}_TCP_PROTO`]: "tcp",
  });
  assertEquals(
    read({
      ...service("MAPLE_GATEWAY", 29000),
      ...service("MAPLE_GATEWAY_OUTER", 29000),
    }),
    { flags: {}, remarks: [] },
  );
  // Who sets it in the pod means it.
  assertEquals(
    read({
      ...service("MAPLE_GATEWAY_OUTER", 29000),
      MAPLE_GATEWAY_OUTER_PORT: "5",
    }).flags,
    { "outer-port": 5 },
  );
});

Deno.test("withEnvironment() lets the command line beat the environment, also a value that does not fit", () => {
  const commandLine = withEnvironment(
    parseCommandLine(["--outer-port", "7"], TABLE),
    TABLE,
    {
      command: "gateway",
      env: { MAPLE_GATEWAY_OUTER_PORT: "x", MAPLE_GATEWAY_LINGER: "3" },
    },
  );
  assertEquals(Object.fromEntries(commandLine.flags), {
    "outer-port": 7,
    "linger": 3,
  });
  assertEquals(Object.fromEntries(commandLine.variables!), {
    "linger": "MAPLE_GATEWAY_LINGER",
  });
  assertEquals(commandLine.remarks, []);
});

Deno.test({
  name: "readEnvironment() asks for nothing that it may not see",
  permissions: { env: ["MAPLE_GATEWAY_LINGER"] },
  fn: () => {
    Deno.env.set("MAPLE_GATEWAY_LINGER", "4");
    try {
      const { flags } = readEnvironment(TABLE, { command: "gateway" });
      assertEquals(Object.fromEntries(flags), { linger: 4 });
    } finally {
      Deno.env.delete("MAPLE_GATEWAY_LINGER");
    }
  },
});
