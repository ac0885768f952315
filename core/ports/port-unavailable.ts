/** Thrown by an adapter that could not ask its technology; no library error passes a port. */
export class PortUnavailable extends Error {
  override readonly name = 'PortUnavailable'
  /** When a retry is worth while, in ms. */
  readonly retryAfterMs: number

  constructor(
    readonly port: string,
    cause: unknown,
    retryAfterMs = 1_000,
  ) {
    super(`${port} is unavailable`, { cause })
    this.retryAfterMs = retryAfterMs
  }
}
