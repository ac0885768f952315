import { ParleyError } from './errors.js'
import type { Environment } from './options.js'

const BACKOFF = { baseMs: 500, capMs: 30_000 }
/** However long a server asks to wait. */
const RETRY_AFTER_MAX_MS = 300_000

/**
 * "Full jitter": anything up to a bound that doubles with each attempt (M. Brooker, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015), so that clients that were cut off together do not come back together. Where the server asks to wait,
 * it is never less than that, and spread by a tenth.
 */
export function backoffMs(attempt: number, environment: Environment, retryAfterMs?: number): number {
  const jittered = environment.random() * Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** attempt)
  if (retryAfterMs === undefined) return jittered
  const asked = Math.min(retryAfterMs, RETRY_AFTER_MAX_MS)
  return Math.max(jittered, asked * (1 + environment.random() / 10))
}

/** A wait that can be cut short, and leaves no timer behind. */
export class Pause {
  private timer: unknown = null
  private resolve: (() => void) | null = null

  constructor(private readonly environment: Environment) {}

  /** Only one at a time: a second one ends the first. */
  for(ms: number): Promise<void> {
    this.end()
    return new Promise((resolve) => {
      this.resolve = resolve
      this.timer = this.environment.setTimeout(() => this.end(), ms)
    })
  }

  end(): void {
    const { resolve, timer } = this
    this.resolve = null
    this.timer = null
    if (timer !== null) this.environment.clearTimeout(timer)
    resolve?.()
  }
}

/** The time that a request has, measured by a clock that does not jump. */
export class Deadline {
  private readonly endMs: number

  constructor(
    private readonly environment: Environment,
    ms: number,
  ) {
    this.endMs = environment.monotonicMs() + ms
  }

  get leftMs(): number {
    return Math.max(0, this.endMs - this.environment.monotonicMs())
  }
}

export const tooLate = (what: string, uncertain: boolean): ParleyError =>
  new ParleyError('TIMEOUT', `No answer in time: ${what}.`, { uncertain })
