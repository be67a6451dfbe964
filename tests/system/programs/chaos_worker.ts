// The worker of the chaos test: notes on file what it handles, then answers who has answered.
//
//   deno run -A chaos_worker.ts PORT NOTES-FOLDER OPTIONS-AS-JSON

import { Box } from "@maple/box";
import { type RunOptions, Worker, type WorkerRequest } from "@maple/worker";
import { HandledNotes } from "../chaos/handled_log.ts";
import { ChaosCmd, packAnswer, unpackWork } from "../chaos/messages.ts";

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

app.startWorker(() => {
  notes = new HandledNotes(dir);
});
app.route(ChaosCmd.WORK, work);
app.route(ChaosCmd.LOGIN, (request) => {
  request.loginClient(unpackWork(request.box.body).client);
  return work(request);
});
await app.run("127.0.0.1", Number(port), JSON.parse(options) as RunOptions);
