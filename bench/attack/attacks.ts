// Attacks: what somebody who means ill, or a broken client, can do to a gateway.

import { Box, Task, TaskCmd } from "@maple/box";
import { writeToUsersTask } from "@maple/box/internal";
import type { Attack } from "./attack.ts";
import { AttackCmd } from "./commands.ts";
import { FLOODS } from "./floods.ts";
import {
  close,
  connect,
  CROWD,
  crowd,
  flood,
  never,
  packed,
  pause,
  repeated,
  swallow,
  write,
} from "./means.ts";

const BIG = new Uint8Array(1_000_000);

/** The attacks, in the order of the table. */
export const ATTACKS: readonly Attack[] = [
  {
    name: "silent",
    what: `${CROWD} connections that say nothing, where ${CROWD / 2} may be`,
    flags: ["--conns-max", `${CROWD / 2}`],
    run: async ({ outer }) => {
      await crowd(CROWD, async () => {
        const conn = await connect(outer);
        await swallow(conn);
        close(conn);
      });
    },
  },
  {
    name: "connects",
    what: "500 that connect and leave, again and again",
    run: ({ outer }) => crowd(500, async () => close(await connect(outer))),
  },
  {
    name: "garbage",
    what: "500 that send what is no frame",
    run: flood(
      500,
      new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n".repeat(9)),
    ),
  },
  {
    name: "lengths",
    what: "500 that announce frames of 2 GB",
    run: ({ outer }) => {
      const frame = packed(AttackCmd.ECHO);
      new DataView(frame.buffer).setInt32(8, 2 ** 31 - 1);
      return crowd(500, async () => {
        const conn = await connect(outer);
        await write(conn, frame);
        await swallow(conn);
        close(conn);
      });
    },
  },
  {
    name: "halves",
    what: `${CROWD} that send all but the last byte of 100 KB`,
    run: ({ outer }) =>
      crowd(CROWD, async () => {
        const conn = await connect(outer);
        const frame = packed(AttackCmd.ECHO, BIG.subarray(0, 100_000));
        await write(conn, frame.subarray(0, -1));
        await swallow(conn);
        close(conn);
      }),
  },
  {
    name: "flood",
    what: "200 that send requests as fast as they may, and read the answers",
    run: flood(200, repeated(packed(AttackCmd.ECHO, "x".repeat(40)), 100), {
      reads: true,
    }),
  },
  {
    name: "slow-cmd",
    what: "1,000 that flood a command of 100 ms",
    run: flood(1000, repeated(packed(AttackCmd.SLOW), 20), { reads: true }),
  },
  {
    name: "bytes",
    what: "3 that flood requests of 1 MB",
    run: flood(3, packed(AttackCmd.SLOW, BIG), { reads: true }),
  },
  {
    name: "deaf",
    what: "60 that ask for answers of 1 MB and do not read them",
    run: flood(60, packed(AttackCmd.BIG), { everyMs: 20 }),
  },
  {
    name: "poison",
    what: "one whose requests end the worker's process",
    run: flood(1, packed(AttackCmd.POISON), { reads: true, everyMs: 500 }),
  },
  {
    name: "endless",
    what: "one whose request never ends (workTimeout 2 s)",
    run: flood(1, packed(AttackCmd.ENDLESS), { reads: true, everyMs: 3000 }),
  },
  {
    name: "inner-crowd",
    what: "1,500 connections at the workers' port that say nothing",
    run: ({ inner }) =>
      crowd(1500, async () => {
        const conn = await connect(inner);
        await swallow(conn);
        close(conn);
      }),
  },
  {
    name: "inner-garbage",
    what: "100 that send what is no frame to the workers' port",
    run: ({ inner }) =>
      crowd(100, async () => {
        const conn = await connect(inner);
        await write(conn, new Uint8Array(200).fill(7));
        await swallow(conn);
        close(conn);
      }),
  },
  {
    name: "trigger-uids",
    what: "a trigger that names everybody 100,000 times in each message",
    run: async ({ inner }) => {
      const conn = await connect(inner);
      void swallow(conn);
      const message = writeToUsersTask(Box, [[
        new Array<number>(100_000).fill(-2),
        { cmd: AttackCmd.MESSAGE },
      ]]).pack();
      while (await write(conn, message)) await pause(100);
    },
  },
  {
    name: "trigger-tasks",
    what: "a trigger that floods tasks of 100 ms for workers",
    run: async ({ inner }) => {
      const conn = await connect(inner);
      void swallow(conn);
      const task = new Task({
        cmd: TaskCmd.WRITE_TO_WORKER,
        body: packed(AttackCmd.SLOW),
      }).pack();
      while (await write(conn, repeated(task, 100)));
      await never();
    },
  },
  {
    name: "status",
    what: "500 at the status port that send a head byte by byte",
    run: ({ metrics }) =>
      crowd(500, async () => {
        const conn = await connect(metrics);
        while (await write(conn, new TextEncoder().encode("G"))) {
          await pause(200);
        }
        close(conn);
      }),
  },
  ...FLOODS,
];
