// Message: one message to one gateway, and what is waited for.

import { canHaveReceipt, type Receipt } from "@maple/box/internal";
import type { TriggerError, TriggerErrorCode } from "./errors.ts";
import type { GatewayConnection } from "./gateway_connection.ts";
import type { Ensure } from "./options.ts";

/** One message to one gateway. */
export interface Message {
  /** The whole frame. */
  readonly frame: Uint8Array;
  /** How much is done so that it is sent. */
  readonly ensure: Ensure;
  /** How its time is kept. */
  readonly timer: ReturnType<typeof setInterval>;
  /** Milliseconds of one attempt. */
  readonly timeoutMs: number;
  /**
   * What is waited for: `"none"`, that it is handed to the connection; `"where given"`, for the
   * receipt of a gateway that gives one; `"receipt"`, for that alone; `"answer"`, the same, and
   * asking twice does no harm.
   */
  readonly wants: "none" | "where given" | "receipt" | "answer";
  /**
   * Whether it can go by another gateway instead, where there may be one; then it fails here with
   * `connection`. Of one that this gateway may have taken, only when that is gone.
   */
  readonly canMove: ((takenBy: number | undefined) => boolean) | undefined;
  /** It is done. */
  readonly resolve: (receipt: Receipt | undefined) => void;
  /** It has failed. */
  readonly reject: (error: TriggerError) => void;
  /** Whether it is done, or given up. */
  isOver: boolean;
  /** The connection that it was sent on, while its receipt is waited for. */
  sentOn: GatewayConnection | undefined;
  /** When, in milliseconds of `performance.now()`. */
  sentAt: number;
  /** What that knows it by. */
  receiptId: number;
  /**
   * The life of the gateway that may have taken it, though its connection was lost: this one is not
   * sent it again.
   */
  takenBy: number | undefined;
}

/** Whether the receipt of a message is waited for on a connection. */
export function isWatchedOn(
  connection: GatewayConnection,
  message: Message,
): boolean {
  return message.wants !== "none" && connection.givesReceipts &&
    canHaveReceipt(message.frame);
}

/** Why a gateway is not sent a message; undefined where it is. */
export function whyNot(
  { frame: { length }, wants }: Message,
  { frameBytes, givesReceipts }: GatewayConnection,
): [code: TriggerErrorCode, why: string] | undefined {
  if (length > frameBytes) {
    return [
      "limit",
      `${length} bytes are too many: it takes messages of up to ${frameBytes} (its option innerFrameBytes)`,
    ];
  }
  if (givesReceipts || wants === "none" || wants === "where given") {
    return undefined;
  }
  return [
    "unsupported",
    "this gateway gives no receipts and answers no questions, as those of the original system",
  ];
}
