// As many connections as the system lets this process open files.

import { fitOpenFiles, type Logger, openFilesMax } from "@maple/box/internal";
import type { ResolvedOptions } from "./option_table.ts";

/**
 * Lowers the numbers of connections to what the system lets this process open, in place of what was
 * wanted: whatever looks at the limits sees those that are in force. Logs it.
 */
export function fitConnections(
  { options, logger }: {
    readonly options: ResolvedOptions;
    readonly logger: Logger;
  },
): void {
  const { connsMax, innerConnsMax } = options;
  const filesMax = openFilesMax();
  if (filesMax === undefined) return;
  Object.assign(options, fitOpenFiles(options, filesMax));
  const lowered = [
    ["connsMax", connsMax, options.connsMax],
    ["innerConnsMax", innerConnsMax, options.innerConnsMax],
  ].filter(([, wanted, fits]) => fits !== wanted)
    .map(([name, wanted, fits]) => `${name} is ${fits} instead of ${wanted}`);
  if (lowered.length === 0) return;
  logger.warn(
    `the system lets this process open ${filesMax} files: ${
      lowered.join(", ")
    }; raise it with ulimit -n or LimitNOFILE`,
  );
}
