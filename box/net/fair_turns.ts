// Fair turns: every connection of a saturated process gets its turn.
//
// The trouble. Deno's event loop looks for data on sockets (epoll, kqueue) when nothing else is
// ready, or once in a while. A read of a socket that has data already is answered without that
// look. So in a process that is saturated by several hundred connections, those that were just
// served, and whose clients answer at once, are served again and again, something is always ready,
// and connections whose data nobody has looked for wait for seconds: of 1,000 the best served got
// 900 answers and the worst none.
//
// The remedy. Reading goes in rounds. After READS_PER_ROUND reads, whoever was served waits until
// everybody else that has data was served as well. Who has data the process learns by a look that
// it forces: it has a connection with itself, writes a byte at one end, and that it can be read at
// the other end it can only find by looking, which finds the data of all others at the same time.
// When a look finds nobody more, the next round begins. A round costs a few reads and writes of one
// byte for at least READS_PER_ROUND reads of clients.
//
// Thousands of clients that come or go at the same moment are the same trouble: an accept is
// answered at once, and that a connection has ended is known of all of them, so nobody else would
// be served until the last one is let in or closed. No more than ACCEPTS_PER_ROUND and
// CLOSES_PER_ROUND of them have their turn in a round.
//
// Who has much to do that no connection waits for does it in parts, with a look between them.
//
// With few connections each is served in time without it, so nothing is done below MIN_SOCKETS, but
// for accepts: thousands may come at the same moment of which none stays, since they are refused.
// Then letting the loop park for a moment is enough.

const READS_PER_ROUND = 64;
const ACCEPTS_PER_ROUND = 64;
const CLOSES_PER_ROUND = 64;
const MIN_SOCKETS = 64;

/** The process's connection with itself. */
interface Pair {
  readonly near: Deno.TcpConn;
  readonly far: Deno.TcpConn;
}

const BYTE = new Uint8Array(1);
const inbox = new Uint8Array(16);

let sockets = 0;
let reads = 0;
let accepts = 0;
let closes = 0;
let arrivals = 0;
let pair: Pair | undefined;
let looking: Promise<void> | undefined;
let round: Promise<void> | undefined;
let closing: Promise<void> = Promise.resolve();

/** A read loop begins. */
export function enterFairTurns(): void {
  sockets++;
}

/** A read loop has ended. */
export function leaveFairTurns(): void {
  sockets--;
  closeIdlePair();
}

/** To be called before each read; what it gives is to be awaited before reading. */
export function turnToRead(): Promise<void> | undefined {
  if (round) {
    arrivals++;
    return round;
  }
  if (sockets < MIN_SOCKETS || ++reads < READS_PER_ROUND) return undefined;
  reads = 0;
  return nextRound();
}

/** To be called before each accept; what it gives is to be awaited before accepting. */
export function turnToAccept(): Promise<void> | undefined {
  if (++accepts < ACCEPTS_PER_ROUND) return undefined;
  accepts = 0;
  return sockets < MIN_SOCKETS ? park() : nextRound();
}

/**
 * To be called before a connection that the other side has ended is closed; what it gives is to be
 * awaited before that.
 */
export function turnToClose(): Promise<void> | undefined {
  if (sockets < MIN_SOCKETS) return undefined;
  if (++closes % CLOSES_PER_ROUND === 0) closing = closing.then(nextRound);
  return closing;
}

function park(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Calls `work`, which is a part of something long and must not throw, when all that has data now
 * has been found.
 */
export function afterOthers(work: () => void): void {
  (sockets < MIN_SOCKETS ? park() : lookForAll()).then(work);
}

// A round is not to be made longer by what is done between its looks: whoever was served waits for
// its end.
async function lookForAll(): Promise<void> {
  if (round) return await round;
  try {
    await look();
  } catch {
    closePair();
    await park();
  }
  closeIdlePair();
}

function nextRound(): Promise<void> {
  return round ??= finishRound();
}

// Who was served waits here until everybody else that has data was served as well: until a look
// finds nobody more.
async function finishRound(): Promise<void> {
  try {
    do {
      arrivals = 0;
      await look();
    } while (arrivals > 0 && sockets >= MIN_SOCKETS);
  } catch {
    // No file descriptor is left, or the pair was closed with the last connections: this round is
    // not a fair one.
    closePair();
  }
  round = undefined;
  closeIdlePair();
}

// One at a time: two reads could share the byte of one, and the first two would open a pair each.
function look(): Promise<void> {
  return looking ??= lookOnce().finally(() => looking = undefined);
}

async function lookOnce(): Promise<void> {
  const { near, far } = pair ??= await openPair();
  // The read is begun first: begun with the byte already there it would be answered without
  // looking.
  await Promise.all([far.read(inbox), near.write(BYTE)]);
}

async function openPair(): Promise<Pair> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  const near = await Deno.connect({ hostname, port });
  try {
    near.setNoDelay(true);
    for (;;) {
      const far = await listener.accept();
      if (far.remoteAddr.port === near.localAddr.port) return { near, far };
      // Somebody else was faster to connect.
      far.close();
    }
  } catch (error) {
    near.close();
    throw error;
  }
}

function closeIdlePair(): void {
  if (sockets < MIN_SOCKETS) closePair();
}

function closePair(): void {
  pair?.near.close();
  pair?.far.close();
  pair = undefined;
}
