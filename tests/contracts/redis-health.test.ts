import { describe, expect, it } from 'vitest'
import { MemoryClock } from '../../adapters/memory/index.js'
import { RedisHealth } from '../../adapters/redis/redis-health.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'

/** A Redis that answers probes as it is told, and the health that judges it. */
function judged() {
  const clock = new MemoryClock()
  const redis = { isWell: true, probes: 0 }
  const health = new RedisHealth(clock, async () => {
    redis.probes += 1
    if (!redis.isWell) throw new Error('no answer')
  })
  const states: string[] = []
  health.onChange((state) => states.push(state))
  const fails = () => health.call('CachePort', () => Promise.reject(new Error('Command timed out')))
  return { clock, redis, health, states, fails }
}

/** An error as the library makes it of a reply. */
function reply(message: string): Error {
  const error = new Error(message)
  error.name = 'ReplyError'
  return error
}

async function up() {
  const world = judged()
  await world.health.start()
  return world
}

describe('the health of Redis', () => {
  it('sends nothing before the first probe has succeeded', async () => {
    const { health } = judged()
    let sent = 0
    const send = async () => {
      sent += 1
    }
    await expect(health.call('LockPort', send)).rejects.toBeInstanceOf(PortUnavailable)
    await health.start()
    await health.call('LockPort', send)
    expect(sent).toBe(1)
  })

  it('is suspect with the first failure, and up again with the next good probe', async () => {
    const { clock, states, fails, health } = await up()
    await expect(fails()).rejects.toBeInstanceOf(PortUnavailable)
    await clock.advance(0)
    expect(states).toEqual(['up', 'suspect', 'up'])
    expect(health.switches).toBe(3)
  })

  it('refuses at once, without sending, while it is not up (pitfalls 3 and 4)', async () => {
    const { redis, clock, fails, health } = await up()
    redis.isWell = false
    await expect(fails()).rejects.toBeInstanceOf(PortUnavailable)
    await clock.advance(0)
    expect(health.state).toBe('down')
    let sent = 0
    const send = async () => {
      sent += 1
    }
    for (let call = 0; call < 100; call += 1)
      await expect(health.call('CachePort', send)).rejects.toBeInstanceOf(PortUnavailable)
    expect(sent).toBe(0)
  })

  it('is trusted again after two good probes in a row, and by nothing else', async () => {
    const { redis, clock, fails, health, states } = await up()
    redis.isWell = false
    await expect(fails()).rejects.toThrow()
    await clock.advance(10_000)
    expect(health.state).toBe('down')
    redis.isWell = true
    const before = redis.probes
    await clock.advance(10_000)
    expect(states).toEqual(['up', 'suspect', 'down', 'up'])
    expect(redis.probes - before).toBe(2)
  })

  it('probes less and less often while it stays away, but never less than each 2.4 seconds', async () => {
    const { redis, clock, fails } = await up()
    redis.isWell = false
    await expect(fails()).rejects.toThrow()
    await clock.advance(60_000)
    const before = redis.probes
    await clock.advance(24_000)
    expect(redis.probes - before).toBeGreaterThanOrEqual(10)
    expect(redis.probes - before).toBeLessThanOrEqual(16)
  })

  it('takes no failure of a command for news that was sent before an outage', async () => {
    const { clock, fails, health } = await up()
    let failLate: (error: Error) => void = () => undefined
    const answer = new Promise<never>((_, reject) => {
      failLate = reject
    })
    const late = health.call('CachePort', () => answer)
    await expect(fails()).rejects.toThrow()
    await clock.advance(0)
    expect(health.state).toBe('up')
    failLate(new Error('Command timed out'))
    await expect(late).rejects.toBeInstanceOf(PortUnavailable)
    expect(health.state).toBe('up')
  })

  it('passes a mistake of this code on, and blames Redis for none', async () => {
    const { health } = await up()
    const mistake = new TypeError('undefined is not a function')
    await expect(health.call('CachePort', () => Promise.reject(mistake))).rejects.toBe(mistake)
    expect(health.state).toBe('up')
  })

  it.each([
    'LOADING Redis is loading the dataset in memory',
    'BUSY Redis is busy running a script.',
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist on disk.',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'NOREPLICAS Not enough good replicas to write.',
    'CLUSTERDOWN The cluster is down',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    'DENIED Redis is running in protected mode',
  ])('is suspect when Redis answers %s', async (message) => {
    const { health, states } = await up()
    await expect(health.call('LockPort', () => Promise.reject(reply(message)))).rejects.toBeInstanceOf(
      PortUnavailable,
    )
    expect(states).toContain('suspect')
  })

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "NOPERM this user has no permissions to run the 'set' command",
    'NOSCRIPT No matching script.',
    "CROSSSLOT Keys in request don't hash to the same slot",
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'ERR value is not an integer or out of range',
  ])('is not doubted for the reply %s, which speaks of the command', async (message) => {
    const { health, states, redis } = await up()
    for (let call = 0; call < 20; call += 1)
      await expect(health.call('LockPort', () => Promise.reject(reply(message)))).rejects.toBeInstanceOf(
        PortUnavailable,
      )
    expect(states).toEqual(['up'])
    expect(redis.probes).toBe(1)
  })

  it('is left alone for a while when commands keep failing though the probes between them succeed', async () => {
    const { clock, redis, health, fails } = await up()
    let waited = 0
    const fail = async () => {
      if (!health.isUp()) return
      waited += 1
      await expect(fails()).rejects.toBeInstanceOf(PortUnavailable)
      await clock.advance(0)
    }
    for (let call = 0; call < 50; call += 1) await fail()
    expect(waited).toBe(3)
    const before = redis.probes
    await clock.advance(3_900)
    expect(redis.probes).toBe(before)
    await clock.advance(2_200)
    expect(health.isUp()).toBe(true)
    // Once more and no oftener: what has failed so often is not tried three times again.
    for (let call = 0; call < 50; call += 1) await fail()
    expect(waited).toBe(4)
  })

  it('forgets failures that lie far apart', async () => {
    const { clock, health, fails, states } = await up()
    for (let call = 0; call < 10; call += 1) {
      await expect(fails()).rejects.toBeInstanceOf(PortUnavailable)
      await clock.advance(20_000)
    }
    expect(states).not.toContain('down')
    expect(health.isUp()).toBe(true)
  })

  it('probes no more once it is closed', async () => {
    const { redis, clock, fails, health } = await up()
    redis.isWell = false
    await expect(fails()).rejects.toThrow()
    await clock.advance(0)
    health.close()
    const before = redis.probes
    await clock.advance(60_000)
    expect(redis.probes).toBe(before)
  })
})
