// Attacks until it is ended.
//
//   deno run -A bench/programs/attacker.ts NAME OUTER_PORT INNER_PORT METRICS_PORT

import { ATTACKS } from "../attack/attacks.ts";

const [name, ...ports] = Deno.args;
const [outer, inner, metrics] = ports.map(Number);
const attack = ATTACKS.find((attack) => attack.name === name)!;
console.log("ready");
await attack.run({ outer: outer!, inner: inner!, metrics: metrics! });
