// Handlers that run on a haven server and on a worker behind a gateway alike: handlers_haven.ts and
// handlers_worker.ts register them.

import type { AppRequest, Routes } from "@maple/haven";

/** Registers the handlers, on whatever takes routes. */
export function register(app: Routes): void {
  app.beforeRequest(refuseOld);
  app.route(1, echo);
  app.route(2, add);
  app.route(3, slowEcho);
  app.route(4, fail);
  app.route(5, silent, { answers: false });
}

function refuseOld(request: AppRequest) {
  if (request.box.version < 0) return request.interrupt({ ret: 10 });
}

function echo(request: AppRequest) {
  return { ret: 0, body: request.box.body };
}

function add(request: AppRequest) {
  const numbers = request.box.json<number[]>();
  const sum = numbers.reduce((total, number) => total + number, 0);
  return { body: { sum } };
}

async function slowEcho(request: AppRequest) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return request.box.body;
}

function fail() {
  throw new Error("this handler always fails");
}

function silent() {}
