import { setTimeout as sleep } from 'node:timers/promises'
import type { FailoverState } from '../../../adapters/failover/index.js'
import { RedisConnection, type RedisSentinels, type RedisState } from '../../../adapters/redis/index.js'
import type { ClockPort } from '../../../core/ports/clock-port.js'
import { type RedisReport, reportOf } from './redis-report.js'

/** A Redis that is there is used from the first request on; for one that is not nobody waits longer. */
const LOOK_FOR_MS = 1_000

export type RedisSideOptions = {
  /** Several are nodes of one cluster. */
  readonly urls: readonly [string, ...string[]]
  /** Who knows where Redis is; null: its URLs say it. */
  readonly sentinels?: RedisSentinels | null
  readonly prefix: string
  /** Told when it comes and goes, and of the error of a connection that was the last before that. */
  readonly onChange: (state: RedisState, error: unknown) => void
}

type Watched = { state(): FailoverState }

/** The connection to Redis, and the adapters that fall over from it. */
export class RedisSide {
  readonly connection: RedisConnection
  private readonly adapters: Watched[] = []
  private lastError: unknown
  private reporting: Promise<RedisReport> | null = null

  constructor(
    private readonly options: RedisSideOptions,
    { clock, secret }: { readonly clock: ClockPort; readonly secret: string },
  ) {
    const { urls, sentinels, prefix } = options
    this.connection = new RedisConnection({
      url: urls,
      isCluster: urls.length > 1,
      ...(sentinels ? { sentinels } : {}),
      prefix,
      secret,
      clock,
      onError: (error) => {
        this.lastError = error
      },
    })
  }

  /** Never rejects. */
  async start(): Promise<void> {
    this.connection.health.onChange((state) => {
      this.options.onChange(state, this.lastError)
      this.lastError = undefined
    })
    await Promise.race([this.connection.start(), sleep(LOOK_FOR_MS, undefined, { ref: false })])
  }

  /** Includes an adapter in what is told of this side. */
  watch<T extends Watched>(adapter: T): T {
    this.adapters.push(adapter)
    return adapter
  }

  /** One a port. */
  failover(): readonly FailoverState[] {
    const states = this.adapters.map((adapter) => adapter.state())
    return [...new Map(states.map((state) => [state.port, state])).values()]
  }

  /** Those who ask at the same time are told the same. */
  report(): Promise<RedisReport> {
    this.reporting ??= reportOf(this.connection).finally(() => {
      this.reporting = null
    })
    return this.reporting
  }

  close(): void {
    this.connection.close()
  }
}
