// SerialNumbers: the numbers by which a client knows which answer is to which request.

import type { BoxClass, BoxInit, BoxOf } from "../box_class.ts";
import { BoxError } from "../errors.ts";

// Those of requests that were given up, whose answers may still come, are known for so many.
const GIVEN_UP_MAX = 4096;
// The largest numbers that a field for serial numbers may hold, by its width and sign.
const LARGEST = [2 ** 31 - 1, 2 ** 16 - 1, 2 ** 15 - 1, 2 ** 8 - 1, 2 ** 7 - 1];

/** The numbers by which a client knows which answer is to which request. */
export class SerialNumbers<F extends object> {
  readonly #boxClass: BoxClass<F>;
  readonly #givenUp = new Set<number>();
  #last = 0;
  #largest = 0;

  /** @param boxClass The class of the boxes that carry them. */
  constructor(boxClass: BoxClass<F>) {
    this.#boxClass = boxClass;
  }

  /**
   * One that is free.
   *
   * @param taken Those of the requests that wait for their answers.
   * @throws {BoxError} `schema` when the boxes have none; `limit` when all are in use.
   */
  next(taken: ReadonlyMap<number, unknown>): number {
    this.#largest ||= this.#findLargest();
    if (taken.size + this.#givenUp.size >= this.#largest) {
      throw new BoxError(
        "limit",
        `Cannot send a request: all ${this.#largest} serial numbers are in use`,
      );
    }
    do this.#last = this.#last % this.#largest + 1; while (
      taken.has(this.#last) || this.#givenUp.has(this.#last)
    );
    return this.#last;
  }

  /** Its request was given up, but the answer may still come. */
  keep(sn: number): void {
    this.#givenUp.add(sn);
    if (this.#givenUp.size <= GIVEN_UP_MAX) return;
    for (const oldest of this.#givenUp) {
      this.#givenUp.delete(oldest);
      return;
    }
  }

  /**
   * Its answer came.
   *
   * @returns Whether its request was given up.
   */
  free(sn: number): boolean {
    return this.#givenUp.delete(sn);
  }

  /** Answers to requests that were given up come no more. */
  freeAll(): void {
    this.#givenUp.clear();
  }

  /** A box with those fields and that number. */
  put(data: BoxOf<F> | BoxInit<F>, sn: number): BoxOf<F> {
    const source = data as Record<string, unknown>;
    const names = data instanceof this.#boxClass
      ? [...this.#boxClass.fieldNames, "body"]
      : Object.keys(data);
    const init = Object.fromEntries(names.map((name) => [name, source[name]]));
    return new this.#boxClass({ ...init, sn } as unknown as BoxInit<F>);
  }

  #findLargest(): number {
    const { fieldNames, name } = this.#boxClass as
      & BoxClass<F>
      & { name: string };
    if (!fieldNames.includes("sn")) {
      throw new BoxError(
        "schema",
        `Cannot send a request: a ${name} has no field "sn" by which its answer is known`,
      );
    }
    const fits = (sn: number): boolean => {
      try {
        this.put({} as BoxInit<F>, sn).pack();
        return true;
      } catch {
        return false;
      }
    };
    return LARGEST.find(fits) ?? 0;
  }
}
