// The stages of the fuzz by name.
//
// What is promised, and so looked at, beside every target: the processes live, log no error and
// keep to the limits of their logs, answer who comes new, and when the attackers are gone hold
// nothing of them. Beside clients, hostile or not, the promise to the honest is whole: each request
// is answered once, in order, in time, and all news comes. A trigger or worker is trusted: it may
// write to whoever it names, close him, or take a request and never answer it. So a hostile trigger
// beside honest clients names none of them, and hostile workers have a gateway without honest
// clients; there a request of a newcomer must be answered when they are gone, since what they held
// goes to others. Where proof is wanted, hostile peers know the secrets of a trigger and a monitor,
// and all that only a worker may do must come to nothing.

import { startFilesStage } from "./files_stage.ts";
import { startGatewayStage } from "./gateway_stage.ts";
import { startHavenStage } from "./haven_stage.ts";
import type { Stage, StageOptions } from "./stage.ts";
import type { StageName } from "./target.ts";

const STAGES: Readonly<
  Record<StageName, (options: StageOptions) => Promise<Stage>>
> = {
  gateway: (options: StageOptions) => startGatewayStage({}, options),
  harmed: (options: StageOptions) =>
    startGatewayStage({ harmed: true }, options),
  proven: (options: StageOptions) =>
    startGatewayStage({ proven: true }, options),
  proxied: (options: StageOptions) =>
    startGatewayStage({ proxied: true }, options),
  lines: (options: StageOptions) => startGatewayStage({ lines: true }, options),
  haven: startHavenStage,
  files: startFilesStage,
};

/** Starts one. */
export function startStage(
  name: StageName,
  options: StageOptions,
): Promise<Stage> {
  return STAGES[name](options);
}
