// What the worker and the haven server that are fuzzed both answer.

import type { AnyApp } from "@maple/haven";
import { FuzzCmd } from "./commands.ts";

/** Registers it. */
export function registerHandlers(app: AnyApp): void {
  app.route(FuzzCmd.ECHO, ({ box }) => ({ body: box.body }));
  app.route(FuzzCmd.LOGIN, (request) => {
    const { uid } = request.box.json<{ uid: number }>();
    if (Number.isSafeInteger(uid) && uid > 0) request.loginClient(uid);
    return { body: request.box.body };
  });
  app.route(FuzzCmd.SLOW, async ({ box }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { body: box.body };
  });
  app.route(FuzzCmd.BIG, () => ({ body: new Uint8Array(50_000) }));
  app.route(FuzzCmd.CLOSE, (request) => void request.closeClient(), {
    answers: false,
  });
  app.route(FuzzCmd.LOGOUT, (request) => {
    request.logoutClient();
    return { ret: 0 };
  });
  app.createClient(() => {});
  app.closeClient(() => {});
}
