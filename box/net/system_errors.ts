// The errors of the system as Deno throws them.

type ErrorClass = new (message: string) => Error;

/** The class and the name of each, by its number. */
export const ERRORS: Readonly<Record<number, readonly [string, ErrorClass]>> = {
  1: ["EPERM", Deno.errors.PermissionDenied],
  4: ["EINTR", Deno.errors.Interrupted],
  9: ["EBADF", Deno.errors.BadResource],
  11: ["EAGAIN", Deno.errors.WouldBlock],
  12: ["ENOMEM", Error],
  13: ["EACCES", Deno.errors.PermissionDenied],
  22: ["EINVAL", Error],
  23: ["ENFILE", Error],
  24: ["EMFILE", Error],
  28: ["ENOSPC", Error],
  32: ["EPIPE", Deno.errors.BrokenPipe],
  97: ["EAFNOSUPPORT", Error],
  98: ["EADDRINUSE", Deno.errors.AddrInUse],
  99: ["EADDRNOTAVAIL", Deno.errors.AddrNotAvailable],
  100: ["ENETDOWN", Error],
  101: ["ENETUNREACH", Error],
  103: ["ECONNABORTED", Deno.errors.ConnectionAborted],
  104: ["ECONNRESET", Deno.errors.ConnectionReset],
  105: ["ENOBUFS", Error],
  107: ["ENOTCONN", Deno.errors.NotConnected],
  110: ["ETIMEDOUT", Deno.errors.TimedOut],
  113: ["EHOSTUNREACH", Error],
};
