// ReportWatch: looks at a stat file again and again and tells what happened in between.

import type { GatewayReport } from "../metrics/report.ts";
import { type FigureName, figureValues, type Look } from "./figures.ts";
import { History } from "./history.ts";
import { isSameRun, ratesBetween } from "../metrics/rates.ts";
import { goneReason, readReport } from "./report_file.ts";
import { HISTORY_SIZE } from "./screen.ts";

/** Looks at a stat file again and again. */
export class ReportWatch {
  /** The figures of all looks so far, as many as a screen can show. */
  readonly history: History<FigureName> = new History(HISTORY_SIZE);
  readonly #path: string;
  #last: GatewayReport | undefined;
  #look: Look | undefined;
  #notice: string | undefined;

  /** @param path The stat file. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The newest report and the rates; undefined while there was none. Without rates once there is
   * something wrong.
   */
  get look(): Look | undefined {
    return this.#look;
  }

  /**
   * In one line what is wrong: no file, no stat file, a gateway that is gone; undefined when
   * nothing is.
   */
  get notice(): string | undefined {
    return this.#notice;
  }

  /** Looks at the file. What is wrong with it is told by {@linkcode ReportWatch.notice}. */
  async next(): Promise<void> {
    let report: GatewayReport;
    try {
      report = await readReport(this.#path);
      this.#notice = goneReason(this.#path, report, Date.now());
    } catch (error) {
      this.#notice = (error as Error).message;
      this.#forgetRates();
      return;
    }
    const last = this.#last;
    if (last && isSameRun(last, report) && last.time === report.time) {
      // Looked before the gateway wrote again.
      if (this.#notice !== undefined) this.#forgetRates();
      return;
    }
    const rates = last ? ratesBetween(last, report) : null;
    this.#last = report;
    this.#look = { report, rates: this.#notice === undefined ? rates : null };
    this.history.push(figureValues(this.#look));
  }

  #forgetRates(): void {
    if (this.#look) this.#look = { report: this.#look.report, rates: null };
  }
}
