// WebSocketFault: a client that breaks the protocol of WebSockets.

import { BoxError } from "../errors.ts";
import { WebSocketCode } from "./web_socket_frame.ts";

/** A client that breaks the protocol: the code that it is told, and why. */
export class WebSocketFault extends BoxError {
  /** The code of the close frame that tells it. */
  readonly closeCode: number;

  /**
   * Makes the error.
   *
   * @param message What was wrong.
   */
  constructor(closeCode: number, message: string) {
    super("frame", message);
    this.closeCode = closeCode;
  }
}

/** The fault of a client that breaks the rules of its frames. */
export function protocol(message: string): WebSocketFault {
  return new WebSocketFault(WebSocketCode.PROTOCOL, message);
}
