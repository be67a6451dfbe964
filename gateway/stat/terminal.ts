// Terminal: the whole terminal as a screen to draw on, which is put back as it was at the end.

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J";
// It is emptied first: some terminals that were made wider meanwhile would leave pieces of it
// behind.
const LEAVE = "\x1b[2J\x1b[?25h\x1b[?1049l";
const CTRL_C = 3;
const LEAVE_KEYS: readonly number[] = [CTRL_C, ..."qQ"].map((key) =>
  typeof key === "number" ? key : key.charCodeAt(0)
);
const LEAVE_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** The whole terminal as a screen; disposing of it puts back what was there. */
export class Terminal implements Disposable {
  /** Is called when the size has changed. */
  onResize: (() => void) | undefined;
  readonly #signals: [Deno.Signal, () => void][] = [];
  readonly #left = Promise.withResolvers<void>();
  readonly #isRaw: boolean;
  #isLeft = false;

  /** Takes the terminal over. */
  constructor() {
    for (const signal of LEAVE_SIGNALS) this.#on(signal, () => this.#leave());
    if (Deno.build.os !== "windows") {
      this.#on("SIGWINCH", () => this.onResize?.());
    }
    this.#isRaw = Deno.stdin.isTerminal();
    if (this.#isRaw) {
      Deno.stdin.setRaw(true);
      this.#readKeys();
    }
    this.#write(ENTER);
  }

  /** Whether somebody wants to leave. */
  get left(): boolean {
    return this.#isLeft;
  }

  /** Waits until somebody wants to leave, but no longer than this. */
  async leftWithin(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      this.#left.promise,
      new Promise<void>((resolve) => timer = setTimeout(resolve, ms)),
    ]);
    clearTimeout(timer);
  }

  /** The columns and rows there are now. */
  size(): { columns: number; rows: number } {
    try {
      const { columns, rows } = Deno.consoleSize();
      // Some terminals do not know how large they are.
      if (columns > 0 && rows > 0) return { columns, rows };
    } catch {
      // The terminal has gone; a signal will tell.
    }
    return { columns: 80, rows: 24 };
  }

  /** Draws lines that are not wider than the terminal, from the top. */
  draw(lines: readonly string[]): void {
    // What is old is erased before each line, since after a full one that would erase its last
    // character.
    const text = lines.map((line) => `\x1b[K${line}`).join("\r\n");
    const below = lines.length < this.size().rows ? "\r\n\x1b[J" : "";
    this.#write(`\x1b[H${text}${below}`);
  }

  /** Puts the terminal back as it was. */
  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#signals.splice(0)) {
      Deno.removeSignalListener(signal, handler);
    }
    this.#write(LEAVE);
    try {
      if (this.#isRaw) Deno.stdin.setRaw(false);
    } catch {
      // The terminal has gone.
    }
  }

  #on(signal: Deno.Signal, handler: () => void): void {
    Deno.addSignalListener(signal, handler);
    this.#signals.push([signal, handler]);
  }

  #leave(): void {
    this.#isLeft = true;
    this.#left.resolve();
  }

  async #readKeys(): Promise<void> {
    const keys = new Uint8Array(64);
    while (!this.#isLeft) {
      const count = await Deno.stdin.read(keys).catch(() => null);
      if (
        count === null ||
        keys.subarray(0, count).some((key) => LEAVE_KEYS.includes(key))
      ) {
        this.#leave();
      }
    }
  }

  #write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    } catch {
      // The terminal has gone, so there is nobody to show it to.
      this.#leave();
    }
  }
}
