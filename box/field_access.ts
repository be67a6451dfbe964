// Properties of a box by names that are known at run time only, at little more than the cost of
// `box.cmd`.
//
// What V8 has learnt of a property it keeps by the place in the code. A loop that takes every name
// through one place has it look each of them up anew, which cost more than all else of packing and
// unpacking. So the first fields have a place each: as long as a process has one class of boxes,
// which is the rule, each place sees one name.

/** The fields of a box, by name. */
export type FieldRecord = Record<string, unknown>;

/**
 * Gets a property.
 *
 * @param index Which of the fields it is.
 */
export function getField(
  source: FieldRecord,
  index: number,
  name: string,
): unknown {
  switch (index) {
    case 0:
      return source[name];
    case 1:
      return source[name];
    case 2:
      return source[name];
    case 3:
      return source[name];
    case 4:
      return source[name];
    case 5:
      return source[name];
    case 6:
      return source[name];
    case 7:
      return source[name];
    default:
      return source[name];
  }
}

/**
 * Sets a property.
 *
 * @param index Which of the fields it is.
 */
export function setField(
  target: FieldRecord,
  index: number,
  name: string,
  value: unknown,
): void {
  switch (index) {
    case 0:
      target[name] = value;
      break;
    case 1:
      target[name] = value;
      break;
    case 2:
      target[name] = value;
      break;
    case 3:
      target[name] = value;
      break;
    case 4:
      target[name] = value;
      break;
    case 5:
      target[name] = value;
      break;
    case 6:
      target[name] = value;
      break;
    case 7:
      target[name] = value;
      break;
    default:
      target[name] = value;
  }
}
