// The hall: who waits for a table, and who gets one together. As the table, it is plain JSON and
// knows nothing of the world outside.

/** Who waits. */
export interface Waiting {
  /** The player. */
  readonly uid: number;
  /** What the others will see. */
  readonly name: string;
  /** Since when, ms since 1970. */
  readonly since: number;
}

/** The hall. */
export interface Hall {
  /** Who waits, the first one first. */
  readonly waiting: readonly Waiting[];
  /** How many tables there were so far: their numbers. */
  readonly tables: number;
}

/** What became of it: those who have got the table `tables`, if any. */
export interface Seating {
  /** The hall afterwards. */
  readonly hall: Hall;
  /** Three players. */
  readonly players?: readonly Pick<Waiting, "uid" | "name">[];
}

/** A hall in which nobody waits. */
export const EMPTY_HALL: Hall = { waiting: [], tables: 0 };

const SEATS = 3;
/** The names of the bots of the house. */
const BOTS = ["🤖 Lu Su", "🤖 Xiao Qiao"];

/** Somebody comes; who waits already keeps the place. */
export function join(hall: Hall, player: Waiting): Seating {
  const { waiting } = hall;
  if (waiting.some(({ uid }) => uid === player.uid)) return { hall };
  const all = [...waiting, player];
  if (all.length < SEATS) return { hall: { ...hall, waiting: all } };
  return seat(hall, all);
}

/** Somebody goes. */
export function quit(hall: Hall, uid: number): Hall {
  const waiting = hall.waiting.filter((one) => one.uid !== uid);
  return waiting.length === hall.waiting.length ? hall : { ...hall, waiting };
}

/** Who has waited long enough plays with bots. */
export function fill(hall: Hall, now: number, waitMs: number): Seating {
  const due = fillDue(hall, waitMs);
  if (due === undefined || now < due) return { hall };
  return seat(hall, hall.waiting);
}

/** When the first of those who wait has waited long enough. */
export function fillDue(
  { waiting }: Hall,
  waitMs: number,
): number | undefined {
  return waiting[0] && waiting[0].since + waitMs;
}

function seat(hall: Hall, waiting: readonly Waiting[]): Seating {
  const players = waiting.slice(0, SEATS).map(({ uid, name }) => ({
    uid,
    name,
  }));
  const bots = BOTS.slice(0, SEATS - players.length);
  return {
    hall: { tables: hall.tables + 1, waiting: waiting.slice(SEATS) },
    players: [...players, ...bots.map((name) => ({ uid: 0, name }))],
  };
}
