// What the parent of several processes goes by itself: it stays when these are replaced.

import type { Settings } from "../settings.ts";

const NAMES = [
  ...["logFormat", "logFile", "logFileMaxBytes", "logFileMaxCount"] as const,
  ...["statFile", "metrics", "metricsHosts"] as const,
];

/** The settings of a parent that only a restart changes. */
export type ParentSettings = Pick<Settings, (typeof NAMES)[number]>;

/** Whether one of the settings is such a one. */
export function isOfParent(name: string): boolean {
  return NAMES.some((own) => own === name);
}

/** Those of them. */
export function parentSettings(settings: ParentSettings): ParentSettings {
  // Also those that are undefined, which JSON leaves out.
  const entries = NAMES.map((name) => [name, settings[name]] as const);
  return Object.fromEntries(entries) as unknown as ParentSettings;
}
