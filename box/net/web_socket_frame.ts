// The frames of a WebSocket (RFC 6455, section 5): their kinds, codes and headers.

/** The kinds of frames (RFC 6455, 5.2). */
export const WebSocketOpcode = {
  CONTINUATION: 0,
  TEXT: 1,
  BINARY: 2,
  CLOSE: 8,
  PING: 9,
  PONG: 10,
} as const;

/** The reasons for a close that this side gives (RFC 6455, 7.4.1). */
export const WebSocketCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL: 1002,
  UNSUPPORTED: 1003,
  INVALID_TEXT: 1007,
  POLICY: 1008,
  TOO_BIG: 1009,
  FAILURE: 1011,
  TRY_LATER: 1013,
} as const;

// Bits and numbers of a header.
export const FIN = 0x80;
export const RESERVED = 0x70;
export const OPCODE = 0x0f;
export const MASKED = 0x80;
export const LENGTH = 0x7f;
/** Bytes of the longest header. */
export const LONGEST_HEADER = 14;
/** Bytes of the longest payload of a control frame. */
export const LONGEST_CONTROL = 125;
/** Stands for the code of a close frame that has none. */
export const NO_CODE = 1005;

/** The bytes of a header before its mask, by the length in its second byte. */
export function headerBytes(short: number): number {
  return short === 127 ? 10 : short === 126 ? 4 : 2;
}

/** The bytes of a client's header, by its second byte. */
export function clientHeaderBytes(second: number): number {
  return headerBytes(second & LENGTH) + 4;
}

/** Whether a code may be sent (RFC 6455, 7.4). */
export function isCloseCode(code: number): boolean {
  if (code < 3000) {
    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
  }
  return code < 5000;
}

/** The bytes of the header of a server's frame with so much payload. */
export function webSocketHeaderBytes(length: number): number {
  return headerBytes(length < 126 ? length : length < 2 ** 16 ? 126 : 127);
}

/** Writes the header of a server's frame, a whole message or a control frame. */
export function writeWebSocketHeader(
  target: Uint8Array,
  at: number,
  length: number,
  opcode: number = WebSocketOpcode.BINARY,
): void {
  target[at] = FIN | opcode;
  if (length < 126) {
    target[at + 1] = length;
  } else if (length < 2 ** 16) {
    target[at + 1] = 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length;
  } else {
    target[at + 1] = 127;
    for (let i = 0; i < 8; i++) {
      target[at + 2 + i] = Math.floor(length / 2 ** (8 * (7 - i)));
    }
  }
}
