// What the tests of the gateway's commands share: clients that a worker has seen coming, and the
// bodies that commands take.

import {
  Box,
  type Int64,
  type Task,
  TaskCmd,
  type UserMessage,
} from "@maple/box";
import type { BoxClient } from "../../helpers/box_peer.ts";
import type { GatewayFixture } from "../../helpers/gateway_fixture.ts";
import type { RawWorker } from "../../helpers/raw_worker.ts";

/** A client that speaks {@linkcode Box}. */
export type Client = BoxClient;

/** The shortest frame of a client. */
export const FRAME: Uint8Array = new Box().pack();

/** Connects a client and takes the task that tells of it. */
export async function connectSeen(
  gateway: GatewayFixture,
  worker: RawWorker,
): Promise<[Client, Task]> {
  const client = await gateway.connectBox();
  return [client, await worker.pull(TaskCmd.CLIENT_CREATED)];
}

/** The text of the next box; undefined when the connection is closed. */
export async function textRead(client: Client): Promise<string | undefined> {
  return (await client.read())?.text();
}

/** A message to users. */
export function row(
  text: string,
  uids: Int64[],
  userdata: Int64 = 0,
  exclude: Int64[] = [],
): UserMessage {
  return { buf: new Box({ body: text }).pack(), uids, userdata, exclude };
}

/** The login of the client of a task. */
export function login(created: Task, uid: Int64, userdata: Int64 = 0): Task {
  return created.map({ cmd: TaskCmd.LOGIN_CLIENT, uid, userdata });
}
