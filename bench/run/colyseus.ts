// Colyseus: a room in the process that holds the clients, over its WebSockets.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import { ifInstalled, nodeWith, Peer, type PeerKind } from "./peer.ts";
import { Program } from "./program.ts";

const PROGRAM = fileURLToPath(
  new URL("../programs/peers/colyseus.cjs", import.meta.url),
);

// What the program loads.
const PACKAGES = ["@colyseus/core", "@colyseus/ws-transport"];

/** A Colyseus with one room. */
export const COLYSEUS: PeerKind = {
  name: "Colyseus, 1 process",
  flags: { colyseus: "echo" },
  needs: (peers) =>
    `${peers}/colyseus with node, ${PACKAGES.join(" and ")} of npm`,
  start: (peers) =>
    ifInstalled(async () => {
      const folder = join(peers, "colyseus");
      const node = await nodeWith(folder, PACKAGES);
      const program = await Program.start(
        [node, PROGRAM, folder, String(freePort())],
        { ready: /^ready/, env: { NODE_ENV: "production" } },
      );
      return new Peer(program.port(), program);
    }),
};
