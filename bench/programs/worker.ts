// The worker of the benchmarks: one process without a master.
//
//   deno run -A bench/programs/worker.ts INNER_PORT CONCURRENCY [SAMPLE_SECONDS]

import { Box } from "@maple/box";
import { SILENT } from "@maple/box/internal";
import { Worker } from "@maple/worker";
import { startSampling } from "./sampler.ts";
import {
  BURN_US,
  Cmd,
  GROUP_SIZE,
  GROUPS_FEW,
  GROUPS_MANY,
  USERS_SOME,
} from "../run/commands.ts";

const [port, concurrency, sampleSeconds] = Deno.args.map(Number);
const app = new Worker(Box, { logger: SILENT });
const MESSAGE = new Box({ cmd: Cmd.MESSAGE, body: new Uint8Array(40) }).pack();
const SOME = Array.from({ length: USERS_SOME }, (_, i) => i + 1);

app.route(
  Cmd.ECHO,
  (request) => request.writeToClient({ ret: 0, body: request.box.body }),
);

app.route(Cmd.LOGIN, (request) => {
  const { uid } = request.box.json<{ uid: number }>();
  request.loginClient(uid);
  return request.writeToClient({ ret: 0 });
});

app.route(Cmd.BURN, (request) => {
  const end = performance.now() + BURN_US / 1000;
  while (performance.now() < end);
  return request.writeToClient({ ret: 0 });
});

for (
  const [cmd, uids] of [
    [Cmd.TO_ONE, [1]],
    [Cmd.TO_SOME, SOME],
    [Cmd.TO_ALL, [-1]],
  ] as const
) {
  app.route(cmd, (request) => {
    request.writeToUsers([[uids, MESSAGE]]);
    return request.writeToClient({ ret: 0 });
  });
}

// Each joins two groups, so that there are three members of each when the last has joined.
const groupOf = (kind: number, uid: number) => `${kind}:${2 * uid % kind}`;
for (
  const [join, write, groups] of [
    [Cmd.JOIN_MANY, Cmd.TO_GROUP_MANY, GROUPS_MANY],
    [Cmd.JOIN_FEW, Cmd.TO_GROUP_FEW, GROUPS_FEW],
  ] as const
) {
  app.route(join, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    request.loginClient(uid);
    if (uid <= groups * GROUP_SIZE / 2) {
      request.joinGroup(
        groupOf(groups, uid),
        `${groups}:${(2 * uid + 1) % groups}`,
      );
    }
    return request.writeToClient({ ret: 0 });
  });
  app.route(write, (request) => {
    const answer = request.box.map({ ret: 0, body: request.box.body });
    request.writeToGroups([[[groupOf(groups, request.uid)], answer]]);
  }, { answers: false });
}

await app.attach({
  host: "127.0.0.1",
  port: port!,
  concurrency: concurrency!,
});
console.log("ready");
if (sampleSeconds !== undefined) startSampling(sampleSeconds);
