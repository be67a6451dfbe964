// The end of a turn of the event loop: where everything that was collected for the sockets is
// written.

type Work = (subject: unknown) => void;

interface Turn {
  readonly works: Work[];
  readonly subjects: unknown[];
}

let waiting: Turn = { works: [], subjects: [] };
let spare: Turn = { works: [], subjects: [] };

/**
 * Calls `work(subject)` once after the work that is ready now: what one turn of the event loop
 * collects for a socket becomes one write. It must not throw. A function that many share, and its
 * subject, take less memory than a function for each.
 */
export function atEndOfTurn<T>(work: (subject: T) => void, subject: T): void {
  waiting.subjects.push(subject);
  if (waiting.works.push(work as Work) === 1) queueMicrotask(endTurn);
}

function endTurn(): void {
  const turn = waiting;
  waiting = spare;
  const { works, subjects } = turn;
  for (let i = 0; i < works.length; i++) works[i]!(subjects[i]);
  works.length = subjects.length = 0;
  spare = turn;
}
