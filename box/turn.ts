// The end of a turn of the event loop: where everything that was collected for the sockets is written.

let waiting: (() => void)[] = [];
let spare: (() => void)[] = [];

/**
 * Calls `task` once after the work that is ready now: what one turn of the event loop collects for a socket becomes one write. It must
 * not throw.
 */
export function atEndOfTurn(task: () => void): void {
  if (waiting.push(task) === 1) queueMicrotask(endTurn);
}

function endTurn(): void {
  const tasks = waiting;
  waiting = spare;
  for (let i = 0; i < tasks.length; i++) tasks[i]!();
  tasks.length = 0;
  spare = tasks;
}
