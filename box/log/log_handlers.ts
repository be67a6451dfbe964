// Where log lines go: stderr or a rotating file. A line that cannot be logged (a full disk, a
// closed pipe) must not stop the program that it tells of.

import { BaseHandler } from "@std/log/base-handler";
import { RotatingFileHandler } from "@std/log/rotating-file-handler";
import { messageOf } from "./describe_error.ts";

const encoder = new TextEncoder();

/** Writes lines to stderr, at once. */
export class StderrHandler extends BaseHandler {
  /** Writes one line. */
  override log(text: string): void {
    const bytes = encoder.encode(text + "\n");
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stderr.writeSync(bytes.subarray(at));
      }
    } catch {
      // Nobody is there to read it.
    }
  }
}

/** Writes lines to a file, at once, and puts the file aside when it is full. */
export class PromptFileHandler extends RotatingFileHandler {
  readonly #stderr = new StderrHandler("DEBUG");
  readonly #file: string;
  #ended = false;

  /** @param options As of a `RotatingFileHandler`. */
  constructor(
    ...[level, options]: ConstructorParameters<typeof RotatingFileHandler>
  ) {
    super(level, options);
    this.#file = options.filename;
  }

  /** Opens the file. */
  override setup(): void {
    super.setup();
    this.#ended = false;
  }

  /** Closes the file. */
  override destroy(): void {
    super.destroy();
    this.#ended = true;
  }

  /** Writes one line; what the file does not take goes to stderr. */
  override log(text: string): void {
    try {
      if (this.#ended) {
        // The file is closed as the program ends, and somebody has a last word.
        Deno.writeTextFileSync(this.#file, text + "\n", { append: true });
        return;
      }
      super.log(text);
      // An operator who looks at the file wants to see what has just happened.
      this.flush();
    } catch (error) {
      this.#stderr.log(`${text} (not in the log file: ${messageOf(error)})`);
    }
  }
}
