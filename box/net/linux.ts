// Linux: its names and numbers, and the declarations of those calls of its library, that both who
// call it need. `libc.ts` says why that harms no memory.

// The same on the two processors that Deno runs on, and with both libraries, glibc and musl.
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
/** Children of the process do not get the descriptor. */
export const CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const MSG_DONTWAIT = 0x40;
/** A side that is gone must not end the process by a signal. */
export const MSG_NOSIGNAL = 0x4000;

const LIBRARIES = ["libc.so.6", "libc.so"];

/** Calls that are declared once; sizes are `u32`, results `i32`. */
export const COMMON_CALLS = {
  __errno_location: { parameters: [], result: "pointer" },
  strerror: { parameters: ["i32"], result: "pointer" },
  calloc: { parameters: ["u32", "u32"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/**
 * Opens the system's library with these calls.
 *
 * @throws {Error} with what was tried, where it cannot be had.
 */
export function openLibrary<const T extends Deno.ForeignLibraryInterface>(
  calls: T,
): Deno.DynamicLibrary<T> {
  const tried: string[] = [];
  for (const name of LIBRARIES) {
    try {
      return Deno.dlopen(name, calls);
    } catch (error) {
      tried.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    `it needs the system's library, which cannot be opened (${
      tried.join("; ")
    })`,
  );
}
