// Step 2: the game. Two players have five of the cards 1 to 20 each; both play one, the higher one
// takes the trick. Functions without a server: a table goes in, the next one comes out.
//
//   deno run examples/tutorial/step2_rules.ts

/** One of the two at the table. */
export interface Seat {
  readonly uid: number;
  readonly hand: readonly number[];
  /** What was played and not answered yet. */
  readonly card?: number;
  readonly tricks: number;
}

/** The table. */
export interface Table {
  /** Counts what has happened there: of two views the one with the higher number is newer. */
  readonly n: number;
  readonly seats: readonly Seat[];
}

/** Nobody has sat there yet. */
export const EMPTY: Table = { n: 0, seats: [] };

/** What one player may see of it. */
export interface View {
  readonly n: number;
  readonly hand: readonly number[];
  readonly played?: number;
  readonly tricks: number;
  /** Who sits there too. */
  readonly rival?: { uid: number; hasPlayed: boolean; tricks: number };
  readonly over: boolean;
}

const HAND = 5;

/** Seats a user, who may be there already; `undefined` if the table is full. */
export function sit(
  table: Table,
  uid: number,
  deck: readonly number[] = shuffled(),
): Table | undefined {
  const seats = isOver(table) ? [] : table.seats;
  if (seats.some((seat) => seat.uid === uid)) return table;
  if (seats.length === 2) return undefined;
  const taken = seats.flatMap(({ hand, card = 0 }) => [...hand, card]);
  const hand = deck.filter((card) => !taken.includes(card)).slice(0, HAND);
  return { n: table.n + 1, seats: [...seats, { uid, hand, tricks: 0 }] };
}

/** Plays a card of a user; `undefined` if that may not be. */
export function play(
  table: Table,
  uid: number,
  card: number,
): Table | undefined {
  const { me, rival } = seatsOf(table, uid);
  if (!me?.hand.includes(card) || me.card !== undefined || !rival) {
    return undefined;
  }
  const hand = me.hand.filter((other) => other !== card);
  const seats = table.seats.map((seat): Seat => {
    if (rival.card === undefined) {
      return seat === me ? { ...me, hand, card } : seat;
    }
    const wins = (card > rival.card) === (seat === me);
    return {
      uid: seat.uid,
      hand: seat === me ? hand : seat.hand,
      tricks: seat.tricks + (wins ? 1 : 0),
    };
  });
  return { n: table.n + 1, seats };
}

/** The table as one of its players sees it. */
export function viewOf(table: Table, uid: number): View | undefined {
  const { me, rival } = seatsOf(table, uid);
  if (!me) return undefined;
  return {
    n: table.n,
    hand: me.hand,
    ...(me.card === undefined ? {} : { played: me.card }),
    tricks: me.tricks,
    ...(rival ? { rival: seenOf(rival) } : {}),
    over: isOver(table),
  };
}

function seenOf({ uid, card, tricks }: Seat): NonNullable<View["rival"]> {
  return { uid, hasPlayed: card !== undefined, tricks };
}

function seatsOf({ seats }: Table, uid: number) {
  return {
    me: seats.find((seat) => seat.uid === uid),
    rival: seats.find((seat) => seat.uid !== uid),
  };
}

function isOver({ seats }: Table): boolean {
  return seats.length === 2 &&
    seats.every(({ hand, card }) => hand.length === 0 && card === undefined);
}

function shuffled(): number[] {
  const deck = Array.from({ length: 20 }, (_, index) => index + 1);
  for (let last = deck.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [deck[last], deck[other]] = [deck[other]!, deck[last]!];
  }
  return deck;
}

if (import.meta.main) {
  let table = sit(sit(EMPTY, 1)!, 2)!;
  while (!isOver(table)) {
    for (const { uid, hand } of table.seats) {
      table = play(table, uid, hand[0]!)!;
    }
    console.log(table.seats.map(({ uid, tricks }) => `user ${uid}: ${tricks}`));
  }
}
