// eachLine: the lines of a stream of bytes.

// A line that is longer is taken for several.
const LINE_MAX = 64 * 1024;

/** Calls back for each line, without its end, until the stream ends or breaks. */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true }))
        .split("\n");
      rest = lines.pop()!;
      for (const line of lines) onLine(line);
      if (rest.length < LINE_MAX) continue;
      onLine(rest);
      rest = "";
    }
  } catch {
    // It has broken: nothing more comes.
  }
  if (rest !== "") onLine(rest);
}
