// pinus: a connector and an area behind it, each a process, and the master that tells them of each
// other.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import { ifInstalled, nodeWith, Peer, type PeerKind } from "./peer.ts";
import { Program } from "./program.ts";

const FOLDER = fileURLToPath(
  new URL("../programs/peers/pinus", import.meta.url),
);
// What main.cjs loads.
const PACKAGES = ["pinus", "reflect-metadata"];
const LOG = {
  appenders: { stderr: { type: "stderr" } },
  // It tells as errors that clients have left.
  categories: { default: { appenders: ["stderr"], level: "fatal" } },
};

/** A pinus with a connector and an area. */
export const PINUS: PeerKind = {
  name: "pinus, 1 area",
  flags: { pinus: "area.echo.echo" },
  needs: (peers) => `${peers}/pinus with node and pinus of npm`,
  start: (peers, state) =>
    ifInstalled(async () => {
      const folder = join(peers, "pinus");
      const node = await nodeWith(folder, PACKAGES);
      const base = await writeBase(state);
      const env = { NODE_ENV: "production", PINUS: folder, BASE: base };
      await using starting = new AsyncDisposableStack();
      const server = async (args: readonly string[]) => {
        const command = [node, join(FOLDER, "main.cjs"), ...args];
        return starting.use(
          await Program.start(command, { ready: /^ready/, env }),
        );
      };
      const backend = (type: string) => [
        ...[`id=${type}-1`, `serverType=${type}`],
        ...["host=127.0.0.1", `port=${freePort()}`],
      ];
      await server(["startId=master"]);
      await server(backend("area"));
      // It knows the area when it is ready.
      const connector = await server([
        ...[...backend("connector"), "frontend=true"],
        ...["clientHost=127.0.0.1", `clientPort=${freePort()}`],
      ]);
      return new Peer(connector.port(), starting.move());
    }),
};

/** A folder as pinus wants it, with a port for its master. */
async function writeBase(state: string): Promise<string> {
  const base = await Deno.makeTempDir({ dir: state, prefix: "pinus" });
  const files = {
    master: { id: "master", host: "127.0.0.1", port: freePort() },
    servers: {},
    log4js: LOG,
  };
  await Deno.mkdir(join(base, "config"));
  for (const [name, content] of Object.entries(files)) {
    const path = join(base, "config", `${name}.json`);
    await Deno.writeTextFile(path, JSON.stringify(content));
  }
  await Deno.symlink(join(FOLDER, "app"), join(base, "app"));
  return base;
}
