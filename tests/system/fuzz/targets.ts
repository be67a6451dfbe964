// The targets of the fuzz: what is spoiled, and where it is sent. A new one is a line here and a
// generator of valid frames.

import { Random } from "../../helpers/random.ts";
import { boxes, lines, manyBoxes } from "./generate/boxes.ts";
import { clientHellos } from "./generate/client_hellos.ts";
import { configFile } from "./generate/config_files.ts";
import { proxied, PROXY_LENGTH_AT } from "./generate/proxy_headers.ts";
import { proofs } from "./generate/proofs.ts";
import { requests } from "./generate/requests.ts";
import { statFile } from "./generate/stat_files.ts";
import { namesEverybody, tasks } from "./generate/tasks.ts";
import { webSocket } from "./generate/web_sockets.ts";
import { contentOf, type FuzzInput, inputOf } from "./input.ts";
import { spoil } from "./spoil.ts";
import type { FuzzTarget } from "./target.ts";

const BOX_LENGTH_AT = 8;

/** All of them. */
export const TARGETS: readonly FuzzTarget[] = [
  {
    name: "box",
    what: "boxes at a gateway's port for clients",
    stage: "gateway",
    port: "outer",
    frames: boxes,
    lengthAt: BOX_LENGTH_AT,
  },
  {
    name: "websocket",
    what: "WebSockets with boxes in them at a gateway",
    stage: "gateway",
    port: "ws",
    frames: webSocket,
  },
  {
    name: "churn",
    what: "very many boxes on connections that break off at any time",
    stage: "gateway",
    port: "outer",
    frames: manyBoxes,
    unspoiled: true,
  },
  {
    name: "trigger",
    what: "a trigger's frames that are to harm no honest client",
    stage: "gateway",
    port: "inner",
    frames: (random) => tasks(random, { harms: false }),
    lengthAt: BOX_LENGTH_AT,
    allows: (bytes) => !namesEverybody(bytes),
  },
  {
    name: "status",
    what: "HTTP at a gateway's status port",
    stage: "gateway",
    port: "metrics",
    frames: requests,
  },
  {
    name: "tls",
    what: "what is no TLS at a gateway's port for TLS",
    stage: "gateway",
    port: "tls",
    frames: clientHellos,
  },
  {
    name: "task",
    what: "a worker's frames, with every command about real clients",
    stage: "harmed",
    port: "inner",
    frames: (random) => tasks(random, { harms: true }),
    lengthAt: BOX_LENGTH_AT,
  },
  {
    name: "proof",
    what: "proofs, and what a trigger's or monitor's secret does not allow",
    stage: "proven",
    port: "inner",
    frames: proofs,
    lengthAt: BOX_LENGTH_AT,
    allows: (bytes) => !namesEverybody(bytes),
  },
  {
    name: "proxy",
    what: "headers of the PROXY protocol at a gateway",
    stage: "proxied",
    port: "outer",
    frames: proxied,
    lengthAt: PROXY_LENGTH_AT,
  },
  {
    name: "line",
    what: "lines at a gateway's port for clients",
    stage: "lines",
    port: "outer",
    frames: lines,
  },
  {
    name: "haven",
    what: "boxes at a haven server",
    stage: "haven",
    port: "outer",
    frames: boxes,
    lengthAt: BOX_LENGTH_AT,
  },
  {
    name: "haven-websocket",
    what: "WebSockets with boxes in them at a haven server",
    stage: "haven",
    port: "ws",
    frames: webSocket,
  },
  {
    name: "haven-churn",
    what: "the same as churn at a haven server",
    stage: "haven",
    port: "outer",
    frames: manyBoxes,
    unspoiled: true,
  },
  {
    name: "config",
    what: "a gateway's config file, JSON and ini",
    stage: "files",
    frames: configFile,
  },
  {
    name: "stat",
    what: "a gateway's stat file, for the viewer",
    stage: "files",
    frames: statFile,
  },
];

/** The input with that number; the seed, the target and the number determine it. */
export function makeInput(
  { name, frames, lengthAt, unspoiled, allows }: FuzzTarget,
  seed: number,
  index: number,
): FuzzInput {
  const random = new Random(hash(`${seed} ${name} ${index}`));
  for (;;) {
    const valid = frames(random);
    const input = inputOf(
      random,
      unspoiled ? valid : spoil(random, valid, { lengthAt }),
    );
    if (!allows || allows(contentOf(input))) return input;
  }
}

// FNV-1a.
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
