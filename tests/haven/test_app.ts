// TestApp: an app whose requests come from the test and whose answers go to an array.

import { Box, type BoxOf } from "@maple/box";
import type { Logger } from "@maple/box/internal";
import { App, type AppOptions, AppRequest } from "@maple/haven";
import {
  AppCore,
  type HookList,
  type RequestHost,
} from "@maple/haven/internal";

/** What a test hangs up like a connection. */
export interface TestConn {
  readonly id: number;
  open: boolean;
  readonly frames: Uint8Array[];
}

/** A request whose answers are kept by its connection. */
export class TestRequest<F extends object> extends AppRequest<F> {
  readonly conn: TestConn;

  constructor(host: RequestHost, box: BoxOf<F>, conn: TestConn) {
    super(host, box);
    this.conn = conn;
  }

  override readonly connId = 1;
  override readonly clientAddress = "";
  override readonly uid64 = 0;
  override readonly userdata64 = 0;
  override logoutClient = () => false;
  override closeClient = () => false;
  override writeToUsers = () => false;
  override closeUsers = () => false;
  protected override login = () => false;

  protected override send(frame: Uint8Array): boolean {
    if (this.conn.open) this.conn.frames.push(frame.slice());
    return this.conn.open;
  }
}

/** A log that can be read. */
export class TestLog implements Logger {
  readonly lines: string[] = [];

  debug(message: string): void {
    this.lines.push(`DEBUG ${message}`);
  }

  info(message: string): void {
    this.lines.push(`INFO ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`WARN ${message}`);
  }

  error(message: string): void {
    this.lines.push(`ERROR ${message}`);
  }
}

/** An app with the connection hooks of a server. */
export class TestApp<F extends object> extends App<TestRequest<F>> {
  readonly log: TestLog;
  readonly #core: AppCore<TestRequest<F>>;
  readonly #createConn: HookList<[conn: TestConn]>;
  readonly #closeConn: HookList<[conn: TestConn]>;

  constructor(options: AppOptions = {}) {
    const log = new TestLog();
    const core = new AppCore<TestRequest<F>>("test", {
      logger: log,
      ...options,
    });
    super(core);
    this.#core = core;
    this.log = log;
    this.#createConn = core.hookList("createConn");
    this.#closeConn = core.hookList("closeConn", "blueprintsFirst");
  }

  override writeToUsers = () => false;
  override closeUsers = () => false;

  createConn(fn: (conn: TestConn) => unknown): this {
    this.#core.addHook(this.#createConn, fn);
    return this;
  }

  closeConn(fn: (conn: TestConn) => unknown): this {
    this.#core.addHook(this.#closeConn, fn);
    return this;
  }

  async connect(): Promise<TestConn> {
    const conn = { id: 1, open: true, frames: [] };
    await this.#createConn.run(conn);
    return conn;
  }

  async hangUp(conn: TestConn): Promise<void> {
    conn.open = false;
    await this.#closeConn.run(conn);
  }

  request(box: BoxOf<F>, conn = newConn()): TestRequest<F> {
    return new TestRequest(this.#core.pipeline, box, conn);
  }

  handle(request: TestRequest<F>): Promise<void> | undefined {
    const { pipeline } = this.#core;
    return pipeline.handle(request, pipeline.router.find(request.cmd));
  }

  start(): Promise<void> {
    return this.#core.start(this);
  }

  stop(): Promise<void> {
    return this.#core.stop(this);
  }
}

/** A connection that is open. */
export function newConn(): TestConn {
  return { id: 1, open: true, frames: [] };
}

/** The boxes that were sent to a connection. */
export function answers(conn: TestConn): Box[] {
  return conn.frames.map((frame) => Box.fromFrame(frame));
}
