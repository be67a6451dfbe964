// How a stream of bytes is cut into frames: the one interface that every reader, server and client
// needs.

/** The most bytes that a frame may have where no other limit is given: 16 MiB. */
export const DEFAULT_MAX_FRAME_BYTES: number = 16 * 1024 * 1024;

/** The negative answers of {@linkcode Framing.frameLength} and of `check`. */
export const FrameFault = {
  /** The bytes do not begin with the magic number. */
  badMagic: -1,
  /** The length field is smaller than the header. */
  badLength: -2,
  /** The frame is longer than the limit. */
  tooLong: -3,
} as const;

/** Cuts bytes into frames; every box class is one. */
export interface Framing {
  /** What stands in error messages, `Box` for instance. */
  readonly name: string;

  /**
   * The length of the frame that begins at `start`.
   *
   * @param bytes Where the frame is.
   * @param start Index of its first byte.
   * @param end Index after the last byte there is.
   * @param seen How many bytes from `start` on an earlier call has already looked at in vain.
   * @returns The length in bytes, header and all, which may be more than there is yet; 0 while the
   * bytes do not tell; one of {@linkcode FrameFault} when they are no frame.
   */
  frameLength(
    bytes: Uint8Array,
    start: number,
    end: number,
    seen?: number,
  ): number;
}

/**
 * The classic check of a buffer against a framing.
 *
 * @returns `> 0`: the bytes that the first whole frame uses; `0`: more bytes are needed; `< 0`: no
 * frame, see {@linkcode FrameFault}.
 */
export function checkFrame(
  framing: Framing,
  bytes: Uint8Array,
  frameBytes: number = DEFAULT_MAX_FRAME_BYTES,
): number {
  const length = framing.frameLength(bytes, 0, bytes.length);
  if (length > frameBytes) return FrameFault.tooLong;
  if (length === 0 && bytes.length >= frameBytes) return FrameFault.tooLong;
  return length > bytes.length ? 0 : length;
}
