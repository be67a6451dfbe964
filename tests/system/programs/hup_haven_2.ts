// Version 2 of the haven server whose executable is replaced.

import { runHupHaven } from "./hup_haven.ts";

await runHupHaven({ version: "2" });
