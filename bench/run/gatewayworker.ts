// GatewayWorker: a gateway and workers in PHP, started as its makers recommend.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import { Peer, type PeerKind } from "./peer.ts";
import { Program } from "./program.ts";

const FOLDER = "gatewayworker";
const PROGRAM = fileURLToPath(
  new URL("../programs/peers/gatewayworker.php", import.meta.url),
);
// Without it Workerman looks at its sockets by select(), which knows no more than 1,024 of them.
const EVENT = "event";
const SETTINGS = [
  ...["-d", "opcache.enable_cli=1"],
  ...["-d", "opcache.jit=tracing", "-d", "opcache.jit_buffer_size=64M"],
];

/** A GatewayWorker with one gateway and one business worker. */
export const GATEWAY_WORKER: PeerKind = {
  name: "GatewayWorker, 1 worker",
  flags: {},
  needs: (peers) =>
    `PHP with the extension event, and ${peers}/gatewayworker with vendor/autoload.php`,
  async start(peers, state) {
    const folder = join(peers, FOLDER);
    const event = await eventFlags(folder);
    if (!event || !await exists(join(folder, "vendor/autoload.php"))) {
      return undefined;
    }
    const [register, clients, inner] = [freePort(), freePort(), freePort()];
    // Says so when the worker is connected.
    const program = await Program.start(
      [
        ...["php", ...event, ...SETTINGS, PROGRAM, "start", folder],
        ...[register, clients, inner].map(String),
        state,
      ],
      // Its master ends its children where it is asked to.
      { ready: /^ready/, signal: "SIGINT" },
    );
    return new Peer(program.port(), program);
  },
};

/** What makes PHP load the extension: nothing, its name, or the file that lies in the folder. */
async function eventFlags(folder: string): Promise<string[] | undefined> {
  for (const name of [undefined, EVENT, join(folder, `${EVENT}.so`)]) {
    const flags = name === undefined ? [] : ["-d", `extension=${name}`];
    if (await hasEvent(flags)) return flags;
  }
  return undefined;
}

async function hasEvent(flags: readonly string[]): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("php", {
      args: [...flags, "-r", `echo phpversion("${EVENT}") ? "is there" : "";`],
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout).endsWith("is there");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
