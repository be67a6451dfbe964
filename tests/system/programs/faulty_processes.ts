// The gateway as the program that users run, of which one of several processes dies in the middle
// of a handover.
//
//   deno run -A faulty_processes.ts INDEX FAULT-AS-JSON FLAGS...

import { main } from "@maple/gateway/main";
import { failAt } from "./handover_fault.ts";

const [index, fault, ...flags] = Deno.args;
// What the parent tells the process that it is.
if (Deno.env.get("MAPLE_WORKER") === index) failAt(JSON.parse(fault!));
Deno.exit(await main(flags, { isProgram: true }));
