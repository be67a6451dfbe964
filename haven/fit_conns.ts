// As many connections as the system lets this process open files.

import { fitOpenFiles, type Logger, openFilesMax } from "@maple/box/internal";
import type { ResolvedListen } from "./resolve_options.ts";

/** The options with as many connections as there may be open files; logs it when they are fewer. */
export function fitConns(
  options: ResolvedListen,
  logger: Logger,
): ResolvedListen {
  const filesMax = openFilesMax();
  if (filesMax === undefined) return options;
  const { connsMax } = fitOpenFiles({
    connsMax: options.connsMax * options.threads,
    innerConnsMax: 0,
  }, filesMax);
  const share = Math.ceil(connsMax / options.threads);
  if (share >= options.connsMax) return options;
  logger.warn(
    `the system lets this process open ${filesMax} files: connsMax is ${share} instead of ${options.connsMax}; raise it with ulimit -n or LimitNOFILE`,
  );
  return { ...options, connsMax: share };
}
