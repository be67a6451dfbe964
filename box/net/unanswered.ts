// unanswered(): the error of a request that has got no answer.

import { BoxError } from "../errors.ts";

/** The error of a request that has got no answer: it says whether the server may have had it. */
export function unanswered(error: unknown, wasSent: boolean): unknown {
  if (!(error instanceof BoxError)) return error;
  const { code, message } = error;
  return new BoxError(
    code,
    `${message}; the request ${
      wasSent ? "may have been carried out" : "was not sent"
    }`,
    { cause: error.cause ?? error, maybeDone: wasSent },
  );
}
