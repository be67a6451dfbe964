// givenFieldsTest(): each private field of a file is handed to another process, or it is said why
// not.

import { assertEquals } from "@std/assert";
import { pathOf } from "./paths.ts";

/** The fields that are not given, by the reason. */
export type Fields = Readonly<Record<string, readonly string[]>>;

const GIVING =
  /^ {2}(?:static |override |async |get |\*)*(?:parts|give|given|head|takeOver|retake|remake|reenter|retakeGone|resume|rejoin|from|takePeak|adopt)\([^]*?^ {2}\}/gm;

function fieldsOf(source: string): string[] {
  return [...source.matchAll(/^ {2}(?:readonly )?#(\w+)(?:[:?!]| =|;)/gm)]
    .map(([, name]) => name!);
}

/** Makes the test: what is given is named in the methods that give and take. */
export function givenFieldsTest(file: string, reasons: Fields): void {
  Deno.test(`each field of ${file} is handed over, or it is said why not`, async () => {
    const source = await Deno.readTextFile(pathOf(`../../${file}`));
    const giving = [...source.matchAll(GIVING)].map(([body]) => body).join();
    const given = (name: string) => new RegExp(`#${name}\\b`).test(giving);
    const left = Object.values(reasons).flat();
    const fields = fieldsOf(source);
    assertEquals(
      fields.filter((name) => !given(name) && !left.includes(name)),
      [],
      "these are neither given nor named here",
    );
    assertEquals(
      left.filter((name) => !fields.includes(name)),
      [],
      "these are named here and are not there",
    );
  });
}
