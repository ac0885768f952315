import { createHash } from 'node:crypto'
import { type Allowance, GCRA_TOLERANCE_MS, type RateLimit } from '../../core/domain/gcra.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'
import type { RedisConnection } from './redis-connection.js'

const PORT = 'RateLimitPort'

/** `core/domain/gcra.ts` in Lua: what is to be kept (nil: nothing new), and how long to wait (0: allowed). */
export const GCRA = `local function gcra(tat, now, perMinute, burst)
  local interval = 60000 / perMinute
  local start = math.max(math.min(tat or now, now + burst * interval), now)
  local following = start + interval
  local wait = following - burst * interval - now
  if wait > ${GCRA_TOLERANCE_MS} then return nil, wait end
  return following, 0
end`

/**
 * By the clock of Redis. What is no number counts as a key never seen. Numbers are written with all their digits: Lua's own way keeps
 * 14, which is tenths of a millisecond.
 */
const TAKE = `${GCRA}
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local kept = redis.pcall('get', KEYS[1])
local tat = type(kept) == 'string' and tonumber(kept) or nil
local following, wait = gcra(tat, now, tonumber(ARGV[1]), tonumber(ARGV[2]))
if following then
  redis.call('set', KEYS[1], string.format('%.17g', following), 'px', math.ceil(following - now) + 1)
end
return string.format('%.17g', wait)`

/** GCRA counters that all processes share. */
export class RedisRateLimit implements RateLimitPort {
  readonly scope = 'cluster'
  private readonly count: ReturnType<RedisConnection['script']>

  constructor(private readonly redis: RedisConnection) {
    this.count = redis.script('parleyTake', 1, TAKE)
  }

  async take(key: string, { perMinute, burst }: RateLimit): Promise<Allowance> {
    // Keys hold addresses; the digest tells none.
    const digest = createHash('sha256').update(key).digest('base64url')
    const waitMs = Number(await this.count(PORT, `${this.redis.prefix}limit:{${digest}}`, perMinute, burst))
    return waitMs > 0 ? { allowed: false, retryAfterMs: Math.ceil(waitMs) } : { allowed: true }
  }
}
