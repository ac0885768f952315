import { randomUUID } from 'node:crypto'
import type { HeldLock, LockPort } from '../../core/ports/lock-port.js'
import { wasNotSent } from './errors.js'
import type { RedisConnection } from './redis-connection.js'

const PORT = 'LockPort'

/** What has no end is none of our locks, and would keep everybody out for ever. */
const ACQUIRE = `if redis.call('pttl', KEYS[1]) == -1 then redis.call('del', KEYS[1]) end
return redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2], 'nx')`

/** Compare and delete in one step: between a GET and a DEL the key can change hands. */
const RELEASE = `if redis.pcall('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])`

/** Attempts of unknown outcome that are remembered; the locks of others lapse by themselves. */
const DOUBTFUL_MAX = 1_000
/** How often it is tried to give one back: where Redis is up but fails at that, it would be tried each time it came up, for ever. */
const TRIES = 3

type Doubtful = { readonly name: string; readonly triesLeft: number }

/**
 * Locks of all processes on one Redis. One that Redis loses (a restart, an eviction, a failover) has no holder any more: it saves work
 * and decides nothing.
 */
export class RedisLock implements LockPort {
  readonly scope = 'cluster'
  private readonly acquire: ReturnType<RedisConnection['script']>
  private readonly compareAndDelete: ReturnType<RedisConnection['script']>
  /** By token, attempts that timed out: Redis may yet carry them out. */
  private readonly doubtful = new Map<string, Doubtful>()

  constructor(private readonly redis: RedisConnection) {
    this.acquire = redis.script('parleyAcquireLock', 1, ACQUIRE)
    this.compareAndDelete = redis.script('parleyReleaseLock', 1, RELEASE)
    redis.health.onChange((state) => {
      if (state === 'up') void this.giveBackDoubtful()
    })
  }

  async tryAcquire(key: string, ttlMs: number): Promise<HeldLock | null> {
    const name = `${this.redis.prefix}lock:{${key}}`
    // New for each attempt, so that one that was given up is not taken for the next.
    const token = randomUUID()
    try {
      const reply = await this.acquire(PORT, name, token, ttlMs)
      return reply === 'OK' ? { release: () => this.release(name, token) } : null
    } catch (error) {
      if (!wasNotSent(error)) this.remember(token, { name, triesLeft: TRIES })
      throw error
    }
  }

  private async release(name: string, token: string): Promise<boolean> {
    try {
      return (await this.compareAndDelete(PORT, name, token)) === 1
    } catch {
      this.remember(token, { name, triesLeft: TRIES })
      return false
    }
  }

  private remember(token: string, doubtful: Doubtful): void {
    if (this.doubtful.size < DOUBTFUL_MAX) this.doubtful.set(token, doubtful)
  }

  private async giveBackDoubtful(): Promise<void> {
    const due = [...this.doubtful]
    this.doubtful.clear()
    for (const [token, { name, triesLeft }] of due)
      try {
        await this.compareAndDelete(PORT, name, token)
      } catch (error) {
        const left = wasNotSent(error) ? triesLeft : triesLeft - 1
        if (left > 0) this.remember(token, { name, triesLeft: left })
      }
  }
}
