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

  it('refuses at once, without sending, while it is not up', async () => {
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
