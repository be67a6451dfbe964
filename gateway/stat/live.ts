// runLive: the viewer in the terminal, kept up to date until it is left.

import { cell, type Line, toText } from "./cells.ts";
import { renderScreen } from "./screen.ts";
import { Terminal } from "./terminal.ts";
import { ReportWatch } from "./watch.ts";

/** Settings of {@linkcode runLive}. */
export interface LiveOptions {
  /** The stat file. */
  readonly file: string;
  /** Milliseconds between two looks at it. */
  readonly intervalMs: number;
  /** Whether to write colours. */
  readonly colors: boolean;
}

/** Shows the stat file in the terminal until `q` or Ctrl-C is pressed, or a signal says so. */
export async function runLive(options: LiveOptions): Promise<void> {
  const { file, intervalMs, colors } = options;
  const watch = new ReportWatch(file);
  using terminal = new Terminal();
  const draw = () => {
    const { columns, rows } = terminal.size();
    terminal.draw(
      linesOf(watch, file, columns, rows)
        .map((line) => toText(line, { width: columns, colors })),
    );
  };
  terminal.onResize = draw;
  while (!terminal.left) {
    await watch.next();
    if (terminal.left) break;
    draw();
    await terminal.leftWithin(intervalMs);
  }
}

function linesOf(
  watch: ReportWatch,
  file: string,
  width: number,
  height: number,
): Line[] {
  const { look, notice, history } = watch;
  if (look) {
    return renderScreen(look, {
      width,
      height,
      history,
      notice,
      hint: "q leaves",
    });
  }
  if (notice === undefined) return [];
  const lines: Line[] = [
    [cell(`maple gateway ${file}`, "strong")],
    [cell(notice, "bad")],
    [cell("q leaves; until then it goes on looking", "faint")],
  ];
  return lines.slice(0, height);
}
