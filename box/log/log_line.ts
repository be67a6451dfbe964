// The lines of a log: one an event, as text or as JSON.

/** How a line is written: `text` for people, `json` (one object a line) for programs. */
export type LogFormat = "text" | "json";

/** The formats, the default first. */
export const LOG_FORMATS: readonly LogFormat[] = ["text", "json"];

/** What an event is about; each is a field of its own in JSON. */
export interface LogFields {
  /** The number of the client's connection. */
  readonly conn?: number | bigint | undefined;
}

/** What is known of an event. */
export interface LogEvent extends LogFields {
  /** When it happened. */
  readonly time: Date;
  /** How grave it is: `INFO`. */
  readonly level: string;
  /** Who tells it: `gateway`. */
  readonly role: string;
  /** What happened. */
  readonly message: string;
}

/** The line of an event, without a newline at its end or within. */
export function logLine(event: LogEvent, format: LogFormat): string {
  const { level, role, message, conn } = event;
  const time = zonedTime(event.time);
  const { pid } = Deno;
  if (format === "json") {
    const fields = { conn: typeof conn === "bigint" ? `${conn}` : conn };
    return JSON.stringify({ time, level, role, pid, ...fields, message });
  }
  const about = conn === undefined ? "" : ` conn=${conn}`;
  return `${time} ${level.padEnd(5)} ${role}[${pid}]${about} ${
    oneLine(message)
  }`;
}

// A peer's text must neither begin a line of its own nor steer the terminal of whoever reads it.
function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, " | ").replace(
    /\p{Cc}/gu,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** `2026-01-31T23:59:59.123+02:00` */
function zonedTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0");
  const minutes = String(Math.abs(offset) % 60).padStart(2, "0");
  return `${local.slice(0, -1)}${offset < 0 ? "-" : "+"}${hours}:${minutes}`;
}
