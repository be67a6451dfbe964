// WebSocketPiece: where a WebSocket stands, as one process hands it to another.

/** Where a WebSocket stands. */
export interface WebSocketPiece {
  /** A header that was cut in two, in base64. */
  header: string;
  /** What is known of the present frame. */
  opcode: number;
  /** How many bytes of it are to come. */
  left: number;
  /** Its mask, turned so that its low byte is the next one's. */
  mask: number;
  /** Whether a message has begun whose last frame is to come. */
  inMessage: boolean;
  /** The payload of a control frame as far as it has come, in base64. */
  control: string;
  /** Whether something came since the last ping. */
  heard: boolean;
  /** Steps since the last ping. */
  pingSteps: number;
  /** Pings without a sign of life. */
  unanswered: number;
  /** Its client has closed, which is to be told when the frames before that are given out. */
  closeFrame?: { readonly code: number; readonly reason: string };
  /** The same where it breaks the protocol. */
  fault?: { readonly code: number; readonly message: string };
}
