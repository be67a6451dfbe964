// The one error class of this package, and how its checks make one.

/**
 * The error that this package throws: an option that does not fit, or a gateway that cannot listen.
 */
export class GatewayError extends Error {
  /**
   * Makes the error.
   *
   * @param message What was wrong, what was expected, and the option to change.
   * @param options `cause`, where another error is behind this one.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GatewayError";
  }
}

/** What the checks of `@maple/box` make their errors with. */
export function fail(message: string, options?: ErrorOptions): GatewayError {
  return new GatewayError(message, options);
}
