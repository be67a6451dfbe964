// Kept: what an app hands to the next process beside its clients.

/** What an app hands to the next process beside its clients, by names of its own. */
export type Kept = Record<string, unknown>;
