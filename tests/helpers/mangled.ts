// Mangled: what a process has handed over, with something of it changed.

import type { Random } from "./random.ts";

/** What has come of another process. */
export interface Mangled {
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its descriptors. */
  readonly descriptors: readonly number[];
}

/** The same with something changed: bytes that are lost, flipped, or twice there; descriptors. */
export function mangled(
  { bytes, descriptors }: Mangled,
  random: Random,
): Mangled {
  // Half of the time behind the header, of which most changes are seen at once.
  const head = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const least = random.between(0, 1) * Math.min(head, bytes.length - 1);
  const at = random.between(least, bytes.length - 1);
  const own = bytes.slice();
  switch (random.between(0, 6)) {
    case 0:
      return { bytes: own.slice(0, at), descriptors };
    case 1:
      own[at]! ^= 1 << random.between(0, 7);
      return { bytes: own, descriptors };
    case 2:
      own[at] = random.pick([0, 1, 127, 128, 255]);
      return { bytes: own, descriptors };
    case 3:
      own.set(random.bytes(8), Math.min(at, own.length - 8));
      return { bytes: own, descriptors };
    case 4: {
      const end = Math.min(own.length, at + random.between(1, 200));
      const parts = [own.slice(0, at), own.slice(end)];
      return {
        bytes: new Uint8Array([...parts[0]!, ...parts[1]!]),
        descriptors,
      };
    }
    case 5: {
      const more = own.slice(at, at + random.between(1, 200));
      return { bytes: new Uint8Array([...own, ...more]), descriptors };
    }
    default: {
      const missing = random.between(1, descriptors.length);
      return { bytes: own, descriptors: descriptors.slice(missing) };
    }
  }
}
