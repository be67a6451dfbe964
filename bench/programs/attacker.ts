// Attacks until it is ended.
//
//   deno run -A bench/programs/attacker.ts NAME OUTER WS TLS INNER METRICS (ports)

import { ATTACKS } from "../attack/attacks.ts";

const [name, ...ports] = Deno.args;
const [outer, ws, tls, inner, metrics] = ports.map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const attack = ATTACKS.find((attack) => attack.name === name)!;
console.log("ready");
await attack.run({ outer, ws, tls, inner, metrics });
