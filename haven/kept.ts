// Kept: what an app hands to the next process beside its clients.

/**
 * What an app hands to the next process beside its clients, by names of its own; empty at first.
 * See `Haven.handOver`.
 */
export type Kept = Record<string, unknown>;
