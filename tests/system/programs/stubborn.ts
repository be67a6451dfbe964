// A program that does not end by itself, or whose errors nobody handles, in all ways:
// stubborn.ts KIND OPTIONS, where the options are those of run and of Stubbornness.
//
// cmd 1 tells the process and how many errors nobody has handled, 2 leaves two such errors behind,
// 3 blocks the event loop for good.

import { Box } from "@maple/box";
import { GHaven, Haven, THaven } from "@maple/haven";
import { Worker } from "@maple/worker";

/** What is wrong with the program. */
export interface Stubbornness {
  /** Hooks that never end. */
  hangs?: readonly ("startWorker" | "stopWorker" | "closeConn")[];
  /** Whether startWorker blocks the event loop for good. */
  blocks?: boolean;
  /** What the module does in a child instead of coming to run. */
  top?: "blocks" | "hangs" | "ends";
  /** Whether the module leaves something open. */
  leavesOpen?: boolean;
  /** What goes wrong while the app starts: a promise that nobody awaits, a timer. */
  fails?: "reject" | "throw";
}

/** The kinds of programs. */
export type Kind = "Worker" | "Haven" | "GHaven" | "THaven";

function forEver(): Promise<never> {
  return new Promise(() => {});
}

function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

if (import.meta.main) {
  const [kind, json] = Deno.args as [Kind, string];
  const { hangs = [], blocks, top, leavesOpen, fails, ...options } = JSON.parse(
    json,
  ) as Stubbornness;
  if (top && Deno.env.has("MAPLE_WORKER")) {
    console.log(`starting ${Deno.pid}`);
    if (top === "blocks") block();
    if (top === "hangs") await Deno.listen({ port: 0 }).accept();
  }
  const app = kind === "Worker"
    ? new Worker(Box)
    : new { Haven, GHaven, THaven }[kind](Box);
  const counts = () => app.stats().unhandled;
  const answer = () => ({ body: { pid: Deno.pid, unhandled: counts() } });
  const fail = () => {
    Promise.reject(new Error("nobody awaits this"));
    setTimeout(() => {
      throw new Error("thrown in a timer");
    }, 0);
    return { ret: 0 };
  };
  // What is done with it here, both have alike.
  const haven = app as Haven;
  haven.route(1, answer).route(2, fail).route(3, block, { answers: false });
  if (hangs.includes("closeConn")) haven.closeConn(forEver);
  app.startWorker(async () => {
    console.log(`starting ${Deno.pid}`);
    if (blocks) block();
    if (fails === "reject") Promise.reject(new Error("too early"));
    if (fails === "throw") {
      setTimeout(() => {
        throw new Error("too early");
      }, 0);
    }
    if (fails || hangs.includes("startWorker")) await forEver();
  });
  app.stopWorker(() => {
    console.log(`stopping ${Deno.pid}`);
    return hangs.includes("stopWorker") ? forEver() : undefined;
  });
  if (leavesOpen) setInterval(() => {}, 1000);
  if (top !== "ends") {
    await haven.run(options);
    console.log(`run is over ${Deno.pid}`);
  }
}
