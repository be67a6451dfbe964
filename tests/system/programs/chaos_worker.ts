// The worker of the chaos test: notes on file what it handles, then answers who has answered.
//
//   deno run -A chaos_worker.ts PORT NOTES-FOLDER OPTIONS-AS-JSON

import { Box } from "@maple/box";
import { type RunOptions, Worker, type WorkerRequest } from "@maple/worker";
import { HandledNotes } from "../chaos/handled_log.ts";
import {
  ChaosCmd,
  drawNonce,
  groupName,
  Outcome,
  packAnswer,
  packMessage,
  unpackErrand,
  unpackWork,
} from "../chaos/messages.ts";

const [port, dir, options] = Deno.args as [string, string, string];
const app = new Worker(Box);
let notes: HandledNotes;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function work(request: WorkerRequest): Promise<void> | void {
  const { client, seq, before, after } = unpackWork(request.box.body);
  const { redelivered } = request;
  notes.add(client, seq, redelivered);
  const answer = () => {
    const body = packAnswer({ client, seq, pid: Deno.pid, redelivered });
    request.writeToClient({ body });
  };
  // Both ways of a handler: done in one go, and with waits around its answer.
  if (before + after === 0) return answer();
  return pause(before).then(answer).then(() => pause(after));
}

// A message to another user, who may be at another gateway.
async function send(request: WorkerRequest): Promise<void> {
  const { client, seq, to, receipt } = unpackErrand(request.box.body);
  const { redelivered } = request;
  notes.add(client, seq, redelivered);
  const message = { from: client, to, seq, nonce: drawNonce() };
  const box = { cmd: ChaosCmd.MESSAGE, body: packMessage(message) };
  const rows: Rows = [[[to], box]];
  let outcome: number = Outcome.SENT;
  if (!receipt) request.writeToUsers(rows);
  else outcome = await outcomeOf(request, rows);
  request.writeToClient({
    body: packAnswer({ client, seq, pid: Deno.pid, redelivered, outcome }),
  });
}

type Rows = Parameters<WorkerRequest["writeToUsers"]>[0];

async function outcomeOf(request: WorkerRequest, rows: Rows): Promise<number> {
  try {
    const { delivered, complete } = await request.writeToUsers(rows, {
      receipt: true,
    });
    if (delivered > 0) return Outcome.DELIVERED;
    return complete ? Outcome.OFFLINE : Outcome.UNKNOWN;
  } catch {
    return Outcome.UNKNOWN;
  }
}

app.startWorker(() => {
  notes = new HandledNotes(dir);
});
app.route(ChaosCmd.WORK, work);
app.route(ChaosCmd.SEND, send);
app.route(ChaosCmd.LOGIN, (request) => {
  const { client } = unpackWork(request.box.body);
  request.loginClient(client);
  request.joinGroup(groupName(client));
  return work(request);
});
await app.run("127.0.0.1", Number(port), JSON.parse(options) as RunOptions);
