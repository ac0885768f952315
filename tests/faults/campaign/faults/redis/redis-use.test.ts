import { describe, expect, it } from 'vitest'
import { workIn } from './redis-use.js'

const line = (name: string, calls: number) =>
  `cmdstat_${name}:calls=${calls},usec=9,usec_per_call=1.00,rejected_calls=0,failed_calls=0\r\n`

/** What two servers without a client made of it in twelve seconds. */
const IDLE = `# Commandstats\r\n${[
  line('evalsha', 14),
  line('config|resetstat', 1),
  line('zrangebyscore', 14),
  line('hset', 6),
  line('smembers', 2),
  line('get', 12),
  line('hget', 18),
  line('zremrangebyscore', 2),
  line('eval', 6),
  line('zadd', 4),
  line('publish', 64),
  line('pexpire', 4),
  line('zscore', 4),
  line('time', 20),
].join('')}`

describe('the use of Redis for users', () => {
  it('is nothing that idle servers do', () => {
    expect(workIn(IDLE)).toBe(0)
    expect(workIn('')).toBe(0)
  })

  it('is what is kept for users', () => {
    expect(workIn(`${IDLE}${line('set', 12)}`)).toBe(12)
    expect(workIn(`# Commandstats\r\n${line('setex', 3)}${line('set', 4)}${line('hset', 5)}`)).toBe(4)
  })
})
