// RawWorker: the least that a worker or a trigger is on the wire: Tasks out, Tasks in, one at a
// time.

import { Box, Task, TaskCmd, TaskFlag, type TaskInit } from "@maple/box";
import {
  decodeGreeting,
  greet,
  type Greeting,
  isHello,
} from "@maple/box/internal";
import { type Address, RawPeer } from "./raw_peer.ts";

/** A worker or a trigger that does nothing by itself. */
export class RawWorker extends RawPeer {
  /** What the gateway has greeted it with last. */
  greeting: Greeting | undefined;

  /** Connects to the inner address of a gateway, or accepts as a gateway would. */
  static async attach({ hostname, port }: Address): Promise<RawWorker> {
    return new RawWorker(await Deno.connect({ hostname, port }), Task);
  }

  /** Sends a task. */
  async send(task: Task | TaskInit): Promise<void> {
    await this.sendBytes(
      (task instanceof Task ? task : new Task(task)).pack(),
    );
  }

  /**
   * Asks for `count` tasks as an original worker does; the first ask acknowledges the oldest task
   * that is held.
   */
  async ask(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.send({ cmd: TaskCmd.WORKER_ASK_FOR_TASK });
    }
  }

  /** Asks for one task more and acknowledges by delivery id; with no task, acknowledges nothing. */
  async askExplicitly(done?: Task): Promise<void> {
    await this.send({
      cmd: TaskCmd.WORKER_ASK_FOR_TASK,
      flags: TaskFlag.EXPLICIT_ACK,
      ret: done?.ret ?? 0,
    });
  }

  /**
   * The next task; a greeting is taken note of, a trigger's hello passed over. null when the other
   * side has closed.
   */
  async next(timeoutMs?: number): Promise<Task | null> {
    for (;;) {
      const frame = await this.nextFrame(timeoutMs);
      if (frame && isHello(frame)) continue;
      const greeting = frame && decodeGreeting(frame);
      if (!greeting) return frame && Task.fromFrame(frame);
      this.greeting = greeting;
    }
  }

  /** Greets the worker or trigger on the other side, as a gateway of ours does. */
  async greet(greeting: Greeting = {}): Promise<void> {
    await this.sendBytes(greet(greeting));
  }

  /**
   * The next task, which must have this command.
   *
   * @throws {Error} when it has another one, or none comes.
   */
  async expect(cmd: number, timeoutMs?: number): Promise<Task> {
    const task = await this.next(timeoutMs);
    if (task?.cmd !== cmd) {
      throw new Error(`expected a task with cmd ${cmd}, got ${task}`);
    }
    return task;
  }

  /**
   * Asks for a task and takes it, whatever it is.
   *
   * @throws {Error} when none comes.
   */
  async work(): Promise<Task> {
    await this.ask();
    const task = await this.next();
    if (!task) throw new Error("the gateway has closed the connection");
    return task;
  }

  /** Asks for a task and takes it; it must have this command. */
  async pull(cmd: number): Promise<Task> {
    await this.ask();
    return await this.expect(cmd);
  }

  /** Answers the client of a task: with bytes as they are, or with a reply to its box. */
  async answer(task: Task, body: Uint8Array | string): Promise<void> {
    await this.send(task.map({
      cmd: TaskCmd.WRITE_TO_CLIENT,
      body: typeof body === "string"
        ? Box.fromFrame(task.body).map({ body }).pack()
        : body,
    }));
  }
}
