// TaskRunner: what a worker does with the tasks that come.

import {
  type BoxClass,
  type BoxInit,
  type BoxOf,
  decodeGroups,
  RET,
  Task,
  TaskCmd,
  TaskFlag,
  TaskOffset,
} from "@maple/box";
import {
  hasFlag,
  isRedelivered,
  readClock,
  readInt32,
  turnNow,
} from "@maple/box/internal";
import type { AppCore } from "@maple/haven/internal";
import type { TaskConnection } from "./task_connection.ts";
import { WorkerRequest } from "./request.ts";
import { type EndpointCounter, TaskCounters } from "./stats.ts";
import { type RunningTask, TaskWatch } from "./task_watch.ts";

/** Makes requests of the tasks that come, gives them to handlers and hooks, and counts them. */
export class TaskRunner<F extends object, S extends object> {
  /** The counters. */
  readonly counters: TaskCounters = new TaskCounters();
  /** Tells of tasks that take too long. */
  readonly watch: TaskWatch<F> = new TaskWatch(
    (request, task) => this.#onLate(request, task),
  );
  /** Set where tasks that take too long are given up: called with the reason, each time. */
  onGivenUp: ((why: string) => void) | undefined;
  readonly #boxClass: BoxClass<F>;
  readonly #core: AppCore<WorkerRequest<F, S>>;

  /**
   * @param boxClass The class of the clients' boxes.
   * @param core What they are given to.
   */
  constructor(boxClass: BoxClass<F>, core: AppCore<WorkerRequest<F, S>>) {
    this.#boxClass = boxClass;
    this.#core = core;
    core.pipeline.onFault = ({ endpoint }) => {
      if (endpoint !== undefined) this.counters.endpoint(endpoint).errors++;
    };
  }

  /** Works on one task and tells the connection when it is finished. */
  run(frame: Uint8Array, connection: TaskConnection): void {
    const { counters } = this;
    const { kinds } = counters;
    if (isRedelivered(frame)) counters.redelivered++;
    const cmd = readInt32(frame, TaskOffset.cmd);
    switch (cmd) {
      case TaskCmd.CLIENT_REQ:
      case TaskCmd.WRITE_TO_WORKER:
        if (hasFlag(frame, TaskFlag.INNER)) kinds.inner++;
        else kinds.client++;
        return this.#runRequest(frame, connection);
      case TaskCmd.CLIENT_CREATED:
        kinds.created++;
        return this.#runHook(
          "createClient",
          (request) => this.#core.createClient.run(request),
          { frame, connection },
        );
      case TaskCmd.CLIENT_CLOSED:
        kinds.closed++;
        return this.#runHook(
          "closeClient",
          (request) => this.#closeClient(request, frame),
          { frame, connection },
        );
      default:
        counters.badTasks++;
        this.#core.pipeline.logger.warn(
          `the gateway sent the unknown command ${cmd}`,
        );
        connection.finish(frame);
    }
  }

  // What a gateway tells of the groups in which the client was stands in the task's body.
  #closeClient(
    request: WorkerRequest<F, S>,
    frame: Uint8Array,
  ): Promise<void> | undefined {
    const body = frame.subarray(TaskOffset.body);
    const { leaveGroups, closeClient } = this.#core;
    if (body.length === 0 || leaveGroups.empty) return closeClient.run(request);
    const waiting = leaveGroups.run(request, decodeGroups(body).names);
    if (!waiting) return closeClient.run(request);
    return waiting.then(() => closeClient.run(request));
  }

  #runHook(
    hook: string,
    work: (request: WorkerRequest<F, S>) => Promise<void> | undefined,
    { frame, connection }: {
      readonly frame: Uint8Array;
      readonly connection: TaskConnection;
    },
  ): void {
    const box = new this.#boxClass();
    const task = this.#task(frame, connection, hook);
    const request = new WorkerRequest<F, S>(this.#core.pipeline, box, task);
    const outcome = work(request);
    if (!outcome) {
      task.isFinished = connection.finish(frame);
      return;
    }
    this.watch.add(request, task);
    outcome.then(() => {
      this.watch.delete(request);
      task.isFinished = connection.finish(frame);
    });
  }

  #runRequest(frame: Uint8Array, connection: TaskConnection): void {
    const { pipeline } = this.#core;
    let box: BoxOf<F>;
    try {
      box = this.#boxClass.fromFrame(frame.subarray(TaskOffset.body));
    } catch (error) {
      this.counters.badTasks++;
      pipeline.logger.error(
        `a task is dropped, its body is no box: ${(error as Error).message}`,
        { conn: Task.fromFrame(frame).connId || undefined },
      );
      connection.finish(frame);
      return;
    }
    const task = this.#task(frame, connection);
    const request = new WorkerRequest<F, S>(pipeline, box, task);
    const route = pipeline.router.find(request.cmd);
    const counter = route && this.counters.endpoint(route.endpoint);
    if (counter) counter.inHand++;
    else this.counters.unknownCmds++;
    const outcome = pipeline.handle(request, route);
    if (!outcome) {
      const tookMs = countTask(task.since, counter);
      task.isFinished = connection.finish(frame, tookMs);
      return;
    }
    this.watch.add(request, task);
    outcome.then(() => {
      this.watch.delete(request);
      const tookMs = countTask(task.since, counter);
      task.isFinished = connection.finish(frame, tookMs);
    });
  }

  #task(
    frame: Uint8Array,
    connection: TaskConnection,
    hook?: string,
  ): RunningTask<F> {
    return {
      boxClass: this.#boxClass,
      connection,
      frame,
      isFinished: false,
      since: turnNow(),
      hook,
    };
  }

  #onLate(request: WorkerRequest<F, object>, task: RunningTask<F>): void {
    this.counters.lateTasks++;
    const { connection, frame, since, hook } = task;
    const what = hook === undefined ? request : `the ${hook} hook`;
    const why = `${what} takes longer than ${
      this.watch.limitMs / 1000
    } s (workTimeout)`;
    const { logger } = this.#core.pipeline;
    const fields = { conn: request.connId };
    if (!this.onGivenUp) {
      logger.warn(why, fields);
      return;
    }
    logger.error(`${why}: it is given up`, fields);
    connection.giveUp(frame, this.#lostAnswer(request), readClock() - since);
    this.onGivenUp(why);
  }

  // What the client of a task that is given up gets, as it would if the worker had died.
  #lostAnswer(
    { box, responded }: WorkerRequest<F, object>,
  ): Uint8Array | undefined {
    const { fieldNames } = this.#boxClass;
    if (responded || !fieldNames.includes("ret")) return undefined;
    const fields: object = { ret: RET.WORKER_LOST };
    return box.map(fields as BoxInit<F>).pack();
  }
}

// Counts a task for its endpoint; answers how many milliseconds it took.
function countTask(
  start: number,
  counter: EndpointCounter | undefined,
): number {
  const ms = readClock() - start;
  counter?.finish(ms / 1000);
  return ms;
}
