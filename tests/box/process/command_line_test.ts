import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  describeFlags,
  type Flag,
  flagValue,
  parseCommandLine,
  runCommand,
  UsageError,
} from "@maple/box/internal";
import { capturingStderr } from "../../helpers/stderr.ts";

const TABLE: readonly Flag[] = [
  { name: "help", type: "boolean", help: "prints this" },
  { name: "debug", type: "boolean", help: "logs more" },
  { name: "port", type: "integer", help: "port (29000)", min: 0, max: 65535 },
  { name: "ret", type: "integer", help: "return code" },
  { name: "timeout", type: "number", help: "seconds", min: 0 },
  { name: "uids", type: "string", help: "uids", value: "1,2" },
  { name: "body", type: "string", help: "body", value: "TEXT" },
  {
    name: "order",
    type: "string",
    help: "order",
    choices: ["client", "none"],
  },
];

function parse(...args: string[]) {
  const { flags, words } = parseCommandLine(args, TABLE);
  return { flags: Object.fromEntries(flags), words: [...words] };
}

function assertUsage(args: string[], message: string): void {
  const error = assertThrows(() => parse(...args), UsageError, message);
  assertEquals(error.name, "UsageError");
}

Deno.test("parseCommandLine() gives the flags that are there, and the words", () => {
  assertEquals(parse(), { flags: {}, words: [] });
  assertEquals(
    parse("first", "--port", "80", "--body=a=b", "--debug", "last"),
    { flags: { port: 80, body: "a=b", debug: true }, words: ["first", "last"] },
  );
  assertEquals(parse("007"), { flags: {}, words: ["007"] });
});

Deno.test("parseCommandLine() takes values that begin with a dash", () => {
  assertEquals(parse("--uids", "-1").flags, { uids: "-1" });
  assertEquals(parse("--uids", "-1,2", "--ret", "-10000").flags, {
    uids: "-1,2",
    ret: -10000,
  });
  assertEquals(parse("--uids=-1").flags, { uids: "-1" });
  assertEquals(parse("--body", "--not-a-flag").flags, { body: "--not-a-flag" });
  assertEquals(parse("--body", "-").flags, { body: "-" });
});

Deno.test("parseCommandLine() takes values that are spelled like a flag's name", () => {
  assertEquals(parse("--body", "port").flags, { body: "port" });
  assertEquals(parse("--body", "help", "--debug").flags, {
    body: "help",
    debug: true,
  });
  assertEquals(parse("--body=--debug").flags, { body: "--debug" });
});

Deno.test("parseCommandLine() keeps text as it is", () => {
  assertEquals(parse("--body", "", "--uids=").flags, { body: "", uids: "" });
  assertEquals(parse("--body", "007").flags, { body: "007" });
  assertEquals(parse("--body", "a\nb=c d").flags, { body: "a\nb=c d" });
  assertEquals(parse("--body=--x=\ny").flags, { body: "--x=\ny" });
});

Deno.test("parseCommandLine() takes the last of a flag that is given twice", () => {
  assertEquals(parse("--port", "1", "--port", "2").flags, { port: 2 });
});

Deno.test("parseCommandLine() takes everything after -- as words", () => {
  assertEquals(parse("--debug", "--", "--port", "--unknown", "-1"), {
    flags: { debug: true },
    words: ["--port", "--unknown", "-1"],
  });
});

Deno.test("parseCommandLine() refuses flags that it does not know", () => {
  assertUsage(["--prot", "1"], "Unknown flag --prot; is --port meant? ");
  assertUsage(
    ["--prot=1"],
    "Unknown flag --prot; is --port meant? Else see --help",
  );
  assertUsage(["-x"], "Unknown flag -x; see --help");
  assertUsage(["--no-debug"], "Unknown flag --no-debug");
  assertUsage(["--toString"], "Unknown flag --toString");
});

Deno.test("parseCommandLine() refuses a flag without its value", () => {
  assertUsage(["--port"], "Flag --port needs a value: port (29000)");
  assertUsage(["--port", "--debug"], "Flag --port needs a value");
  assertUsage(["--body", "--port", "1"], "Flag --body needs a value");
  assertUsage(["--body", "--port=1"], "Flag --body needs a value");
});

Deno.test("parseCommandLine() refuses numbers that do not fit", () => {
  for (const value of ["65536", "-1", "80.5", "http", "", " ", "NaN", "1e99"]) {
    assertUsage(
      [`--port=${value}`],
      `--port takes a whole number from 0 to 65535, got "${value}"`,
    );
  }
  assertUsage(["--ret", "1.5"], '--ret takes a whole number, got "1.5"');
  assertUsage(["--ret", "9007199254740993"], "--ret takes a whole number");
  assertUsage(
    ["--timeout", "-1"],
    '--timeout takes a number of 0 or more, got "-1"',
  );
  assertUsage(["--timeout", "Infinity"], "--timeout takes a number");
  assertEquals(
    parse("--port", "0", "--timeout", "0.5", "--ret", "-7").flags,
    { port: 0, timeout: 0.5, ret: -7 },
  );
  assertEquals(parse("--port", "65535").flags, { port: 65535 });
});

Deno.test("parseCommandLine() refuses a string that is no choice", () => {
  assertUsage(["--order", "fifo"], '--order takes client or none, got "fifo"');
  assertEquals(parse("--order", "none").flags, { order: "none" });
});

Deno.test("parseCommandLine() reads booleans", () => {
  assertEquals(parse("--debug", "word"), {
    flags: { debug: true },
    words: ["word"],
  });
  assertEquals(parse("--debug=true").flags, { debug: true });
  assertEquals(parse("--debug=false").flags, { debug: false });
  assertUsage(["--debug=maybe"], '--debug takes true or false, got "maybe"');
  assertUsage(["--debug="], "--debug takes true or false");
});

Deno.test("flagValue() reads the values of a file too", () => {
  const [, debug, port] = TABLE;
  assertEquals(flagValue(debug!, "debug", "false"), false);
  assertEquals(flagValue(port!, "outer.port", "29000"), 29000);
  assertThrows(
    () => flagValue(port!, "outer.port in gateway.ini", "many"),
    UsageError,
    'outer.port in gateway.ini takes a whole number from 0 to 65535, got "many"',
  );
});

Deno.test("describeFlags() lines the flags up", () => {
  assertEquals(
    describeFlags(TABLE.slice(0, 6)),
    [
      "  --help       prints this",
      "  --debug      logs more",
      "  --port N     port (29000)",
      "  --ret N      return code",
      "  --timeout N  seconds",
      "  --uids 1,2   uids",
    ].join("\n"),
  );
});

/** The exit code of a command, and what it prints as an error. */
async function run(body: () => Promise<number>) {
  let code: number | undefined;
  const text = await capturingStderr(async () => {
    code = await runCommand("maple-gateway", body);
  });
  return { code, printed: text.split("\n").slice(0, -1) };
}

Deno.test("runCommand() gives the code of the command", async () => {
  for (const code of [0, 3]) {
    assertEquals(await run(() => Promise.resolve(code)), { code, printed: [] });
  }
});

Deno.test("runCommand() gives 2 for bad use, 1 for a failure, in one line", async () => {
  assertEquals(
    await run(() => Promise.reject(new UsageError("Unknown flag -x"))),
    { code: 2, printed: ["maple-gateway: Unknown flag -x"] },
  );
  assertEquals(
    await run(() => {
      throw new Error("Cannot listen\n  at 127.0.0.1:1");
    }),
    { code: 1, printed: ["maple-gateway: Cannot listen at 127.0.0.1:1"] },
  );
  assertEquals(await run(() => Promise.reject("text")), {
    code: 1,
    printed: ["maple-gateway: text"],
  });
  // What a file holds is quoted: it must neither steer the terminal nor fill it.
  assertEquals(
    await run(() => {
      throw new UsageError("got \x1b[2J\r\u202e\u2028 there");
    }),
    { code: 2, printed: ["maple-gateway: got ?[2J??? there"] },
  );
  const { printed: [long] } = await run(() => {
    throw new UsageError(`got "${"x".repeat(100_000)}", take another`);
  });
  assertMatch(
    long!,
    /^maple-gateway: got "x+ \.\.\. x+", take another$/,
  );
  assert(long!.length < 2100);
});

const SHORT: readonly Flag[] = [
  { name: "connections", short: "c", type: "integer", help: "connections" },
  { name: "body", short: "b", type: "string", help: "body", value: "TEXT" },
  { name: "json", type: "boolean", help: "JSON" },
];

Deno.test("parseCommandLine() takes short names", () => {
  const parse = (...args: string[]) => {
    const { flags, words } = parseCommandLine(args, SHORT);
    return { flags: Object.fromEntries(flags), words: [...words] };
  };
  assertEquals(parse("-c", "50", "-b", "-1", "word"), {
    flags: { connections: 50, body: "-1" },
    words: ["word"],
  });
  assertEquals(parse("--", "-c", "50"), {
    flags: {},
    words: ["-c", "50"],
  });
  assertThrows(
    () => parse("-b", "-c", "1"),
    UsageError,
    "--body needs a value",
  );
  assertThrows(() => parse("-d", "1"), UsageError, "Unknown flag -d");
});

Deno.test("describeFlags() puts short names first", () => {
  assertEquals(
    describeFlags(SHORT),
    [
      "  -c, --connections N  connections",
      "  -b, --body TEXT      body",
      "      --json           JSON",
    ].join("\n"),
  );
});
