// Skynet: its gate and one service behind it, in one process with threads.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import { ifInstalled, Peer, type PeerKind } from "./peer.ts";
import { Program } from "./program.ts";

const SERVICES = fileURLToPath(
  new URL("../programs/peers/skynet", import.meta.url),
);
// As in the examples that come with it.
const THREADS = 8;

/** A skynet with a gate and a service. */
export const SKYNET: PeerKind = {
  name: "skynet, 1 service",
  // The gate's messages have two bytes of length before them.
  flags: { prefix: 2 },
  needs: (peers) => `${peers}/skynet, built`,
  start: (peers, state) =>
    ifInstalled(async () => {
      const folder = join(peers, "skynet");
      const env = {
        SKYNET: folder,
        SERVICES,
        LOG: join(state, "skynet.log"),
        PORT: String(freePort()),
        THREADS: String(THREADS),
      };
      const command = [join(folder, "skynet"), join(SERVICES, "config.lua")];
      const program = await Program.start(command, { env, ready: /^ready/ });
      return new Peer(program.port(), program);
    }),
};
