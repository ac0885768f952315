import type { Connection } from './connection.js'
import { ParleyError } from './errors.js'
import type { LoginKeeper } from './login-keeper.js'
import type { Environment } from './options.js'
import { backoffMs, Pause } from './waiting.js'

const ANSWER_WITHIN_MS = 10_000
const FIRST_AFTER_MS = 1_000
const PROBE_WITHIN_MS = 5_000

/** Keeps one open connection supplied with fresh tokens, so that it need not be closed for want of one. */
export class Renewal {
  private readonly pause: Pause
  private isClosed = false

  constructor(
    private readonly connection: Connection,
    /** The one by which the connection lasts at present. */
    public token: string,
    private readonly keeper: LoginKeeper,
    private readonly environment: Environment,
  ) {
    this.pause = new Pause(environment)
    void this.run()
  }

  close(): void {
    this.isClosed = true
    this.pause.end()
  }

  /** A connection that does not answer this is given up, long before its pings would tell. */
  probe(): void {
    this.connection.emit('auth:renew', { token: this.token }, PROBE_WITHIN_MS).catch(() => undefined)
  }

  private async run(): Promise<void> {
    let failures = 0
    while (!this.isClosed) {
      const waitMs =
        failures === 0
          ? Math.max(FIRST_AFTER_MS, this.keeper.renewInMs())
          : backoffMs(failures, this.environment)
      await this.pause.for(waitMs)
      if (this.isClosed) return
      failures = (await this.renew()) ? 0 : failures + 1
    }
  }

  private async renew(): Promise<boolean> {
    try {
      const token = await this.keeper.accessToken(this.token)
      await this.connection.emit('auth:renew', { token }, ANSWER_WITHIN_MS)
      this.token = token
      return true
    } catch (error) {
      // A token of another login than the connection's: the next connection begins with it.
      if (error instanceof ParleyError && error.code === 'UNAUTHENTICATED')
        this.connection.end({ reason: error.code, error })
      return false
    }
  }
}
