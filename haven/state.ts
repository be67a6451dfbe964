// UntypedState: what hooks and handlers keep where nobody says what it is.

/** What hooks and handlers keep, in requests and connections, where nobody says what it is. */
export type UntypedState = Record<string, unknown>;
