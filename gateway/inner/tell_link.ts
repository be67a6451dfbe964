// What is logged of a worker or trigger: that it has attached, and how its connection ended.

import { TaskCmd } from "@maple/box";
import { type CloseCause, isOrdinary } from "@maple/box/internal";
import type { GatewayContext } from "../context.ts";
import type { LostTasks } from "../queue/dispatcher.ts";
import type { QueuedTask } from "../queue/queued_task.ts";
import type { InnerLink } from "./inner_link.ts";

/** The end of a connection. */
export interface LinkEnd {
  /** Why it ended. */
  readonly cause: CloseCause;
  /** What became of the tasks that it held. */
  readonly lost: LostTasks;
  /** How many workers are attached still. */
  readonly workers: number;
  /** Whether the gateway closes all of them. */
  readonly isClosing: boolean;
}

/** Tells that a worker has attached, one of so many. */
export function tellAttached(
  { logger }: GatewayContext,
  link: InnerLink,
  workers: number,
): void {
  logger.info(`${link.name} has attached; ${workersNow(workers)}`);
}

/** Tells how a connection ended, and which task may be what ends workers. */
export function tellEnd(
  { logger, options }: GatewayContext,
  link: InnerLink,
  { cause, lost, workers, isClosing }: LinkEnd,
): void {
  const line = `${link.name} closed: ${cause.message}${
    isClosing ? "" : told(lost)
  }${link.isWorker ? `; ${workersNow(workers)}` : ""}`;
  // A worker that has taken leave before may leave with tasks in its hands.
  const isLoss = lost.again + lost.givenUp > 0 && !link.withdrawn && !isClosing;
  if (isLoss || !isOrdinary(cause)) logger.warn(line);
  else if (link.isWorker) logger.info(line);
  else logger.debug(line);
  const { suspect } = lost;
  if (!suspect || suspect.answered || isClosing) return;
  // It did not end by itself.
  if (cause.kind === "local") return;
  logger.warn(
    `${link.name} was lost while it held nothing but ${
      describe(suspect, options)
    }, with which ${suspect.losses} workers were lost now: it may be what ends them`,
  );
}

function describe(
  { cmd, body, isRequest }: QueuedTask,
  { boxClass }: GatewayContext["options"],
): string {
  const what = isRequest
    ? "a request"
    : cmd === TaskCmd.WRITE_TO_WORKER
    ? "a task for a worker"
    : "the news of a client";
  const hasCmd = body.length > 0 && boxClass.fieldNames.includes("cmd");
  return hasCmd ? `${what} with cmd ${boxClass.cmdOf(body)}` : what;
}

function told({ again, givenUp, done }: LostTasks): string {
  const held = again + givenUp + done;
  if (held === 0) return "";
  if (held === again) return `; ${held} tasks that it held go to others`;
  const parts = [
    again && `${again} go to others`,
    givenUp && `${givenUp} are given up`,
    done && `${done} count as done`,
  ];
  return `; of ${held} tasks that it held ${parts.filter(Boolean).join(", ")}`;
}

function workersNow(count: number): string {
  return count === 1 ? "1 worker is attached" : `${count} workers are attached`;
}
