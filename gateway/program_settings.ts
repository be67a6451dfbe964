// What is not for the gateway but for the program around it, and its defaults.

import type { LogFormat, LogLevel } from "@maple/box/internal";

/** What is not for the gateway but for the program around it. */
export interface ProgramSettings {
  /** How many processes serve; 0 = as many as there are processors. */
  readonly processes: number;
  /** The least level that is logged. */
  readonly logLevel: LogLevel;
  /** How the log is written. */
  readonly logFormat: LogFormat;
  /** Where to log instead of stderr. */
  readonly logFile: string | undefined;
  /** Bytes after which the log file is put aside. */
  readonly logFileMaxBytes: number;
  /** How many log files are kept aside. */
  readonly logFileMaxCount: number;
  /** Where to write a report once a second. */
  readonly statFile: string | undefined;
  /** Where to serve metrics and the dashboard. */
  readonly metrics: string | undefined;
  /** Further names by which these may be asked for, with commas between. */
  readonly metricsHosts: string;
  /** A file with the tokens of those who may ask for these. */
  readonly metricsTokenFile: string;
}

/** What each is when nobody sets it. */
export const PROGRAM_DEFAULTS: ProgramSettings = {
  processes: 1,
  logLevel: "INFO",
  logFormat: "text",
  logFile: undefined,
  logFileMaxBytes: 10 * 1024 * 1024,
  logFileMaxCount: 5,
  statFile: undefined,
  metrics: undefined,
  metricsHosts: "",
  metricsTokenFile: "",
};
