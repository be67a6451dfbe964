// The programs of the command line: what each sends and the flags it takes.

import { concat } from "@std/bytes/concat";
import {
  type BanOptions,
  Box,
  DEFAULT_MAX_FRAME_BYTES,
  type DrainOptions,
  type Int64,
  type Task,
  toInt64,
} from "@maple/box";
import {
  checkGroupNames,
  closeGroupTask,
  closeUsersTask,
  type Flag,
  type FlagValue,
  IpRange,
  isInt64,
  joinGroupTask,
  leaveGroupTask,
  MAX_TIMER_SECONDS,
  UsageError,
  writeToGroupsTask,
  writeToUsersTask,
  writeToWorkerTask,
} from "@maple/box/internal";

import type { Trigger } from "./trigger.ts";

/** The flags that were given, by name. */
export type Flags = ReadonlyMap<string, FlagValue>;

/** What all programs are. */
interface AnyProgram {
  /** What it does, in one line. */
  readonly help: string;
  /** Its flags, beside those that all have. */
  readonly flags: readonly Flag[];
}

/** A program that sends something. */
export interface Sender extends AnyProgram {
  /** Makes what it sends; throws a UsageError when a flag does not fit. */
  readonly task: (flags: Flags) => Promise<Task> | Task;
}

/** A program that asks something. */
export interface Question extends AnyProgram {
  /** What the answer is; throws a UsageError when a flag does not fit. */
  readonly ask: (trigger: Trigger, flags: Flags) => Promise<unknown>;
}

/** One program of the command line. */
export type Program = Sender | Question;

function int32(name: string, help: string): Flag {
  const range = { min: -(2 ** 31), max: 2 ** 31 - 1 };
  return { name, type: "integer", help: `${help} (0)`, ...range };
}

function text(name: string, help: string, value = "N"): Flag {
  return { name, type: "string", help, value };
}

const BOX: readonly Flag[] = [
  int32("cmd", "the box's command number"),
  int32("ret", "its return code"),
  int32("sn", "its serial number"),
  text("body", "its body; - reads it from stdin (empty)", "TEXT"),
];

const UIDS: Flag = text(
  "uids",
  "-1 = all logged in, -2 = all, -3 = not logged in",
  "1,2,...",
);

const SOME_USERS: readonly Flag[] = [
  text("userdata", "only users whose userdata has these bits (0)"),
  text("exclude", "uids that are left out", "1,2,..."),
];

const USERS: readonly Flag[] = [UIDS, ...SOME_USERS];

const GROUP: Flag = text("group", "the group", "NAME");

const RECEIPT: Flag = {
  name: "receipt",
  type: "boolean",
  help: "print what became of it, as JSON; exit code 3: it reached nobody",
};

/** The programs by name. */
export const PROGRAMS: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["write-to-worker", {
    help: "Gives the workers a task.",
    flags: [
      ...BOX,
      text("uid", "the user that it is about (0)"),
      text("userdata", "the user's bit mask (0)"),
      text("custom", "any 64-bit number (0)"),
      RECEIPT,
    ],
    task: async (flags) =>
      writeToWorkerTask(Box, await readBox(flags), {
        uid: readInt64(flags, "uid"),
        userdata: readInt64(flags, "userdata"),
        custom: readInt64(flags, "custom"),
      }),
  }],
  ["write-to-users", {
    help: "Sends users a message.",
    flags: [...BOX, ...USERS, RECEIPT],
    task: async (flags) => {
      const { uids, userdata, exclude } = readUsers(flags);
      return writeToUsersTask(Box, [
        [uids, await readBox(flags), userdata, exclude],
      ]);
    },
  }],
  ["close-users", {
    help: "Closes users' connections.",
    flags: [...USERS, RECEIPT],
    task: (flags) => {
      const { uids, userdata, exclude } = readUsers(flags);
      return closeUsersTask(uids, userdata, exclude);
    },
  }],
  ["write-to-groups", {
    help: "Sends the members of groups a message.",
    flags: [
      ...BOX,
      text("groups", "names of groups, with commas between", "NAME,NAME"),
      ...SOME_USERS,
      RECEIPT,
    ],
    task: async (flags) => {
      const names = readGroups(flags);
      const userdata = readInt64(flags, "userdata");
      const exclude = readList(flags, "exclude");
      return writeToGroupsTask(Box, [
        [names, await readBox(flags), { userdata, exclude }],
      ]);
    },
  }],
  ["join-group", {
    help: "Makes users' connections join a group.",
    flags: [GROUP, UIDS, RECEIPT],
    task: (flags) => joinGroupTask(readGroup(flags), readUids(flags))!,
  }],
  ["leave-group", {
    help: "Makes users' connections leave a group.",
    flags: [GROUP, UIDS, RECEIPT],
    task: (flags) => leaveGroupTask(readGroup(flags), readUids(flags))!,
  }],
  ["close-group", {
    help: "Closes the connections of a group's members.",
    flags: [GROUP, RECEIPT],
    task: (flags) => closeGroupTask(readGroup(flags)),
  }],
  ["ban", {
    help: "Closes clients of an address, and lets none in for a while.",
    flags: [
      text("address", "whom: an address or a range", "CIDR"),
      {
        ...{ name: "seconds", type: "number", value: "S", min: 0 },
        ...{ max: MAX_TIMER_SECONDS, help: "how long; 0 ends a ban" },
      },
    ],
    ask: (trigger, flags) => trigger.ban(readBan(flags)),
  }],
  ["drain", {
    help: "Has a gateway leave: its clients move, then it ends.",
    flags: [
      {
        ...{ name: "node", type: "integer", value: "N", help: "which one" },
        ...{ min: -(2 ** 31), max: 2 ** 31 - 1 },
      },
      {
        ...{ name: "seconds", type: "number", value: "S", min: 0 },
        ...{ max: MAX_TIMER_SECONDS, help: "over how long its clients move" },
      },
    ],
    ask: async (trigger, flags) => {
      const drain = readDrain(flags);
      await trigger.drain(drain);
      return drain;
    },
  }],
  ["online", {
    help: "Prints which of the users are logged in, as JSON.",
    flags: [text("uids", "whom it is about", "1,2,...")],
    ask: (trigger, flags) => trigger.online(readUids(flags)),
  }],
  ["group-size", {
    help: "Prints how many connections are in a group.",
    flags: [text("group", "its name", "NAME")],
    ask: (trigger, flags) => trigger.groupSize(readGroup(flags)),
  }],
  ["group-members", {
    help: "Prints the users who are in a group, as JSON.",
    flags: [text("group", "its name", "NAME")],
    ask: (trigger, flags) => trigger.groupMembers(readGroup(flags)),
  }],
  ["users", {
    help: "Prints the users that are logged in, as JSON.",
    flags: [
      text("after", "only those with a greater uid (0)"),
      {
        ...{ name: "limit", type: "integer", value: "N", min: 1, max: 10_000 },
        help: "so many at most (1000)",
      },
    ],
    ask: (trigger, flags) =>
      trigger.users({
        after: readInt64(flags, "after"),
        ...(flags.has("limit") && { limit: Number(flags.get("limit")) }),
      }),
  }],
]);

/** What a program prints: JSON, in which uids beyond 2^53 are text, so that they stay exact. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, one) => typeof one === "bigint" ? String(one) : one,
  );
}

async function readBox(flags: Flags): Promise<Box> {
  const body = flags.get("body") ?? "";
  return new Box({
    cmd: Number(flags.get("cmd") ?? 0),
    ret: Number(flags.get("ret") ?? 0),
    sn: Number(flags.get("sn") ?? 0),
    body: body === "-" ? await readStdin() : body,
  });
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of Deno.stdin.readable) {
    bytes += chunk.length;
    if (bytes > DEFAULT_MAX_FRAME_BYTES) {
      throw new UsageError(
        `--body - takes up to ${DEFAULT_MAX_FRAME_BYTES} bytes; there is more on stdin`,
      );
    }
    chunks.push(chunk);
  }
  return concat(chunks);
}

function readUsers(
  flags: Flags,
): { uids: Int64[]; userdata: Int64; exclude: Int64[] } {
  const uids = readUids(flags);
  const userdata = readInt64(flags, "userdata");
  return { uids, userdata, exclude: readList(flags, "exclude") };
}

function readBan(flags: Flags): BanOptions {
  const address = String(flags.get("address") ?? "");
  if (!IpRange.parse(address)) {
    throw new UsageError(
      `--address takes an address or a range such as 192.0.2.7 or 10.0.0.0/8, got ${
        address === "" ? "nothing" : `"${address}"`
      }`,
    );
  }
  const seconds = flags.get("seconds");
  if (seconds !== undefined) return { address, seconds: Number(seconds) };
  throw new UsageError("--seconds is missing: how long the ban lasts");
}

function readDrain(flags: Flags): DrainOptions {
  const [node, seconds] = [flags.get("node"), flags.get("seconds")];
  if (node === undefined) {
    throw new UsageError("--node is missing: which gateway is to leave");
  }
  if (seconds === undefined) {
    throw new UsageError(
      "--seconds is missing: over how long its clients move",
    );
  }
  return { node: Number(node), seconds: Number(seconds) };
}

// Checked here, so that it is told as a mistake in the command line.
function readGroup(flags: Flags): string {
  return checked([String(flags.get("group") ?? "")], "group")[0]!;
}

function readGroups(flags: Flags): string[] {
  return checked(String(flags.get("groups") ?? "").split(","), "groups");
}

function checked(names: string[], flag: string): string[] {
  try {
    checkGroupNames(names);
  } catch (error) {
    throw new UsageError(`--${flag}: ${(error as Error).message}`);
  }
  return names;
}

function readUids(flags: Flags): Int64[] {
  const uids = readList(flags, "uids");
  if (uids.length > 0) return uids;
  throw new UsageError("--uids is missing: whom it is for, such as 1,2 or -1");
}

function readList(flags: Flags, name: string): Int64[] {
  const given = flags.get(name);
  if (given === undefined) return [];
  return String(given).split(",").map((part) => parseInt64(part, name));
}

function readInt64(flags: Flags, name: string): Int64 {
  const given = flags.get(name);
  return given === undefined ? 0 : parseInt64(String(given), name);
}

// Exact beyond 2^53 as well.
function parseInt64(written: string, name: string): Int64 {
  if (/^[+-]?\d{1,19}$/.test(written.trim())) {
    const value = toInt64(BigInt(written.trim().replace(/^\+/, "")));
    if (isInt64(value)) return value;
  }
  throw new UsageError(`--${name} takes 64-bit integers, got "${written}"`);
}
